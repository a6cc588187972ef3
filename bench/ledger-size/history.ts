/**
 * What happened in a generated history, exchange by exchange, without a database: who asked for
 * which model, how it went and what it cost.
 *
 * Invariant: the same plan gives the same exchanges, in the order of time and of their ids.
 */
import type { AttemptScopes } from "../../src/base/scope.ts";

/** An access token as a history needs it. */
export type Asker = {
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly tokenId: string;
};

/** A model, the provider that serves it and the one that stands in. */
export type Offer = {
  readonly routeId: string;
  readonly route: string;
  readonly providers: readonly [ProviderRef, ProviderRef];
  readonly model: string;
};

type ProviderRef = { readonly id: string; readonly name: string };

export type HistoryPlan = {
  readonly exchanges: number;
  /** The first ask most, the last hardly ever. */
  readonly askers: readonly Asker[];
  readonly offers: readonly Offer[];
  readonly startMs: number;
  readonly endMs: number;
};

/** One exchange of a history. */
export type PastExchange = {
  readonly requestId: string;
  readonly asker: Asker;
  readonly endUserId: string | null;
  readonly offer: Offer;
  readonly atMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly latencyMs: number;
  readonly stream: boolean;
  readonly end: PastEnd;
};

/** Refused ones made no attempt, `second_try` made two; of `left` the cost is an estimate. */
export type PastEnd = "refused" | "second_try" | "left" | "served";

/** Nano-dollars per token: 0.15 and 0.60 dollars per million, as the bench configures its prices. */
const INPUT_NANO_USD = 150;
const OUTPUT_NANO_USD = 600;
/** What is held is the worst case: as long an answer as could have come. */
const OUTPUT_TOKENS_MAX = 1_000;
const END_USERS = 2_000;
/** Models that one access token uses. */
const MODELS_EACH = 3;

export function costNanoUsd({ inputTokens, outputTokens }: PastExchange): number {
  return inputTokens * INPUT_NANO_USD + outputTokens * OUTPUT_NANO_USD;
}

export function heldNanoUsd({ inputTokens }: PastExchange): number {
  return inputTokens * INPUT_NANO_USD + OUTPUT_TOKENS_MAX * OUTPUT_NANO_USD;
}

/** The scopes of an exchange's attempt at its first or its second provider. */
export function scopesAt({ asker, endUserId, offer }: PastExchange, place: 0 | 1): AttemptScopes {
  return {
    tenantId: asker.tenantId,
    projectId: asker.projectId,
    tokenId: asker.tokenId,
    endUserId,
    routeId: offer.routeId,
    providerId: offer.providers[place].id,
  };
}

/** An id that sorts by `atMs` and then by `serial`, in the form of a version 7 UUID. */
export function pastId(prefix: string, atMs: number, serial: number): string {
  const time = atMs.toString(16).padStart(12, "0");
  return `${prefix}${time}70008${serial.toString(16).padStart(15, "0")}`;
}

/** The exchanges in their order. */
export function* pastExchanges(plan: HistoryPlan): Generator<PastExchange> {
  const { exchanges, startMs, endMs } = plan;
  const dice = createDice();
  for (let serial = 0; serial < exchanges; serial += 1) {
    const atMs = startMs + Math.floor((serial * (endMs - startMs)) / exchanges);
    yield pastExchange(plan, dice, { serial, atMs });
  }
}

function pastExchange(
  { askers, offers }: HistoryPlan,
  dice: () => number,
  { serial, atMs }: { readonly serial: number; readonly atMs: number },
): PastExchange {
  const askerAt = Math.floor(askers.length * dice() ** 3);
  const offerAt = (askerAt + Math.floor(MODELS_EACH * dice() ** 2)) % offers.length;
  const asker = askers[askerAt];
  const offer = offers[offerAt];
  if (asker === undefined || offer === undefined) throw new Error("a history needs who and what");
  const inputTokens = 50 + Math.floor(4_000 * dice() ** 3);
  const end = endOf(dice());
  return {
    requestId: pastId("req_", atMs, serial),
    asker,
    // Every fifth asks for somebody.
    endUserId: dice() < 0.2 ? `user-${Math.floor(END_USERS * dice() ** 2)}` : null,
    offer,
    atMs,
    inputTokens,
    outputTokens: 10 + Math.floor((OUTPUT_TOKENS_MAX - 10) * dice() ** 2),
    cachedInputTokens: dice() < 0.3 ? Math.floor(inputTokens / 2) : 0,
    latencyMs: 150 + Math.floor(8_000 * dice() ** 4),
    stream: dice() < 0.5,
    end,
  };
}

function endOf(drawn: number): PastEnd {
  if (drawn < 0.01) return "refused";
  if (drawn < 0.03) return "second_try";
  return drawn < 0.035 ? "left" : "served";
}

/** Numbers in [0, 1) that are the same in every run: a 32-bit generator with a mixed counter. */
function createDice(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
