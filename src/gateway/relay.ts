/**
 * Phase 4, relay: a stream's events to the client, one network read in, one write out, unchanged.
 * From the first event on nothing is repeated; whatever happens then, the client is told: a stream
 * that did not end with the dialect's own terminator ends with an error event, never with a clean
 * stop. Slow readers hold the upstream back, so memory stays bounded.
 */
import type { ErrorCode } from "../base/error.ts";
import { ERRORS } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";
import type { Usage } from "../dialects/contract.ts";
import { conclude } from "./conclude.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { LiveStream } from "./attempt-result.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { HoldWatch } from "./hold-watch.ts";
import type { Sink } from "./sink.ts";
import { discard, type ByteReader, type Upstream } from "./transport.ts";

/** How a relayed stream ended, for its settlement. */
export type RelayEnd = {
  readonly outcome:
    | "ok"
    | "hold_reached"
    | "client_gone"
    | "client_stalled"
    | "cut"
    | "error_event"
    | "timeout_idle"
    | "timeout_total"
    | "deadline"
    | "draining";
  /** What the client was told last; null after a clean end. */
  readonly errorCode: ErrorCode | null;
};

/** What the relay is told about the attempt beside its stream. */
export type RelayTerms = {
  /** The stream is ended when it has more output tokens than this; null: never. */
  readonly stopAfterTokens: number | null;
  /** What was delivered so far, for the usage chunk of a stream that is ended in its place. */
  readonly countUsage: () => Promise<Usage>;
  /**
   * Called exactly once, before the last bytes are sent, so that what the client sees as the end is
   * already settled; what it returns is waited for. `told` is the usage of a stream that is ended in
   * its provider's place, else null.
   */
  readonly onEnd: (end: RelayEnd, told: Usage | null) => Promise<void> | void;
};

/**
 * The client's body. The relay does not depend on anybody reading the body: a
 * client that left before its answer began is settled like every other.
 */
export function relay(
  gateway: Gateway,
  exchange: Exchange,
  plan: AttemptPlan,
  stream: LiveStream,
  terms: RelayTerms,
): ReadableStream<Uint8Array> {
  const sinkReady = Promise.withResolvers<Sink | null>();
  gateway.metrics.streamStarted();
  const relayed = run(gateway, exchange, plan, stream, sinkReady.promise, terms).catch(
    (error: unknown) => {
      // A bug of ours costs this request: it is concluded like every other.
      gateway.log.error("relay.failed", { requestId: exchange.id, error });
      conclude(gateway, exchange);
    },
  );
  const { share } = exchange;
  if (share !== null) {
    sinkReady.resolve(share.sink);
    void relayed.then(() => share.endStream());
    return share.body();
  }
  exchange.call.signal.addEventListener("abort", () => sinkReady.resolve(null), { once: true });
  if (exchange.call.signal.aborted) sinkReady.resolve(null);
  return new ReadableStream({
    type: "direct",
    pull(controller) {
      sinkReady.resolve(controller);
      return relayed;
    },
    cancel() {
      exchange.onClientLeft();
      sinkReady.resolve(null);
    },
  });
}

async function run(
  gateway: Gateway,
  exchange: Exchange,
  plan: AttemptPlan,
  stream: LiveStream,
  sinkReady: Promise<Sink | null>,
  terms: RelayTerms,
): Promise<void> {
  const sink = await sinkReady;
  if (sink === null) exchange.onClientLeft();
  const end = await pump(gateway, exchange, plan, stream, sink, holdWatch(terms));
  gateway.metrics.streamEnded();
  const ending = end.outcome === "hold_reached" ? await terms.countUsage() : null;
  const settled = terms.onEnd(end, ending);
  if (settled !== undefined) await settled;
  conclude(gateway, exchange);
  await finish(exchange, sink, stream, end, ending);
  letGo(gateway, stream);
}

function holdWatch({ stopAfterTokens, countUsage }: RelayTerms): HoldWatch | null {
  if (stopAfterTokens === null) return null;
  return new HoldWatch(stopAfterTokens, async () => (await countUsage()).outputTokens);
}

