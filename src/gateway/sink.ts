/** Where a client's bytes go: Bun's controller of a direct stream, or a recording of it. */
export type Sink = {
  /** A promise where the bytes have to wait for whoever takes them. */
  readonly write: (bytes: Uint8Array) => number | Promise<number>;
  readonly flush: () => unknown;
  /** With an error the client's connection breaks off, and nothing in it looks like an end. */
  readonly close: (error?: Error) => unknown;
};
