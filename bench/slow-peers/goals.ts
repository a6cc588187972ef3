/** What `bench slow-peers` wants, in numbers. */
import type { Goal } from "../goals.ts";
import { countText } from "../quantities.ts";
import type { Compared, KindJudged } from "./judge.ts";

/** What slow peers may add to others' 99th percentile. */
export const P99_RATIO_MAX = 1.2;
/** Without the peers there, the comparison says nothing. */
const HELD_SHARE_MIN = 0.99;

export function slowPeersGoals(kinds: readonly KindJudged[]): readonly Goal[] {
  return kinds.flatMap((judged) => [
    held(judged),
    compared(`slow ${judged.kind}: p99 of plain requests`, judged.plain),
    compared(`slow ${judged.kind}: p99 of first frames`, judged.streams),
    failures(judged),
  ]);
}

function held({ kind, peers, peersHeld }: KindJudged): Goal {
  return {
    name: `slow ${kind}: still there at the end`,
    wanted: `≥ ${HELD_SHARE_MIN * 100} %`,
    measured: `${countText(peersHeld)} of ${countText(peers)}`,
    reached: peersHeld >= peers * HELD_SHARE_MIN,
  };
}

function compared(name: string, { p99Ratio }: Compared): Goal {
  return {
    name,
    wanted: `≤ ${P99_RATIO_MAX} × alone`,
    measured: p99Ratio === undefined ? "not measured" : `${p99Ratio.toFixed(2)} ×`,
    reached: p99Ratio === undefined ? undefined : p99Ratio <= P99_RATIO_MAX,
  };
}

function failures({ kind, failures: found }: KindJudged): Goal {
  const count = found.reduce((sum, one) => sum + one.count, 0);
  return {
    name: `slow ${kind}: ordinary requests that failed`,
    wanted: "0",
    measured: countText(count),
    reached: count === 0,
  };
}
