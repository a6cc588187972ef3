/** A panel with lines: one series per way, each with its name and colour in a legend. */
import { AREA, COLORS, fixed, type Axes, panel, stroke, text } from "./plot-panel.ts";
import type { Scale } from "./plot-scale.ts";

/** A value of a line, in the units of the axes. */
export type Point = {
  readonly x: number;
  readonly y: number;
  /** Drawn as a dot: filled when true, hollow when false, none when undefined. */
  readonly dot?: boolean;
};

export type Series = {
  readonly name: string;
  readonly color: string;
  readonly points: readonly Point[];
};

/** Later series are drawn over earlier ones. */
export type LineChart = Axes & {
  readonly y: Scale;
  readonly series: readonly Series[];
  /** A value of the vertical axis to draw a dashed line at, with its meaning. */
  readonly reference?: Reference;
  /** Moments on the horizontal axis, each with its meaning beside it. */
  readonly moments?: readonly Moment[];
};

/** Something that happened at a value of the horizontal axis. */
export type Moment = { readonly x: number; readonly label: string };

/** A value that the lines are to be compared with. */
export type Reference = {
  readonly value: number;
  readonly label: string;
  /** Where the label is: above the line's beginning, or below its end. */
  readonly labelAt: "beginning" | "end";
};

/** The panel as SVG elements. */
export function lineChart(chart: LineChart): string {
  const marks: string[] = [];
  for (const moment of chart.moments ?? []) marks.push(...momentLine(chart, moment));
  if (chart.reference !== undefined) marks.push(...referenceLine(chart, chart.reference));
  for (const series of chart.series) marks.push(...drawSeries(chart, series));
  return panel(chart, [...marks, ...legend(chart.series)]);
}

function momentLine(chart: LineChart, { x, label }: Moment): readonly string[] {
  const at = chart.x.place(x);
  const style = { size: 10, color: COLORS.faint } as const;
  return [
    stroke({ x1: at, y1: AREA.top, x2: at, y2: AREA.bottom }, COLORS.faint, "2 3"),
    text(at + 3, AREA.top + 10, label, style),
  ];
}

function referenceLine(chart: LineChart, reference: Reference): readonly string[] {
  const y = chart.y.place(reference.value);
  const style = { size: 11, color: COLORS.goal } as const;
  const label =
    reference.labelAt === "beginning"
      ? text(AREA.left + 6, y - 5, reference.label, style)
      : text(AREA.right - 4, y + 14, reference.label, { ...style, anchor: "end" });
  return [stroke({ x1: AREA.left, y1: y, x2: AREA.right, y2: y }, COLORS.goal, "5 4"), label];
}

function drawSeries(chart: LineChart, series: Series): readonly string[] {
  const places = series.points.map((point) => ({
    x: chart.x.place(point.x),
    // What is above the axis is drawn at its upper end rather than outside of the panel.
    y: Math.max(AREA.top, chart.y.place(point.y)),
    dot: point.dot,
  }));
  const path = places
    .map((place, index) => `${index === 0 ? "M" : "L"}${fixed(place.x)} ${fixed(place.y)}`)
    .join("");
  const line = `<path d="${path}" fill="none" stroke="${series.color}" stroke-width="2" stroke-linejoin="round"/>`;
  const dots = places
    .filter((place) => place.dot !== undefined)
    .map(
      (place) =>
        `<circle cx="${fixed(place.x)}" cy="${fixed(place.y)}" r="3.5" fill="${place.dot === true ? series.color : "#fff"}" stroke="${series.color}" stroke-width="1.5"/>`,
    );
  return [line, ...dots];
}

const legendWidth = 150;

function legend(series: readonly Series[]): readonly string[] {
  return series.flatMap((entry, index) => {
    const x = AREA.left + 6 + index * legendWidth;
    const y = AREA.top - 8;
    return [
      `<line x1="${x}" y1="${y}" x2="${x + 20}" y2="${y}" stroke="${entry.color}" stroke-width="3"/>`,
      text(x + 26, y + 4, entry.name),
    ];
  });
}
