/**
 * Where a fixed text occurs next in a stream of network chunks, found by the native search and
 * remembered, so that a chunk of many events is searched once and not once per event.
 */

export class ByteSearch {
  private readonly needle: Buffer;
  private haystack: Uint8Array | null = null;
  private view: Buffer = Buffer.alloc(0);
  private found = 0;

  constructor(text: string) {
    this.needle = Buffer.from(text);
  }

  /** For a new chunk, or when a search must start further to the front than the last one. */
  forget(): void {
    this.haystack = null;
  }

  /** First occurrence from `from` on that ends before `end`, else -1; `from` only ever grows. */
  next(bytes: Uint8Array, from: number, end: number): number {
    if (bytes !== this.haystack) {
      this.haystack = bytes;
      this.view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      this.found = -1;
    }
    if (this.found < from) {
      const index = this.view.indexOf(this.needle, from);
      this.found = index < 0 ? Infinity : index;
    }
    return this.found + this.needle.length <= end ? this.found : -1;
  }
}
