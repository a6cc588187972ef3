/** Reads a body into memory within a bound, one allocation where one chunk holds all of it. */
import { BytePieces } from "./byte-pieces.ts";
import type { ByteReader } from "./transport.ts";

export type BodyRead =
  | { readonly kind: "whole"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "too_large" }
  | { readonly kind: "broken"; readonly error: unknown };

/**
 * Reads to the end, or to the first byte past `bytesMax`. `onChunk` is told the size of every
 * network chunk, so that whoever watches for silence knows there is none.
 */
export async function readBody(
  reader: ByteReader,
  bytesMax: number,
  onChunk: (bytes: number) => void,
): Promise<BodyRead> {
  const pieces = new BytePieces();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { kind: "whole", bytes: pieces.joined() };
      onChunk(value.byteLength);
      if (pieces.length + value.byteLength > bytesMax) return { kind: "too_large" };
      pieces.add(value);
    }
  } catch (error) {
    return { kind: "broken", error };
  }
}
