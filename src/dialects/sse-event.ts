/**
 * What one server-sent event says, and how we word our own. Reading follows the WHATWG rules: the
 * lines of `data` are joined by LF, one space after the colon is not part of the value, comments
 * and unknown fields say nothing.
 */

export type ServerEvent = {
  /** The `event` field; empty when there was none. */
  readonly name: string;
  /** null when the event has no `data`: a comment, or nothing but other fields. */
  readonly data: string | null;
};

// Not fatal: a provider's broken character is passed on, and only misread by us. It drops a leading
// byte order mark, which the standard allows before the first event.
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Reads one whole event, with or without its blank line. */
export function readEvent(event: Uint8Array): ServerEvent {
  let name = "";
  let data: string | null = null;
  for (const line of decoder.decode(event).split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    if (field !== "data" && field !== "event") continue;
    const valueStart = line[colon + 1] === " " ? colon + 2 : colon + 1;
    const value = colon < 0 ? "" : line.slice(valueStart);
    if (field === "event") name = value;
    else data = data === null ? value : `${data}\n${value}`;
  }
  return { name, data };
}

/** One event that carries `data`; without `name` an unnamed one. */
export function writeEvent(data: string, name?: string): Uint8Array {
  const lines = data.split(/\r\n|\n|\r/).map((line) => `data: ${line}\n`);
  return encoder.encode(`${name === undefined ? "" : `event: ${name}\n`}${lines.join("")}\n`);
}
