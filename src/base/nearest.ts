/**
 * Which known word a mistyped one is closest to, so that every complaint about an unknown name can
 * say what was probably meant. Case counts nothing.
 */

/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other. */
export function editDistance(from: string, to: string): number {
  const a = from.toLowerCase();
  const b = to.toLowerCase();
  // Three rows of the usual table: a swap of neighbours looks two rows back.
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, at(before, j - 2) + 1);
      }
      row.push(best);
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}

/** The known word with the fewest edits, the first of equals; undefined when none is known. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let found: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const edits = editDistance(word, candidate);
    if (edits < fewest) {
      fewest = edits;
      found = candidate;
    }
  }
  return found;
}

/** `unknown flag --prot; the nearest known one is --port`. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const closest = nearest(name, known);
  const hint = closest === undefined ? "" : `; the nearest known one is ${closest}`;
  return `unknown ${what} ${name}${hint}`;
}
