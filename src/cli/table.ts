/** Rows for people: columns as wide as their widest cell, with a heading. */
import type { Output } from "./terminal.ts";

/** What a terminal would obey rather than show. */
const CONTROL = /[\p{Cc}\u2028\u2029]/gu;

export function writeTable(
  out: Output,
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const shown = rows.map((row) => row.map((cell) => cell.replaceAll(CONTROL, "?")));
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...shown.map((row) => row[column]?.length ?? 0)),
  );
  const lineOf = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  out.line(out.styled("bold", lineOf(heading)));
  for (const row of shown) out.line(lineOf(row));
}

/** For programs. */
export function writeJson(out: Output, value: unknown): void {
  out.line(JSON.stringify(value, null, 2));
}
