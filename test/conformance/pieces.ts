/** Answers cut into network chunks, and the arbitrary places to cut them at. */
import * as fc from "fast-check";

/** The bytes cut at the given places, taken modulo their number. */
export function cutAt(text: string, places: readonly number[]): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const ends = [...new Set(places.map((place) => place % bytes.length)), bytes.length].toSorted(
    (one, other) => one - other,
  );
  let start = 0;
  return ends.map((end) => {
    const piece = bytes.subarray(start, end);
    start = end;
    return piece;
  });
}

export const cutPlaces: fc.Arbitrary<number[]> = fc.array(fc.nat(1_000_000), { maxLength: 40 });
