/** How the bench reads the values of its options; what it refuses names the option. */

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { unknownName } from "../src/base/nearest.ts";

/** Wrong usage; the message is for the one who typed it. */
export class Misuse extends Error {}

/** What a command line turned out to be. */
export type Reading<Options> =
  | { readonly kind: "options"; readonly options: Options }
  | { readonly kind: "help" }
  | { readonly kind: "misuse"; readonly complaint: string };

/** What `read` makes of a command line; it gives undefined for help and throws {@link Misuse}. */
export function readingOf<Options>(read: () => Options | undefined): Reading<Options> {
  try {
    const options = read();
    return options === undefined ? { kind: "help" } : { kind: "options", options };
  } catch (error) {
    // What parseArgs throws is a TypeError that names the flag and what is wrong with it.
    if (error instanceof Misuse || error instanceof TypeError) {
      return { kind: "misuse", complaint: error.message };
    }
    throw error;
  }
}

/** The files that options ask for; a plot is drawn in one of two forms. */
export function filesFrom({
  json,
  plot,
}: {
  readonly json?: string | undefined;
  readonly plot?: string | undefined;
}) {
  if (plot !== undefined && !/\.(svg|html)$/.test(plot)) {
    throw new Misuse("--plot must name a file that ends in .svg or .html");
  }
  return { jsonPath: json, plotPath: plot };
}

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

/** A number of seconds, as milliseconds. */
export function secondsOf(name: string, text: string, bounds: Bounds): number {
  return numberOf(name, text, bounds) * 1_000;
}

/** The flags of a command line; anything else is refused, by its name. */
export function flagsOf<const Flags extends ParseArgsOptionsConfig>(
  args: readonly string[],
  flags: Flags,
) {
  refuseUnknownFlags(args, flags);
  return parseArgs({ args: [...args], options: flags, strict: true }).values;
}

/** Names a flag that is none and the nearest that is; a strict parser would name it alone. */
function refuseUnknownFlags(args: readonly string[], flags: ParseArgsOptionsConfig): void {
  const given = parseArgs({ args: [...args], options: flags, strict: false, tokens: true });
  for (const token of given.tokens) {
    if (token.kind !== "option" || Object.hasOwn(flags, token.name)) continue;
    const known = Object.keys(flags).map((name) => `--${name}`);
    throw new Misuse(unknownName("flag", token.rawName, known));
  }
}
