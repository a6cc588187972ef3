/** How the bench reads the values of its options; what it refuses names the option. */

/** Wrong usage; the message is for the one who typed it. */
export class Misuse extends Error {}

type Bounds = { readonly min: number; readonly max: number };

export function addressOf(name: string, text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new Misuse(`--${name} must be an http or https address`);
  }
  return url;
}

export function wholeOf(name: string, text: string, bounds: Bounds): number {
  const value = numberOf(name, text, bounds);
  if (!Number.isInteger(value)) throw new Misuse(`--${name} must be a whole number`);
  return value;
}

export function numberOf(name: string, text: string, bounds: Bounds): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  throw new Misuse(`--${name} must be a number from ${bounds.min} to ${bounds.max}`);
}
