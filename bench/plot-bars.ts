/** A panel with horizontal bars in named groups, each bar with its value written beside it. */
import { AREA, type Axes, COLORS, fixed, panel, stroke, text } from "./plot-panel.ts";

/** One bar; the value is in the unit of the axis. */
export type Bar = {
  readonly name: string;
  readonly color: string;
  readonly value: number;
  /** The value with its unit, as it is written beside the bar. */
  readonly label: string;
};

/** Bars that are compared with each other. */
export type BarGroup = {
  readonly name: string;
  readonly bars: readonly Bar[];
  /** Where the group should stay below. */
  readonly goal?: { readonly value: number; readonly label: string };
};

export type BarChart = Axes & { readonly groups: readonly BarGroup[] };

const headingHeight = 18;
const barShare = 0.74;

/** The panel as SVG elements; bars begin at zero. */
export function barChart(chart: BarChart): string {
  const barCount = chart.groups.reduce((count, group) => count + group.bars.length, 0);
  const room = AREA.bottom - AREA.top - chart.groups.length * headingHeight - 6;
  const slot = Math.min(26, room / Math.max(1, barCount));
  const marks: string[] = [];
  let y: number = AREA.top;
  for (const group of chart.groups) {
    marks.push(text(AREA.left + 4, y + 13, group.name, { weight: 600 }));
    y += headingHeight;
    const top = y;
    for (const bar of group.bars) {
      marks.push(...drawBar(chart, bar, { top: y, height: slot * barShare }));
      y += slot;
    }
    if (group.goal !== undefined) {
      const x = chart.x.place(group.goal.value);
      marks.push(stroke({ x1: x, y1: top - 2, x2: x, y2: y }, COLORS.goal, "4 3"));
      const style = { anchor: "end", size: 11, color: COLORS.goal } as const;
      marks.push(text(AREA.right, top - 5, `dashed: ${group.goal.label}`, style));
    }
  }
  return panel(chart, marks);
}

function drawBar(
  chart: BarChart,
  bar: Bar,
  place: { readonly top: number; readonly height: number },
): readonly string[] {
  const from = chart.x.place(0);
  const to = chart.x.place(Math.max(0, bar.value));
  const middle = place.top + place.height / 2 + 4;
  return [
    `<rect x="${fixed(from)}" y="${fixed(place.top)}" width="${fixed(Math.max(1, to - from))}" height="${fixed(place.height)}" fill="${bar.color}" rx="2"/>`,
    text(AREA.left - 6, middle, bar.name, { anchor: "end", size: 11 }),
    text(to + 6, middle, bar.label, { size: 11 }),
  ];
}
