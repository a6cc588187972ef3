/**
 * Phase 4, relay: a stream's events to the client, one network read in, one write out, unchanged.
 * From the first event on nothing is repeated; whatever happens then, the client is told: a stream
 * that did not end with the dialect's own terminator ends with an error event, never with a clean
 * stop, and one of bytes without events with the client's connection. Slow readers hold the upstream
 * back, so memory stays bounded.
 */
import type { ErrorCode } from "../base/error.ts";
import { ERRORS } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";
import type { StreamWatch } from "../dialects/contract.ts";
import type { Usage } from "../dialects/usage-contract.ts";
import { errorPart } from "../dialects/framing.ts";
import type { ProviderRow } from "../store/contract.ts";
import type { LiveStream } from "./attempt-result.ts";
import { clockOf } from "./classify.ts";
import { openClientStream, send, untilWritten } from "./client-stream.ts";
import { conclude } from "./conclude.ts";
import type { Exchange } from "./exchange.ts";
import { freeBytes } from "./free-bytes.ts";
import type { Gateway } from "./gateway.ts";
import type { HoldWatch } from "./hold-watch.ts";
import { type KeepAlive, keepAliveOf } from "./keep-alive.ts";
import type { Sink } from "./sink.ts";
import { ThroughputWatch } from "./throughput.ts";
import { discard, type ByteReader } from "./transport.ts";

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
    | "throughput_too_low"
    | "deadline"
    | "draining";
  /** What the client was told last; null after a clean end. */
  readonly errorCode: ErrorCode | null;
};

/** What the relay is told about the attempt beside its stream. */
export type RelayTerms = {
  /** Whose bytes come now: its clocks hold. */
  readonly provider: () => ProviderRow;
  /** Says when the attempt whose bytes come now has used up its hold; null: it may pass it. */
  readonly holdWatch: () => HoldWatch | null;
  /** Silence after which the client gets a comment; 0: never. */
  readonly keepAliveMs: number;
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
  stream: LiveStream,
  terms: RelayTerms,
): ReadableStream<Uint8Array> {
  const client = exchange.clientStream ?? openClientStream(exchange);
  gateway.metrics.streamStarted();
  const relayed = run(gateway, exchange, stream, client.sink, terms).catch((error: unknown) => {
    // A bug of ours costs this request: it is concluded like every other.
    gateway.log.error("relay.failed", { requestId: exchange.id, error });
    conclude(gateway, exchange);
  });
  client.lastUntil(relayed);
  return client.body;
}

async function run(
  gateway: Gateway,
  exchange: Exchange,
  stream: LiveStream,
  sinkReady: Promise<Sink | null>,
  terms: RelayTerms,
): Promise<void> {
  const sink = await sinkReady;
  if (sink === null) exchange.onClientLeft();
  const keepAlive = keepAliveOf(gateway, exchange, sink, terms.keepAliveMs);
  const end = await pump(gateway, exchange, stream, sink, terms, keepAlive);
  gateway.metrics.streamEnded();
  const ending = end.outcome === "hold_reached" ? await terms.countUsage() : null;
  const settled = terms.onEnd(end, ending);
  if (settled !== undefined) await settled;
  conclude(gateway, exchange);
  await finish(exchange, sink, stream, end, ending);
  letGo(gateway, stream);
}

const NOTHING: readonly Uint8Array[] = [];

