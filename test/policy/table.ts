/**
 * Tables as text, so that their columns stay aligned: a line of names, then a line for each case,
 * cells parted by `|`. Empty lines and what follows `#` do not count.
 */
import { assert } from "../../src/base/assert.ts";

/** One record of cells by column name for each line. */
export function table<const N extends string>(
  names: readonly N[],
  text: string,
): Readonly<Record<N, string>>[] {
  const [head, ...lines] = text
    .split("\n")
    .map((line) => line.replace(/#.*$/, "").trim())
    .filter((line) => line !== "")
    .map((line) => line.split("|").map((cell) => cell.trim()));
  assert(head?.join() === names.join(), `the table's head is ${head?.join()}, not ${names.join()}`);
  return lines.map((cells) => {
    assert(cells.length === names.length, `${cells.length} cells in: ${cells.join(" | ")}`);
    const row: Partial<Record<N, string>> = {};
    for (const [index, name] of names.entries()) row[name] = cells[index] ?? "";
    return row as Record<N, string>;
  });
}

/** `-` is null, anything else a number; `1_000` reads as in code. */
export function numberOrNull(cell: string): number | null {
  return cell === "-" ? null : number(cell);
}

export function number(cell: string): number {
  const value = Number(cell.replaceAll("_", ""));
  assert(cell !== "" && !Number.isNaN(value), `not a number: ${cell}`);
  return value;
}
