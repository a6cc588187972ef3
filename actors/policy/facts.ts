/**
 * What callers must never get wrong: money, times and counts that nobody could reckon with. A wrong
 * one is a bug of ours; the sentence is made only then, because these stand on the hot path.
 */
import { assert } from "../../src/base/assert.ts";
import type { NanoUsd } from "../../src/base/units.ts";

function isNanoUsd(amount: NanoUsd): boolean {
  return Number.isSafeInteger(amount) && amount >= 0;
}

/** `what` names the amount in the sentence of the failure. */
export function assertNanoUsd(amount: NanoUsd, what: string): void {
  if (!isNanoUsd(amount)) assert(false, `${what} is not an amount of money: ${amount}`);
}

export function assertTime(atMs: number): void {
  if (!Number.isFinite(atMs)) assert(false, `not a time: ${atMs}`);
}

/** A number of model tokens. */
export function assertTokens(tokens: number): void {
  if (!Number.isFinite(tokens) || tokens < 0) assert(false, `not a number of tokens: ${tokens}`);
}
