/**
 * What one client request gathers on its way through the plot: who asks, for what, which attempts
 * were made and what they cost. Owned by `handle`; every phase writes its own part, `record` reads
 * all of it. It never holds a prompt beyond the body's bytes, and is dropped with the request.
 */
import type { RateState } from "../../actors/contract.ts";
import type { ExchangeHandle } from "../../actors/exchange.ts";
import type { ErrorCode } from "../base/error.ts";
import type { PriorityClass } from "../base/priority.ts";
import type { ScopeChain } from "../base/scope.ts";
import type { NanoUsd } from "../base/units.ts";
import type { Refusal, RefusalReason } from "../base/verdict.ts";
import type { ClientRequest, Codec, Dialect, Place } from "../dialects/contract.ts";
import type { Usage } from "../dialects/usage-contract.ts";
import type { ClientForm } from "../dialects/multipart.ts";
import type { AttemptNote, TenantRow, TokenRow } from "../store/contract.ts";
import type { ClientStream } from "./client-stream.ts";
import type { SharedAnswer } from "./share/contract.ts";

/** One client request as the HTTP layer hands it over. */
export type ClientCall = {
  readonly dialect: Dialect;
  readonly codec: Codec;
  readonly place: Place;
  /** What of its address is the provider's to read, with its `?`; else empty. */
  readonly query: string;
  readonly headers: Headers;
  /** Reads the body within the bound; refuses with `body_too_large` or `invalid_request`. */
  readonly readBody: (
    tenantId: string,
  ) => Promise<Uint8Array<ArrayBuffer> | UploadedForm | Refusal>;
  /** Declared length, for refusing a huge body before anything else; null when chunked. */
  readonly declaredBytes: number | null;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** Told once, when the exchange is over; the last bytes may still be on their way. */
  readonly onEnd: () => void;
};

/** A body that is a form: its bytes in memory where it is small, else in a spool. */
export type UploadedForm = {
  readonly form: ClientForm;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly spool: Spool | null;
};

/** A body that lies in a temporary file; it can be read from any place, any number of times at once. */
export type Spool = {
  readonly byteLength: number;
  /** Fills as much of `target` as there is from `offset` on; rejects when the disk fails or it was closed. */
  readonly read: (target: Uint8Array, offset: number) => Promise<number>;
  /** Gives the file and its room on the disk back; safe at any time. */
  readonly close: () => void;
};

/** Who asks: a valid access token and what it belongs to. */
export type Principal = {
  readonly token: TokenRow;
  readonly tenant: TenantRow;
  readonly scopes: ScopeChain;
};

/** How one attempt went, for the request row, the log and the metrics. */
export type AttemptSummary = {
  readonly attemptId: string;
  readonly provider: string;
  readonly model: string;
  readonly outcome: string;
  readonly status: number | null;
  readonly costNanoUsd: NanoUsd;
  readonly estimated: boolean;
  readonly usage: Usage;
  readonly latencyMs: number;
};

