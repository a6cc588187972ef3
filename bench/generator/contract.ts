/**
 * What the load generator's process is asked for and answers, as JSON. Exchanges travel as rows of
 * numbers: there may be hundreds of thousands of them.
 */
import type { ExchangeLog } from "../exchange-log.ts";
import type { LoadPlan } from "../load.ts";

/** A load to offer to one gateway; its steps follow one another without a gap. */
export type Offer = {
  readonly gateway: string;
  readonly token: string;
  readonly model: string;
  readonly stream: boolean;
  readonly tokensMax: number;
  readonly steps: readonly OfferStep[];
};

export type OfferStep = { readonly plan: LoadPlan; readonly durationMs: number };

/** Planned, sent, first frame (-1: none), ended, and the number of the label. */
type Row = readonly [number, number, number, number, number];

export type PackedLog = {
  readonly startedAtMs: number;
  readonly labels: readonly string[];
  readonly rows: readonly Row[];
};

export function packLog({ startedAtMs, exchanges }: ExchangeLog): PackedLog {
  const numbers = new Map<string, number>();
  const rows = exchanges.map(({ plannedMs, sentMs, firstFrameMs, endedMs, label }): Row => {
    const number = numbers.get(label) ?? numbers.size;
    numbers.set(label, number);
    const first = firstFrameMs === undefined ? -1 : micros(firstFrameMs);
    return [micros(plannedMs), micros(sentMs), first, micros(endedMs), number];
  });
  return { startedAtMs, labels: [...numbers.keys()], rows };
}

export function unpackLog({ startedAtMs, labels, rows }: PackedLog): ExchangeLog {
  const exchanges = rows.map(([plannedMs, sentMs, firstMs, endedMs, number]) => ({
    plannedMs,
    sentMs,
    firstFrameMs: firstMs < 0 ? undefined : firstMs,
    endedMs,
    label: labels[number] ?? "",
  }));
  return { startedAtMs, exchanges };
}

/** Milliseconds to the microsecond: more digits only make the answer longer. */
function micros(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
