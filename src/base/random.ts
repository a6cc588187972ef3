/**
 * The only source of chance. Policies and actors take a drawn number as data; whoever draws it
 * takes a Random, so that a seed can replace it.
 */

export interface Random {
  /** Uniform in [0, 1). For jitter, never for secrets. */
  readonly unit: () => number;
  /** Cryptographically strong bytes. */
  readonly bytes: (length: number) => Uint8Array<ArrayBuffer>;
  /** Uniform integer below `bound` (≤ 256), without modulo bias; for secrets. */
  readonly below: (bound: number) => number;
  /** A version 7 UUID without hyphens: 32 hexadecimal digits that sort by time. */
  readonly uuid: () => string;
}

export const systemRandom: Random = {
  unit: () => Math.random(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  below: (bound) => {
    // Values past the last full multiple of the bound would favour small results: draw again.
    const ceiling = 256 - (256 % bound);
    for (;;) {
      const byte = crypto.getRandomValues(new Uint8Array(1))[0] ?? 0;
      if (byte < ceiling) return byte % bound;
    }
  },
  uuid: () => Bun.randomUUIDv7().replaceAll("-", ""),
};