async function pump(
  gateway: Gateway,
  exchange: Exchange,
  plan: AttemptPlan,
  { reader, watch, upstream, first }: LiveStream,
  sink: Sink | null,
  hold: HoldWatch | null,
): Promise<RelayEnd> {
  const idleMs = plan.candidate.provider.row.timeoutsMs.idle;
  const idle = gateway.watchdog.deadline(() => upstream.giveUp("idle"));
  const stalled = gateway.watchdog.deadline(() => upstream.giveUp("client_stalled"));
  try {
    let unwritten = send(exchange, sink, first);
    for (;;) {
      if (unwritten !== null) {
        stalled.arm(LIMITS.stalledReaderMs);
        await untilWritten(exchange, upstream, unwritten);
        stalled.pause();
      }
      if (watch.hasEnded()) break;
      if (hold?.isSuspect(watch.output()) === true && (await hold.isReached(watch.output()))) {
        upstream.giveUp("hold_reached");
        break;
      }
      idle.arm(idleMs);
      const { done, value } = await reader.read();
      // A client that reads slowly must not look like a provider that is silent.
      idle.pause();
      if (done) break;
      exchange.onRead(value.byteLength);
      unwritten = send(exchange, sink, watch.push(value));
    }
  } catch {
    // A body that breaks off and an event without end come to the same: see `endOf`.
    discard(reader);
  } finally {
    idle.disarm();
    stalled.disarm();
  }
  return endOf(exchange, { watch, upstream });
}

/**
 * Writes and flushes at once; a promise to wait for when the client is slow. Nothing is written to
 * one who left.
 */
function send(
  exchange: Exchange,
  sink: Sink | null,
  slices: readonly Uint8Array[],
): Promise<unknown> | null {
  if (slices.length === 0 || sink === null || exchange.clientGone) return null;
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
 * is over when it has left or the attempt was given up, for the deadline or the way out.
 */
async function untilWritten(
  exchange: Exchange,
  upstream: Upstream,
  written: Promise<unknown>,
): Promise<void> {
  const ends = [exchange.call.signal, upstream.signal];
  if (ends.some((signal) => signal.aborted)) return;
  const over = Promise.withResolvers<void>();
  const onAbort = (): void => over.resolve();
  for (const signal of ends) signal.addEventListener("abort", onAbort, { once: true });
  await Promise.race([written, over.promise]);
  for (const signal of ends) signal.removeEventListener("abort", onAbort);
}

function endOf(
  exchange: Exchange,
  { watch, upstream }: Pick<LiveStream, "watch" | "upstream">,
): RelayEnd {
  // The provider's own error event was passed on as it came; it needs no second one.
  if (watch.failure() !== null) return { outcome: "error_event", errorCode: null };
  if (watch.hasEnded()) {
    return exchange.clientGone
      ? { outcome: "client_gone", errorCode: null }
      : { outcome: "ok", errorCode: null };
  }
  switch (upstream.gaveUpFor()) {
    case "client_gone":
      return { outcome: "client_gone", errorCode: null };
    case "client_stalled":
      // Whoever does not read cannot be told.
      return { outcome: "client_stalled", errorCode: null };
    case "hold_reached":
      return { outcome: "hold_reached", errorCode: null };
    case "deadline":
      return { outcome: "deadline", errorCode: "upstream_timeout" };
    case "draining":
      return { outcome: "draining", errorCode: "gateway_draining" };
    case "idle":
      return { outcome: "timeout_idle", errorCode: "upstream_timeout" };
    case "total":
      return { outcome: "timeout_total", errorCode: "upstream_timeout" };
    default:
      return { outcome: "cut", errorCode: "upstream_error" };
  }
}

/** `ending`: the usage of a stream that is ended in its provider's place; else null. */
async function finish(
  exchange: Exchange,
  sink: Sink | null,
  { upstream, watch }: LiveStream,
  { errorCode }: RelayEnd,
  ending: Usage | null,
): Promise<void> {
  if (sink === null || exchange.clientGone) return;
  const last = ending === null ? errorEvent(exchange, errorCode) : watch.lengthEnding(ending);
  const unwritten = last === null ? null : send(exchange, sink, [last]);
  if (unwritten !== null) await untilWritten(exchange, upstream, unwritten);
  sink.close();
}

function errorEvent({ call, id }: Exchange, code: ErrorCode | null): Uint8Array | null {
  if (code === null) return null;
  const { type, text } = ERRORS[code];
  const message = `${text} The answer is incomplete (request ${id}).`;
  return call.dialect.errorEvent({ code, message, type, param: null });
}

/** After the terminator only the end of the body is due; reading it lets the connection be reused. */
function letGo(gateway: Gateway, { reader, watch }: LiveStream): void {
  if (!watch.hasEnded()) {
    discard(reader);
    return;
  }
  const deadline = gateway.watchdog.deadline(() => discard(reader));
  deadline.arm(LIMITS.afterTerminatorMs);
  void readEnd(reader).finally(deadline.disarm);
}

async function readEnd(reader: ByteReader): Promise<void> {
  try {
    const { done } = await reader.read();
    if (!done) discard(reader);
  } catch {
    // The answer is complete; how its connection ends no longer matters.
  }
}
