/** Base62 (0-9, A-Z, a-z): the alphabet of our secrets, safe in headers, shells and double clicks. */
import type { Random } from "./random.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE = ALPHABET.length;

/** A non-negative integer, most significant digit first, padded with zeros to `length`. */
export function base62(value: number, length: number): string {
  let digits = "";
  let rest = value;
  for (let position = 0; position < length; position += 1) {
    digits = ALPHABET.charAt(rest % BASE) + digits;
    rest = Math.floor(rest / BASE);
  }
  return digits;
}

/** `length` characters drawn uniformly, 5.95 bits each. */
export function randomBase62(random: Random, length: number): string {
  let text = "";
  for (let position = 0; position < length; position += 1) {
    text += ALPHABET.charAt(random.below(BASE));
  }
  return text;
}
