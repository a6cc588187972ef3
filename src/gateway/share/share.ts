/**
 * An exchange whose answer more than its own client may get. Its answer goes into a recording, of
 * which its own client is a reader like all others, and it goes on for as long as somebody wants it:
 * its client's leaving alone does not end it.
 *
 * Invariant: the recording begins and ends whatever becomes of the exchange, so that nobody waits
 * for it in vain.
 */
import { assert } from "../../base/assert.ts";
import { ERRORS } from "../../base/error.ts";
import { onRelease, type ClientCall, type Exchange, type Reply } from "../exchange.ts";
import type { ClientRequest } from "../../dialects/contract.ts";
import type { Gateway } from "../gateway.ts";
import { ofRequest } from "../reply-headers.ts";
import type { Sink } from "../sink.ts";
import type { Deadline } from "../watchdog.ts";
import { readerBody } from "./reader-body.ts";
import type { Reader } from "./reader.ts";
import type { Head, Recording } from "./recording.ts";
import type { Payer, SharedAnswer, SharedEnd } from "./contract.ts";

type Ending = (end: SharedEnd) => Promise<void> | void;

class Share implements SharedAnswer {
  readonly #exchange: Exchange;
  readonly recording: Recording;
  readonly payers = new Map<Reader, Payer>();
  readonly #gateway: Gateway;
  /** The client's own connection, which the exchange does not depend on any more. */
  readonly #call: ClientCall;
  readonly #first: Reader;
  readonly #abandoned = new AbortController();
  readonly #leaveAlone: () => void;
  readonly #unread: Deadline;
  readonly #endings: Ending[] = [];
  readonly #head = Promise.withResolvers<Head>();
  /** Resolves when its end is remembered, and when its own client has got it. */
  readonly #remembered = Promise.withResolvers<void>();
  readonly #delivered = Promise.withResolvers<void>();
  /** Access tokens whose clients have been readers from the begin on. */
  readonly #tokenIds = new Set<string>();
  #unreadMs: number;
  #hasClientLeft = false;
  #isEnded = false;
  #sink: Sink;

  /** `unreadMs`: how long it goes on while nobody reads. */
  constructor(gateway: Gateway, exchange: Exchange, recording: Recording, unreadMs: number) {
    assert(exchange.share === null, "an exchange is shared once");
    this.#gateway = gateway;
    this.#exchange = exchange;
    this.recording = recording;
    this.#call = exchange.call;
    this.#unreadMs = unreadMs;
    this.#unread = gateway.watchdog.deadline(() => this.#abandon());
    this.#sink = {
      write: (bytes) => recording.write(bytes),
      flush: () => undefined,
      close: (error) => {
        if (error !== undefined) recording.breakOff();
      },
    };
    const first = recording.attach(0);
    assert(first, "a recording that has just begun can be read");
    this.#first = first;
    this.#leaveAlone = exchange.onClientLeft;
    exchange.onClientLeft = () => this.#clientLeft();
    exchange.call = {
      ...exchange.call,
      signal: this.#abandoned.signal,
      onEnd: () => undefined,
    };
    exchange.share = this;
    if (exchange.principal !== null) this.belongsTo(exchange.principal.token.id);
    recording.onReaders = (count) => this.#readersChanged(count);
    // The way out does not pass by what is left to do once the exchange itself is over.
    const rest = [this.#remembered.promise, this.#delivered.promise];
    onRelease(exchange, () => gateway.lifecycle.outlive(Promise.all(rest)));
  }

  get sink(): Sink {
    return this.#sink;
  }

  /** It may have left long before the exchange, which goes on for others, knows of it. */
  get hasClientLeft(): boolean {
    return this.#hasClientLeft;
  }

  request(): ClientRequest | null {
    return this.#exchange.request;
  }

  isFor(tokenId: string): boolean {
    return this.#tokenIds.has(tokenId);
  }

  belongsTo(tokenId: string): void {
    this.#tokenIds.add(tokenId);
  }

  writeThrough(sink: Sink): void {
    this.#sink = sink;
  }