async function pump(
  gateway: Gateway,
  exchange: Exchange,
  { reader, watch, upstream, first }: LiveStream,
  sink: Sink | null,
  { holdWatch, provider }: RelayTerms,
  keepAlive: KeepAlive | null,
): Promise<RelayEnd> {
  const idle = gateway.watchdog.deadline(() => upstream.giveUp("idle"));
  const stalled = gateway.watchdog.deadline(() => upstream.giveUp("client_stalled"));
  const throughputNow = (): ThroughputWatch | null =>
    throughputWatch(gateway, exchange, provider().terms, { watch, upstream });
  let throughput = throughputNow();
  try {
    let slices: readonly Uint8Array[] = first.splice(0);
    let isOver = false;
    for (;;) {
      const hasSent = slices.length > 0;
      const unwritten = send(exchange, sink, slices);
      // The sink has a copy: while it waits for a slow reader, that is the only one.
      if (watch.isBytes === true && exchange.share === null) slices.forEach(freeBytes);
      slices = NOTHING;
      if (unwritten !== null) {
        keepAlive?.pause();
        stalled.arm(LIMITS.stalledReaderMs);
        await untilWritten(unwritten, [exchange.call.signal, upstream.signal]);
        stalled.pause();
      }
      if (hasSent) keepAlive?.sent();
      if (isOver || watch.hasEnded()) break;
      const hold = holdWatch();
      if (hold?.isSuspect(watch.output()) === true && (await hold.isReached(watch.output()))) {
        upstream.giveUp("hold_reached");
        break;
      }
      idle.arm(provider().timeoutsMs.idle);
      throughput?.wait();
      const { signal } = upstream;
      const { done, value } = await reader.read();
      // A client that reads slowly must not look like a provider that is silent, or slow.
      idle.pause();
      throughput?.pause();
      if (upstream.signal !== signal) {
        // Another attempt has gone on: it is measured by its own provider's rule, and from here on.
        throughput?.stop();
        throughput = throughputNow();
      }
      isOver = done;
      exchange.onRead(value?.byteLength ?? 0);
      slices = done ? (watch.bodyEnded?.() ?? NOTHING) : watch.push(value);
    }
  } catch {
    // A body that breaks off and an event without end come to the same: see `endOf`.
    discard(reader);
  } finally {
    idle.disarm();
    stalled.disarm();
    throughput?.stop();
    keepAlive?.stop();
  }
  return endOf(exchange, { watch, upstream });
}

function throughputWatch(
  gateway: Gateway,
  { request }: Exchange,
  { throughputMin }: ProviderRow["terms"],
  { watch, upstream }: Pick<LiveStream, "watch" | "upstream">,
): ThroughputWatch | null {
  // What is paid by units shows no tokens, however fast it comes.
  if (throughputMin === undefined || request?.units !== undefined) return null;
  const tokens = (): number => watch.output().tokens;
  const giveUp = (): void => upstream.giveUp("throughput");
  return new ThroughputWatch(gateway, throughputMin, tokens, giveUp);
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
    case "throughput":
      return { outcome: "throughput_too_low", errorCode: "upstream_timeout" };
    default:
      return { outcome: "cut", errorCode: "upstream_error" };
  }
}

/** `ending`: the usage of a stream that is ended in its provider's place; else null. */
async function finish(
  exchange: Exchange,
  sink: Sink | null,
  { upstream, watch }: LiveStream,
  end: RelayEnd,
  ending: Usage | null,
): Promise<void> {
  if (sink === null || exchange.clientGone) return;
  // Bytes without events have no place for a word of ours: only a broken connection tells.
  if (watch.isBytes === true && end.outcome !== "ok") {
    sink.close(new Error(end.outcome));
    return;
  }
  const last = ending === null ? errorEvent(exchange, watch, end) : watch.lengthEnding(ending);
  const unwritten = last === null ? null : send(exchange, sink, [last]);
  if (unwritten !== null) await untilWritten(unwritten, [exchange.call.signal, upstream.signal]);
  sink.close();
}

function errorEvent(
  { call, id }: Exchange,
  watch: StreamWatch,
  { errorCode, outcome }: RelayEnd,
): Uint8Array | null {
  if (errorCode === null) return null;
  const { type, text } = ERRORS[errorCode];
  const clock = clockOf(outcome);
  const told = clock === null ? text : text.replace(/\.$/, ` (clock: ${clock}).`);
  const message = `${told} The answer is incomplete (request ${id}).`;
  const error = { code: errorCode, message, type, param: null, requestId: id };
  // A relayed stream has begun: it is read to its first content before.
  return watch.errorEvent?.(error) ?? errorPart(call, error, true);
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
