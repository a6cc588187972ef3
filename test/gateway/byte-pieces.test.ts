/** A body that comes in pieces is held as what has come, however small they are. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { BytePieces } from "../../src/gateway/byte-pieces.ts";

const KIB = 1024;

function piecesOf(sizes: readonly number[]): BytePieces {
  const pieces = new BytePieces();
  let next = 0;
  for (const size of sizes)
    pieces.add(Uint8Array.from({ length: size }, () => (next = (next + 1) % 251)));
  return pieces;
}

test("whatever its pieces are, a body is all of them in their order", () => {
  const sizes = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 8 }),
      fc.integer({ min: 0, max: 4 * KIB }),
      fc.constantFrom(64 * KIB - 1, 64 * KIB, 64 * KIB + 1),
    ),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(sizes, (all) => {
      const length = all.reduce((sum, size) => sum + size, 0);
      const pieces = piecesOf(all);
      expect(pieces.length).toBe(length);
      expect(Buffer.compare(pieces.joined(), piecesOf([length]).joined())).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test("a hundred thousand pieces of a byte are held as a few", () => {
  const pieces = new BytePieces();
  let most = 0;
  for (let sent = 0; sent < 100_000; sent += 1) {
    pieces.add(new Uint8Array([sent % 251]));
    most = Math.max(most, pieces.count);
  }
  // Two that are joined, and those that are not yet.
  expect(most).toBeLessThan(2 + 64 + 1);
  expect(pieces.joined().every((byte, index) => byte === index % 251)).toBe(true);
});

test("pieces that are large are not copied on the way, and a single one never is", () => {
  const only = new Uint8Array(64 * KIB);
  const pieces = new BytePieces();
  pieces.add(only);
  expect(pieces.joined().buffer).toBe(only.buffer);
  for (let sent = 0; sent < 200; sent += 1) pieces.add(new Uint8Array(64 * KIB));
  expect(pieces.count).toBe(201);
});
