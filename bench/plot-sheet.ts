/** A whole plot: heading, lines of text and panels in two columns, as one SVG or HTML file. */
import { COLORS, escapeXml, PANEL, text } from "./plot-panel.ts";

/** What a plot says, before it is laid out. */
export type Sheet = {
  readonly title: string;
  readonly subtitle: string;
  /** Lines below the heading, each with an optional colour. */
  readonly lines: readonly { readonly content: string; readonly color?: string }[];
  readonly panels: readonly string[];
};

const margin = 24;
const lineHeight = 20;
const headHeight = 76;
const fonts = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', 'DejaVu Sans', sans-serif";

/** One self-contained SVG document on a white ground. */
export function sheetSvg(sheet: Sheet): string {
  const top = headHeight + sheet.lines.length * lineHeight + 12;
  const rows = Math.ceil(sheet.panels.length / 2);
  const columns = Math.min(2, sheet.panels.length);
  const width = margin * 2 + Math.max(1, columns) * PANEL.width;
  const height = top + rows * PANEL.height + margin;
  const heading = [
    text(margin + 20, 36, sheet.title, { size: 20, weight: 700 }),
    text(margin + 20, 58, sheet.subtitle, { color: COLORS.faint }),
    ...sheet.lines.map((line, index) =>
      text(margin + 20, headHeight + 12 + index * lineHeight, line.content, {
        size: 13,
        color: line.color ?? COLORS.ink,
      }),
    ),
  ];
  const panels = sheet.panels.map((content, index) => {
    const x = margin + (index % 2) * PANEL.width;
    const y = top + Math.floor(index / 2) * PANEL.height;
    return `<g transform="translate(${x} ${y})">\n${content}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${fonts}" role="img">`,
    `<title>${escapeXml(sheet.title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...heading,
    ...panels,
    "</svg>\n",
  ].join("\n");
}

/** The same drawing as a page, for a file whose name asks for one. */
export function sheetHtml(sheet: Sheet): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeXml(sheet.title)}</title>
<style>body { margin: 0; background: #fff; } svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }</style>
</head>
<body>
${sheetSvg(sheet)}</body>
</html>
`;
}
