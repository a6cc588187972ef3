/** Plain aligned tables: the first column to the left, numbers to the right, no borders. */

/** Cells are text already; a missing one is empty. */
export type Table = {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns that hold words and are aligned to the left; the first one always is. */
  readonly textColumns?: readonly number[];
  /** A line below the table. */
  readonly note?: string;
};

const columnGap = "   ";

/** Title, heading, rows and note, each on a line of its own. */
export function renderTable(table: Table): string {
  const lines = [table.columns, ...table.rows];
  const widths = table.columns.map((_, column) =>
    Math.max(...lines.map((line) => widthOf(line[column] ?? ""))),
  );
  const isText = (column: number): boolean =>
    column === 0 || table.textColumns?.includes(column) === true;
  const rendered = lines.map((line) => {
    const cells = widths.map((width, column) => {
      const cell = line[column] ?? "";
      const space = " ".repeat(width - widthOf(cell));
      return isText(column) ? cell + space : space + cell;
    });
    return `  ${cells.join(columnGap)}`.trimEnd();
  });
  const note = table.note === undefined ? [] : [`  ${table.note}`];
  return `${[table.title, ...rendered, ...note].join("\n")}\n`;
}

function widthOf(cell: string): number {
  return Bun.stringWidth(cell);
}
