/** How the bench reads the values of its options; what it refuses names the option. */

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { unknownName } from "../src/base/nearest.ts";

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

/** Names a flag that is none and the nearest that is; a strict parser would name it alone. */
export function refuseUnknownFlags(args: readonly string[], flags: ParseArgsOptionsConfig): void {
  const given = parseArgs({ args: [...args], options: flags, strict: false, tokens: true });
  for (const token of given.tokens) {
    if (token.kind !== "option" || Object.hasOwn(flags, token.name)) continue;
    const known = Object.keys(flags).map((name) => `--${name}`);
    throw new Misuse(unknownName("flag", token.rawName, known));
  }
}
