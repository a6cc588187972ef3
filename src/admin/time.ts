/** Times as they come in: RFC 3339 with any offset, down to milliseconds. */

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** Milliseconds since the epoch; undefined when the text is not such a time, or before 1970. */
export function parseTime(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day] = match;
  // Date.parse takes 30 February for 2 March, so the day is compared with what it made of it.
  const midnight = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (midnight.getUTCDate() !== Number(day)) return undefined;
  const atMs = Date.parse(text.toUpperCase().replace(" ", "T"));
  return Number.isNaN(atMs) || atMs < 0 ? undefined : atMs;
}
