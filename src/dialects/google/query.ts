/**
 * What a query may ask of Google's servers. Most of it is the provider's business; parameters that would
 * make its answers unreadable for the meter are refused, because what cannot be read cannot be paid rightly.
 */
import { type Refused, wrong } from "../json-body.ts";

/** System parameters (cloud.google.com/apis/docs/system-parameters, 2026-11), with and without the `$`. */
const HIDING = ["fields", "$fields", "callback", "$callback"];
const ALT = ["alt", "$alt"];

/** Whether a stream is asked for as server-sent events, and not as a JSON array. */
export function asksForEvents(query: string): boolean {
  return altOf(new URLSearchParams(query)).includes("sse");
}

/** `forms`: values of `alt` whose answers are read. */
export function refuseQuery(query: string | undefined, forms: readonly string[]): Refused | null {
  if (query === undefined || query === "") return null;
  const parameters = new URLSearchParams(query);
  const hiding = HIDING.find((name) => parameters.has(name));
  if (hiding !== undefined) {
    return wrong(`The parameter '${hiding}' would leave out of the answer what it cost.`, hiding);
  }
  const alts = altOf(parameters);
  if (alts.length > 1) return wrong("'alt' is given more than once.", "alt");
  return alts.every((alt) => forms.includes(alt))
    ? null
    : wrong(`'alt' must be ${forms.join(" or ")}.`, "alt");
}

function altOf(parameters: URLSearchParams): string[] {
  return ALT.flatMap((name) => parameters.getAll(name));
}
