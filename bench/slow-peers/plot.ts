/** Draws the 99th percentiles alone and beside slow peers, as bars beside each other. */
import { machineLine } from "../machine.ts";
import { type BarGroup, barChart } from "../plot-bars.ts";
import { AREA, COLORS } from "../plot-panel.ts";
import { linearScale } from "../plot-scale.ts";
import type { Sheet } from "../plot-sheet.ts";
import { bytesText, msText, secondsText } from "../quantities.ts";
import { goalLines } from "../report-goals.ts";
import { P99_RATIO_MAX } from "./goals.ts";
import type { Compared, KindJudged } from "./judge.ts";
import { slowPeersHeadline, type SlowPeersResults } from "./report.ts";

export function slowPeersSheet(results: SlowPeersResults): Sheet {
  return {
    title: "Tollgate bench slow-peers",
    subtitle: `${results.startedAt}, took ${secondsText(results.durationMs)} · ${machineLine(results.machine)}`,
    lines: [{ content: slowPeersHeadline(results) }, ...goalLines(results.goals)],
    panels: [
      latencyPanel("Plain requests", results.kinds, ({ plain }) => plain),
      latencyPanel("First frames of streams", results.kinds, ({ streams }) => streams),
      memoryPanel(results.kinds),
    ],
  };
}

const range = { from: AREA.left, to: AREA.right };
/** Room for the values beside the bars. */
const room = 1.35;

function latencyPanel(
  title: string,
  kinds: readonly KindJudged[],
  of: (judged: KindJudged) => Compared,
): string {
  const groups = kinds.map((judged): BarGroup => {
    const { alone, beside } = of(judged);
    const limitMs = alone.p99Ms * P99_RATIO_MAX;
    return {
      name: `slow ${judged.kind}`,
      bars: [
        bar("alone", COLORS.direct, alone.p99Ms, msText(alone.p99Ms)),
        bar("beside", COLORS.tollgate, beside.p99Ms, msText(beside.p99Ms)),
      ],
      goal: { value: limitMs, label: `${P99_RATIO_MAX} × alone` },
    };
  });
  return barChart({
    title: `${title}: p99 of ordinary clients`,
    note: "alone and beside slow peers, all rounds together",
    x: linearScale({ from: 0, to: highest(groups) * room }, range),
    xLabel: "milliseconds",
    groups,
  });
}

function memoryPanel(kinds: readonly KindJudged[]): string {
  const groups = kinds.map(({ kind, aloneBytes = 0, besideBytes = 0 }): BarGroup => ({
    name: `slow ${kind}`,
    bars: [
      bar("alone", COLORS.direct, aloneBytes / 1_000_000, bytesText(aloneBytes)),
      bar("beside", COLORS.tollgate, besideBytes / 1_000_000, bytesText(besideBytes)),
    ],
  }));
  return barChart({
    title: "Tollgate's resident memory",
    note: "the most of any round",
    x: linearScale({ from: 0, to: highest(groups) * room }, range),
    xLabel: "megabytes",
    groups,
  });
}

function bar(name: string, color: string, value: number, label: string): BarGroup["bars"][number] {
  return { name, color, value, label };
}

function highest(groups: readonly BarGroup[]): number {
  return Math.max(1e-3, ...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
}
