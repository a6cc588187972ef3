/**
 * Gzip whose every part can be read as soon as it arrives: each part is a flushed deflate block, so
 * a compressed stream still delivers token by token and its bytes can be counted when they leave.
 * Format: RFC 1952 around RFC 1951 blocks.
 */

import { constants, crc32, deflateRawSync } from "node:zlib";

const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
/** An empty last block with fixed codes. */
const lastBlock = [3, 0];

/** Makes one gzip text out of parts. */
export class GzipEncoder {
  #checksum = 0;
  #length = 0;

  /** The bytes for `part`, headed by the gzip header the first time. */
  encode(part: Uint8Array): Uint8Array {
    const block = deflateRawSync(part, { finishFlush: constants.Z_SYNC_FLUSH });
    const isFirst = this.#length === 0;
    this.#checksum = crc32(part, this.#checksum);
    this.#length += part.byteLength;
    return isFirst ? Buffer.concat([header, block]) : block;
  }

  /** The bytes that end the format; nothing may follow. */
  finish(): Uint8Array {
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#checksum >>> 0, 0);
    trailer.writeUInt32LE(this.#length % 2 ** 32, 4);
    const isEmpty = this.#length === 0;
    return Buffer.concat([
      isEmpty ? header : new Uint8Array(),
      Uint8Array.from(lastBlock),
      trailer,
    ]);
  }
}

/** Whether the client takes gzip, by its `accept-encoding`. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return (acceptEncoding ?? "").split(",").some((item) => {
    const [coding, ...parameters] = item
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/u);
    return (
      (coding === "gzip" || coding === "*") &&
      !parameters.some((parameter) => /^q=0(\.0*)?$/u.test(parameter))
    );
  });
}
