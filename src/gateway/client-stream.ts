/**
 * The client's side of a streamed answer: a body that whoever has something to say writes to in turn, and
 * that lasts until the last of them is done. Nothing here depends on anybody reading the body: for a client
 * that left before its answer began there is no sink, and its story goes on to its end all the same.
 */
import type { SharedAnswer } from "./share/contract.ts";
import type { Sink } from "./sink.ts";

/** As much of an exchange as its client's side needs. */
type Client = {
  readonly call: { readonly signal: AbortSignal };
  readonly clientGone: boolean;
  readonly onClientLeft: () => void;
  readonly share: SharedAnswer | null;
};

export type ClientStream = {
  readonly body: ReadableStream<Uint8Array>;
  /** null: the client left before the body was asked for. */
  readonly sink: Promise<Sink | null>;
  /** The body ends after this, which never rejects; called once. */
  readonly lastUntil: (over: Promise<void>) => void;
};

export function openClientStream(client: Client): ClientStream {
  const { share } = client;
  if (share === null) return ownStream(client);
  return {
    body: share.body(),
    sink: Promise.resolve(share.sink),
    lastUntil: (over) => void over.then(() => share.endStream()),
  };
}

function ownStream(client: Client): ClientStream {
  const sink = Promise.withResolvers<Sink | null>();
  const over = Promise.withResolvers<void>();
  const { signal } = client.call;
  signal.addEventListener("abort", () => sink.resolve(null), { once: true });
  if (signal.aborted) sink.resolve(null);
  const body = new ReadableStream<Uint8Array>({
    type: "direct",
    pull(controller) {
      sink.resolve(controller);
      return over.promise;
    },
    cancel() {
      client.onClientLeft();
      sink.resolve(null);
    },
  });
  return { body, sink: sink.promise, lastUntil: over.resolve };
}

/**
 * Writes and flushes at once; a promise to wait for when the client is slow. Nothing is written to
 * one who left.
 */
export function send(
  client: Client,
  sink: Sink | null,
  slices: readonly Uint8Array[],
): Promise<unknown> | null {
  if (slices.length === 0 || sink === null || client.clientGone) return null;
  let unwritten: Promise<unknown> | null = null;
  for (const slice of slices) {
    const written = sink.write(slice);
    if (typeof written !== "number") unwritten = written;
  }
  sink.flush();
  return unwritten;
}

/**
 * A client that leaves while we wait for it, or stops reading, may never let the write end; the wait
 * is over when one of `ends` aborts: it has left, or what it was to read was given up.
 */
export async function untilWritten(
  written: Promise<unknown>,
  ends: readonly AbortSignal[],
): Promise<void> {
  if (ends.some((signal) => signal.aborted)) return;
  const over = Promise.withResolvers<void>();
  const onAbort = (): void => over.resolve();
  for (const signal of ends) signal.addEventListener("abort", onAbort, { once: true });
  await Promise.race([written, over.promise]);
  for (const signal of ends) signal.removeEventListener("abort", onAbort);
}