export type Exchange = {
  readonly id: string;
  /** As the client made it, unless the exchange is shared: then nothing in it ends with the client. */
  call: ClientCall;
  readonly createdAtMs: number;
  readonly startedMonotonicMs: number;
  /** Wall time by which everything must be over. */
  deadlineMs: number;
  /** How long one attempt may take, whatever its provider's own clock says; null: as that says. */
  attemptTotalMs: number | null;
  /** Moves the deadline to `durationMs` after the exchange began. */
  setDeadline: (durationMs: number) => void;
  principal: Principal | null;
  /** Who is served first when not everybody can be; known with the principal. */
  priorityClass: PriorityClass;
  request: ClientRequest | null;
  /** Where the body lies while the exchange lasts, when it is not in memory. */
  spool: Spool | null;
  requestRate: RateState | null;
  tokenRate: RateState | null;
  /** The moment of which the rates tell. */
  ratesAtMs: number;
  outputTokensCap: number | null;
  readonly attempts: AttemptSummary[];
  /** Everything tried, in order: these attempts, and candidates that were passed by. */
  readonly notes: AttemptNote[];
  /** A hold of its is on its way to the disk and outlives it. */
  leavesHold: boolean;
  /** Attempts dispatched so far, the running one included. */
  attemptCount: number;
  /** Providers at whose gates it waited in vain: their other lanes have the same slots. */
  waitedInVainAt: readonly string[];
  /** The target that serves, or served last. */
  served: { readonly provider: string; readonly model: string } | null;
  firstTokenMs: number | null;
  clientGone: boolean;
  /** Two attempts run: none of them is read on for a client that leaves. */
  isHedged: boolean;
  /** A further attempt was not made, because the budgets of who asks had no room for it. */
  lacksRoom: boolean;
  /** An attempt was sent to a provider whose answer is read to the end when the client leaves. */
  drainsForLeftClient: boolean;
  /** Called, once or more, when the client is found to have gone. */
  onClientLeft: () => void;
  /** Told of every piece of an answer that was read: what a left client's may have is bounded. */
  onRead: (bytes: number) => void;
  /** Where others may get its answer too; null: it is its own client's alone. */
  share: SharedAnswer | null;
  /** The request whose answer it gets instead of one of its own; null: it has its own. */
  answeredBy: string | null;
  status: number;
  errorCode: ErrorCode | null;
  refusal: RefusalReason | null;
  /** The client's side of its streamed answer, where that was begun before the answer came. */
  clientStream: ClientStream | null;
  /** Its actor, from admission on: says what comes next, and ends with it. */
  story: ExchangeHandle | null;
  /** Stops what runs now, an attempt, its relay or a backoff; null before the first attempt. */
  stopAttempt: ((reason: StopReason) => void) | null;
  /** Why everything about this exchange must end; null while it may go on. */
  stoppedFor: StopReason | null;
  /** Resolves when it is stopped; never rejects. */
  readonly stopped: PromiseWithResolvers<void>;
  /** Taken by the tenant's actor, so that it must be ended or undone there. */
  isAdmitted: boolean;
  isConcluded: boolean;
  /** Lets go of timers and listeners; called once, when it is concluded. */
  release: () => void;
};

/**
 * Why an exchange is ended before its answer is complete; hedge_lost: only one of its attempts, because
 * the other one answered.
 */
export type StopReason = "client_gone" | "deadline" | "draining" | "hedge_lost";

/** The answer to a client, before it becomes an HTTP response. */
export type Reply = {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array>;
};

export const NO_USAGE: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  details: null,
};

/** As much of an exchange, or of one of two attempts that run, as ending it from outside needs. */
export type Stoppable = Pick<Exchange, "stoppedFor" | "stopAttempt" | "stopped">;

/** Ends an exchange from outside: its running attempt is stopped, and no further one is made. */
export function stopExchange(exchange: Stoppable, reason: StopReason): void {
  if (exchange.stoppedFor !== null) return;
  exchange.stoppedFor = reason;
  exchange.stopAttempt?.(reason);
  exchange.stopped.resolve();
}

/** An exchange was stopped while it waited for something that nothing else can end. */
export class StoppedError extends Error {
  override name = "StoppedError";
}

/** Waits for `pending`, but no longer than the exchange may run: throws {@link StoppedError} then. */
export async function unlessStopped<T>(exchange: Stoppable, pending: Promise<T>): Promise<T> {
  const stopped = exchange.stopped.promise.then(() => null);
  const first = await Promise.race([pending.then((value) => ({ value })), stopped]);
  if (first === null) throw new StoppedError();
  return first.value;
}

/** Adds to what is let go of when the exchange is concluded. */
export function onRelease(exchange: Exchange, letGo: () => void): void {
  const { release } = exchange;
  exchange.release = () => {
    letGo();
    release();
  };
}
