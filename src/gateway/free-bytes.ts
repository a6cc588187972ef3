/**
 * Frees the memory of a chunk that somebody has copied, instead of leaving it to the collector. Bun 1.4.4
 * hands over chunks of up to 1.5 MB, and tens of megabytes of them would wait.
 */
export function freeBytes({ buffer, byteLength }: Uint8Array): void {
  // A part of a larger buffer may have neighbours that are still needed.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