  goOnFor(unreadMs: number): void {
    this.#unreadMs = Math.max(this.#unreadMs, unreadMs);
  }

  atEnd(ending: Ending): void {
    this.#endings.push(ending);
  }

  body(): ReadableStream<Uint8Array> {
    const call = this.#call;
    const onEnd = (): void => this.#endOfClient();
    const { watchdog } = this.#gateway;
    return readerBody(this.#first, { call, signal: call.signal, onEnd, watchdog });
  }

  async begin(head: Head): Promise<void> {
    this.#head.resolve(head);
    if (head.body === null) {
      this.recording.begin(head);
      return;
    }
    await this.#end(head);
    this.#first.leave();
    this.#endOfClient();
  }

  #endOfClient(): void {
    this.#delivered.resolve();
    this.#call.onEnd();
  }

  async endStream(): Promise<void> {
    await this.#end(await this.#head.promise);
  }

  async #end(head: Head): Promise<void> {
    this.#isEnded = true;
    this.#unread.disarm();
    const isWhole = this.#isWhole(head);
    const outcomes = this.#exchange.attempts.map(({ outcome }) => outcome);
    for (const ending of this.#endings) {
      try {
        await ending({ head, isWhole, outcomes });
      } catch (error) {
        this.#gateway.log.error("share.ending.failed", { requestId: this.#exchange.id, error });
      }
    }
    this.recording.begin(head);
    this.recording.end(this.#exchange.errorCode);
    this.#remembered.resolve();
  }

  #isWhole({ body }: Head): boolean {
    const { attempts, clientGone, errorCode } = this.#exchange;
    if (clientGone || errorCode !== null) return false;
    if (body !== null) return true;
    return attempts.some(({ outcome }) => outcome === "ok" || outcome === "hold_reached");
  }

  #clientLeft(): void {
    this.#hasClientLeft = true;
    this.#first.leave();
  }

  #readersChanged(count: number): void {
    for (const reader of this.payers.keys()) {
      if (reader.interruption !== null) this.payers.delete(reader);
    }
    if (this.#isEnded) return;
    if (count > 0) this.#unread.disarm();
    else if (this.#unreadMs === 0) this.#abandon();
    else if (this.#unreadMs !== Number.POSITIVE_INFINITY) this.#unread.arm(this.#unreadMs);
  }

  /** As if an exchange of one client had lost it: from here on its provider's policy says what is done. */
  #abandon(): void {
    this.recording.close();
    this.#abandoned.abort();
    this.#leaveAlone();
  }
}

/** Has an exchange shared; null where there are as many as may be. */
export function lead(gateway: Gateway, exchange: Exchange, unreadMs: number): SharedAnswer | null {
  const recording = gateway.sharing.recordings.begin(exchange.id);
  return recording === null ? null : new Share(gateway, exchange, recording, unreadMs);
}

/** Hands an exchange's answer to everybody who is to get it; what its own client gets. */
export async function publish(
  share: SharedAnswer,
  exchange: Exchange,
  reply: Reply,
): Promise<Reply> {
  const { errorCode, served } = exchange;
  const { status } = reply;
  const own = ofRequest(exchange);
  const headers = Object.fromEntries(
    Object.entries(reply.headers).filter(([name]) => !Object.hasOwn(own, name)),
  );
  const body = reply.body instanceof ReadableStream ? null : reply.body;
  const isOwnFailure = status >= 400 && hasFailedAlone(exchange);
  await share.begin({ status, headers, body, errorCode, isOwnFailure, served });
  return reply;
}

/**
 * Its own time was over, its own budgets had no room for a further attempt, or its access token has
 * lost its right meanwhile. The way out of the process is not its own: it ends everybody.
 */
function hasFailedAlone({ errorCode, lacksRoom, stoppedFor }: Exchange): boolean {
  if (stoppedFor !== null) return stoppedFor !== "draining";
  const owner = errorCode === null ? null : ERRORS[errorCode].owner;
  return lacksRoom || owner === "client" || owner === "tenant";
}
