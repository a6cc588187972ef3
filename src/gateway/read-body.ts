/** Reads a body into memory within a bound, one allocation where one chunk holds all of it. */
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
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { kind: "whole", bytes: joined(chunks, length) };
      onChunk(value.byteLength);
      length += value.byteLength;
      if (length > bytesMax) return { kind: "too_large" };
      chunks.push(value);
    }
  } catch (error) {
    return { kind: "broken", error };
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const only = chunks[0];
  if (chunks.length === 1 && only?.buffer instanceof ArrayBuffer) {
    return new Uint8Array(only.buffer, only.byteOffset, only.byteLength);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
