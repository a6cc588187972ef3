/** Panels over time: how something went in the course of a run, with the moments that mattered. */
import { lineChart, type Moment, type Point } from "./plot-lines.ts";
import { AREA } from "./plot-panel.ts";
import { linearScale } from "./plot-scale.ts";

/** A line; what was not measured at a time leaves no point there. */
export type TimeLine = {
  readonly name: string;
  readonly color: string;
  readonly points: readonly { readonly atMs: number; readonly value: number | undefined }[];
};

export type TimePanel = {
  readonly title: string;
  readonly note: string;
  readonly yLabel: string;
  readonly untilMs: number;
  readonly lines: readonly TimeLine[];
  readonly moments: readonly { readonly atMs: number; readonly label: string }[];
  /** A value to compare the lines with. */
  readonly reference?: { readonly value: number; readonly label: string };
  /** The axis ends there; without it a little above the highest value. */
  readonly yMax?: number;
};

/** The panel as SVG elements; the vertical axis begins at zero. */
export function timePanel(panel: TimePanel): string {
  const series = panel.lines.map(({ name, color, points }) => ({
    name,
    color,
    points: points.flatMap(({ atMs, value }): Point[] =>
      value === undefined ? [] : [{ x: atMs / 1_000, y: value }],
    ),
  }));
  const values = series.flatMap(({ points }) => points.map(({ y }) => y));
  const highest = Math.max(1e-3, ...values, panel.reference?.value ?? 0);
  return lineChart({
    title: panel.title,
    note: panel.note,
    x: linearScale(
      { from: 0, to: Math.max(1, panel.untilMs) / 1_000 },
      { from: AREA.left, to: AREA.right },
    ),
    xLabel: "seconds",
    y: linearScale(
      { from: 0, to: panel.yMax ?? highest * 1.15 },
      { from: AREA.bottom, to: AREA.top },
    ),
    yLabel: panel.yLabel,
    series,
    moments: panel.moments.map(({ atMs, label }): Moment => ({ x: atMs / 1_000, label })),
    ...(panel.reference !== undefined && {
      reference: { ...panel.reference, labelAt: "end" },
    }),
  });
}
