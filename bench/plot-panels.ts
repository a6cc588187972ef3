/** The panels that are drawn from distributions; the suite and a single target share them. */
import { lineChart, type Point, type Series } from "./plot-lines.ts";
import { AREA } from "./plot-panel.ts";
import { linearScale, logScale, percentileScale } from "./plot-scale.ts";
import type { CurvePoint } from "./statistics.ts";

/** A distribution and whose it is. */
export type NamedCurve = {
  readonly name: string;
  readonly color: string;
  readonly curve: readonly CurvePoint[];
};

const horizontal = { from: AREA.left, to: AREA.right };
const vertical = { from: AREA.bottom, to: AREA.top };

/** Latency by percentile, logarithmic on both axes so that median and tail are both readable. */
export function latencyPanel(title: string, note: string, curves: readonly NamedCurve[]): string {
  const values = curves.flatMap(({ curve }) => curve.map((point) => point.ms));
  return lineChart({
    title,
    note,
    x: percentileScale(highestOf(curves), horizontal),
    xLabel: "percentile of exchanges",
    y: logScale(positiveSpan(values), vertical),
    yLabel: "milliseconds (log)",
    series: curves.map((curve) => seriesOf(curve)),
  });
}

/** The time between two frames by percentile; `paceMs`: the upstream's, when it is known. */
export function gapPanel(
  title: string,
  note: string,
  drawn: { readonly curves: readonly NamedCurve[]; readonly paceMs: number | undefined },
): string {
  const { curves, paceMs } = drawn;
  const values = curves.flatMap(({ curve }) => curve.map((point) => point.ms));
  const highest = Math.max(1, ...values, (paceMs ?? 0) * 1.2);
  // The axis begins near the pace where all gaps are: differences of a millisecond matter there.
  const least = Math.min(...values, paceMs ?? highest);
  const lowest = least < highest / 3 ? 0 : least;
  return lineChart({
    title,
    note,
    x: percentileScale(highestOf(curves), horizontal),
    xLabel: "percentile of gaps",
    y: linearScale({ from: lowest * 0.9, to: highest * 1.08 }, vertical),
    yLabel: "gap between frames, milliseconds",
    series: curves.map((curve) => seriesOf(curve)),
    ...(paceMs !== undefined && {
      reference: { value: paceMs, label: `pace of the upstream, ${paceMs} ms`, labelAt: "end" },
    }),
  });
}

export type RatePoint = { readonly rate: number; readonly ms: number; readonly held: boolean };

/** The 99th percentile by offered rate; hollow dots are rates that did not hold. */
export function ratePanel(
  title: string,
  note: string,
  drawn: {
    readonly curves: readonly {
      readonly name: string;
      readonly color: string;
      readonly points: readonly RatePoint[];
    }[];
    readonly limitMs: number | undefined;
  },
): string {
  const points = drawn.curves.flatMap((curve) => curve.points);
  const series = drawn.curves.map(({ name, color, points: own }): Series => {
    const inOrder = [...own].sort((a, b) => a.rate - b.rate);
    return {
      name,
      color,
      points: inOrder.map(({ rate, ms, held }) => ({ x: rate, y: ms, dot: held })),
    };
  });
  const { limitMs } = drawn;
  return lineChart({
    title,
    note,
    x: logScale(positiveSpan(points.map((point) => point.rate)), horizontal),
    xLabel: "offered exchanges per second (log)",
    y: logScale(positiveSpan([...points.map((point) => point.ms), limitMs ?? 1]), vertical),
    yLabel: "p99, milliseconds (log)",
    series,
    ...(limitMs !== undefined && {
      reference: { value: limitMs, label: "limit: direct p99 + 10 ms", labelAt: "beginning" },
    }),
  });
}

function seriesOf({ name, color, curve }: NamedCurve): Series {
  const points = curve.map((point): Point => ({ x: point.percentile, y: point.ms }));
  return { name, color, points };
}

function highestOf(curves: readonly NamedCurve[]): number {
  return Math.max(50, ...curves.flatMap(({ curve }) => curve.map((point) => point.percentile)));
}

const widthMin = 8;

/** The values' span for a logarithmic axis, wide enough for an axis to name two values in it. */
function positiveSpan(values: readonly number[]): { from: number; to: number } {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return { from: 1, to: 10 };
  const [least, most] = [Math.min(...positive), Math.max(...positive)];
  const margin = Math.max(1.15, Math.sqrt((widthMin * least) / most));
  return { from: least / margin, to: most * margin };
}
