/** Where a client's bytes go: Bun's controller of a direct stream, or a recording of it. */
export type Sink = {
  /** A promise where the bytes have to wait for whoever takes them. */
  readonly write: (bytes: Uint8Array) => number | Promise<number>;
  readonly flush: () => unknown;
  readonly close: () => unknown;
};
