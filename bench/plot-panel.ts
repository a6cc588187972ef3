/**
 * One panel of a plot: title, axes with units, and room for what is drawn between them. Plain SVG
 * text; whoever draws into a panel gets the scales and adds elements.
 */
import type { Scale } from "./plot-scale.ts";

/** The size of a panel in pixels. */
export const PANEL = { width: 580, height: 330 } as const;

/** The area between the axes, in the panel's own coordinates. */
export const AREA = { left: 72, right: 556, top: 64, bottom: 272 } as const;

/** Told apart also by people who do not see red and green. */
export const COLORS = {
  direct: "#6b7280",
  relay: "#0072b2",
  tollgate: "#d55e00",
  ink: "#1f2937",
  faint: "#6b7280",
  grid: "#e5e7eb",
  goal: "#117733",
  missed: "#b91c1c",
} as const;

/** Text as it may stand in an element or an attribute. */
export function escapeXml(content: string): string {
  return content
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

export type TextStyle = {
  readonly anchor?: "start" | "middle" | "end";
  readonly size?: number;
  readonly weight?: number;
  readonly color?: string;
};

/** A text element; `y` is its base line. */
export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { anchor = "start", size = 12, weight = 400, color = COLORS.ink } = style;
  return `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${size}" font-weight="${weight}" fill="${color}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

/** Coordinates to a tenth of a pixel: finer only makes the file larger. */
export function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** What surrounds the drawing of a panel. */
export type Axes = {
  readonly title: string;
  /** What is shown, in a sentence below the title. */
  readonly note: string;
  readonly x: Scale;
  readonly xLabel: string;
  readonly y?: Scale;
  readonly yLabel?: string;
};

/** Title, grid lines, tick labels and axis labels; `marks` are drawn over the grid. */
export function panel(axes: Axes, marks: readonly string[]): string {
  const parts = [
    text(AREA.left - 52, 24, axes.title, { size: 15, weight: 600 }),
    text(AREA.left - 52, 42, axes.note, { color: COLORS.faint }),
  ];
  for (const tick of axes.x.ticks) {
    const x = axes.x.place(tick.value);
    parts.push(gridLine({ x1: x, y1: AREA.top, x2: x, y2: AREA.bottom }));
    parts.push(text(x, AREA.bottom + 18, tick.label, { anchor: "middle", color: COLORS.faint }));
  }
  const middle = (AREA.left + AREA.right) / 2;
  parts.push(text(middle, AREA.bottom + 40, axes.xLabel, { anchor: "middle" }));
  for (const tick of axes.y?.ticks ?? []) {
    const y = axes.y?.place(tick.value) ?? 0;
    parts.push(gridLine({ x1: AREA.left, y1: y, x2: AREA.right, y2: y }));
    parts.push(text(AREA.left - 8, y + 4, tick.label, { anchor: "end", color: COLORS.faint }));
  }
  if (axes.yLabel !== undefined) {
    const y = (AREA.top + AREA.bottom) / 2;
    const label = text(0, 0, axes.yLabel, { anchor: "middle" });
    parts.push(`<g transform="translate(22 ${fixed(y)}) rotate(-90)">${label}</g>`);
  }
  return [...parts, ...marks].join("\n");
}

type Line = {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
};

function gridLine(line: Line): string {
  return stroke(line, COLORS.grid);
}

/** A straight line, dashed when `dash` says how. */
export function stroke(line: Line, color: string, dash = ""): string {
  const dashed = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
  return `<line x1="${fixed(line.x1)}" y1="${fixed(line.y1)}" x2="${fixed(line.x2)}" y2="${fixed(line.y2)}" stroke="${color}"${dashed}/>`;
}
