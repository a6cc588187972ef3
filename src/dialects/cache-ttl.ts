/** Whether a body can ask for a cache that is kept for an hour, which has a price of its own. */

/** Anthropic's `"cache_control":{"ttl":"1h"}`, wherever it stands; the letters may be escaped. */
const TTL_SPELLINGS = ['"ttl"', "\\u0074", "\\u006c", "\\u006C"] as const;

export function keptForAnHour(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return TTL_SPELLINGS.some((spelling) => view.includes(spelling));
}
