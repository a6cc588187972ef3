/** Whether slow peers slowed others down: pure arithmetic over blocks alone and beside them. */
import {
  distributionOf,
  endsOf,
  type EndCount,
  isSuccess,
  type LoggedExchange,
  tookMs,
} from "../exchange-log.ts";
import type { Summary } from "../statistics.ts";
import type { CrowdCounts } from "./crowd.ts";
import type { PeerKind } from "./options.ts";

/** Some seconds of ordinary clients; each block beside peers follows one without. */
export type BlockSeen = {
  readonly kind: PeerKind;
  readonly round: number;
  readonly isBeside: boolean;
  readonly plain: readonly LoggedExchange[];
  readonly streams: readonly LoggedExchange[];
  /** Of Tollgate, at the block's end. */
  readonly residentBytes: number | undefined;
  readonly openFiles: number | undefined;
  readonly crowd: CrowdCounts | undefined;
};

/** One latency alone and beside slow peers, all rounds together. */
export type Compared = {
  readonly alone: Summary;
  readonly beside: Summary;
  readonly p50Ratio: number | undefined;
  readonly p99Ratio: number | undefined;
  /** Of the rounds, each by itself: what one of them would have said. */
  readonly p99RatioByRound: readonly number[];
  /** The highest p99 of the blocks alone over the lowest: what the machine does by itself. */
  readonly aloneSpread: number | undefined;
};

export type KindJudged = {
  readonly kind: PeerKind;
  readonly peers: number;
  /** The least that were still slow at the end of a block: reading an answer, or yet to get one. */
  readonly peersHeld: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly plain: Compared;
  /** Time to the first frame. */
  readonly streams: Compared;
  /** Ordinary exchanges that failed, in any block of this kind. */
  readonly failures: readonly EndCount[];
  readonly aloneBytes: number | undefined;
  readonly besideBytes: number | undefined;
  readonly aloneFiles: number | undefined;
  readonly besideFiles: number | undefined;
};

export function judgeKind(kind: PeerKind, peers: number, all: readonly BlockSeen[]): KindJudged {
  const blocks = all.filter((block) => block.kind === kind);
  const beside = blocks.filter(({ isBeside }) => isBeside);
  const alone = blocks.filter(({ isBeside }) => !isBeside);
  const crowds = beside.flatMap(({ crowd }) => (crowd === undefined ? [] : [crowd]));
  const exchanges = blocks.flatMap(({ plain, streams }) => [...plain, ...streams]);
  return {
    kind,
    peers,
    peersHeld: crowds.length === 0 ? 0 : Math.min(...crowds.map((crowd) => heldOf(kind, crowd))),
    statuses: summed(crowds.map(({ statuses }) => statuses)),
    plain: compare(alone, beside, ({ plain }) => plain, tookMs),
    streams: compare(alone, beside, ({ streams }) => streams, firstFrameAfterMs),
    failures: endsOf(exchanges.filter((exchange) => !isSuccess(exchange))),
    aloneBytes: largest(alone.map(({ residentBytes }) => residentBytes)),
    besideBytes: largest(beside.map(({ residentBytes }) => residentBytes)),
    aloneFiles: largest(alone.map(({ openFiles }) => openFiles)),
    besideFiles: largest(beside.map(({ openFiles }) => openFiles)),
  };
}

/** A reader that was refused has nothing to read, a sender that was has no need to go on. */
function heldOf(kind: PeerKind, { connected, statuses }: CrowdCounts): number {
  if (kind === "readers") return Math.min(connected, statuses["200"] ?? 0);
  const answered = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  return Math.max(0, connected - answered);
}

function firstFrameAfterMs({ firstFrameMs, endedMs, plannedMs }: LoggedExchange): number {
  return (firstFrameMs ?? endedMs) - plannedMs;
}

function compare(
  alone: readonly BlockSeen[],
  beside: readonly BlockSeen[],
  of: (block: BlockSeen) => readonly LoggedExchange[],
  measure: (exchange: LoggedExchange) => number,
): Compared {
  const summaryOf = (blocks: readonly BlockSeen[]): Summary =>
    distributionOf(
      blocks.flatMap((block) => of(block)).filter((exchange) => isSuccess(exchange)),
      measure,
    ).summary();
  const [without, withThem] = [summaryOf(alone), summaryOf(beside)];
  const alonePerRound = alone.map((block) => summaryOf([block]).p99Ms);
  const byRound = beside.map((block, index) =>
    ratio(summaryOf([block]).p99Ms, alonePerRound[index]),
  );
  return {
    alone: without,
    beside: withThem,
    p50Ratio: ratio(withThem.p50Ms, without.p50Ms),
    p99Ratio: ratio(withThem.p99Ms, without.p99Ms),
    p99RatioByRound: byRound.filter((one) => one !== undefined),
    aloneSpread: ratio(Math.max(...alonePerRound), Math.min(...alonePerRound)),
  };
}

/** Undefined when either was not measured. */
function ratio(above: number, below: number | undefined): number | undefined {
  if (below === undefined || below <= 0 || above <= 0 || !Number.isFinite(above / below)) {
    return undefined;
  }
  return above / below;
}

function summed(
  all: readonly Readonly<Record<string, number>>[],
): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}

function largest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
