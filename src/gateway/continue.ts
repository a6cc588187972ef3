/**
 * A stream that breaks off after content, or is given up because it is silent or too slow, is gone on
 * with by another attempt, where the route wants it and a candidate's model can be asked to. To the
 * relay it is one stream: the bytes of the next attempt follow on those of the broken one, rewritten by
 * the dialect's watch.
 *
 * Invariant: each attempt has its own hold and is settled once: the broken one here, by what was
 * delivered of it, the last one by whoever relays. Where nobody can go on, the client gets what it
 * would have got without: the provider's own error event, or ours.
 */
import type { ExchangeHandle } from "../../actors/exchange.ts";
import type { ContinuableWatch, StreamWatch } from "../dialects/contract.ts";
import type { Usage } from "../dialects/usage-contract.ts";
import type { Admitted } from "./admit.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { LiveStream } from "./attempt-result.ts";
import { candidateAt } from "./candidates.ts";
import { NO_USAGE, type Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { makeAttempt } from "./make-attempt.ts";
import { planAttempt } from "./plan-attempt.ts";
import { failedWithin } from "./read-failure.ts";
import { countUsage, settleAnswer } from "./settle-answer.ts";
import { discard, type ByteReader, type Upstream } from "./transport.ts";

export type ContinueParts = {
  readonly gateway: Gateway;
  readonly exchange: Exchange;
  readonly admitted: Admitted;
  readonly story: ExchangeHandle;
};

/** The attempt whose bytes come now. */
export type Leg = {
  readonly admitted: Admitted;
  readonly plan: AttemptPlan;
  readonly status: number;
};

/** Of the ways in which a relayed stream ends, those that another attempt may mend. */
type BrokenBy = "cut" | "timeout_idle" | "throughput_too_low" | "error_event";

type BytesRead = Awaited<ReturnType<ByteReader["read"]>>;

const OVER: BytesRead = { done: true };

export class ContinuedLegs {
  readonly #parts: ContinueParts;
  readonly #watch: ContinuableWatch;
  #live: LiveStream;
  /** null: it is settled, and no other has taken its place. */
  #leg: Leg | null;
  /** Who may still go on, in this order; null before the first break. */
  #left: number[] | null = null;
  readonly #brokenProviderIds: string[] = [];
  #before: Usage = NO_USAGE;
  #count = 0;
  /** Bytes that are the client's already, not to be watched once more. */
  #ready: Uint8Array | null = null;
  #isOver = false;
  #toldFailure: ReturnType<StreamWatch["failure"]> = null;

  constructor(parts: ContinueParts, plan: AttemptPlan, live: LiveStream, watch: ContinuableWatch) {
    this.#parts = parts;
    this.#watch = watch;
    this.#live = live;
    this.#leg = { admitted: parts.admitted, plan, status: live.status };
  }

  /** What is still to be settled at the end. */
  leg(): Leg | null {
    return this.#leg;
  }

  /** All attempts as one stream. */
  stream(): LiveStream {
    const { status, headers, first } = this.#live;
    const reader = {
      read: () => this.#read(),
      cancel: () => this.#live.reader.cancel(),
    };
    return { status, headers, first, reader, upstream: this.#upstream(), watch: this.#relayed() };
  }

  #upstream(): Upstream {
    const { answer } = this.#live.upstream;
    const signal = (): AbortSignal => this.#live.upstream.signal;
    return {
      answer,
      giveUp: (reason) => this.#live.upstream.giveUp(reason),
      // Between two attempts only the exchange knows that it was stopped.
      gaveUpFor: () => this.#parts.exchange.stoppedFor ?? this.#live.upstream.gaveUpFor(),
      get signal() {
        return signal();
      },
    };
  }

  #relayed(): StreamWatch {
    const watch = this.#watch;
    return {
      push: (chunk) => (chunk === this.#ready ? [chunk] : watch.push(chunk)),
      hasContent: watch.hasContent,
      hasEnded: watch.hasEnded,
      failure: () => this.#toldFailure,
      usage: watch.usage,
      isUsageFinal: watch.isUsageFinal,
      output: watch.output,
      lengthEnding: watch.lengthEnding,
    };
  }

  async #read(): Promise<BytesRead> {
    if (this.#isOver) return OVER;
    if (this.#watch.failure() === null) {
      const read = await this.#live.reader.read().catch(() => OVER);
      if (!read.done) return read;
    }
    const failure = this.#watch.failure();
    const withheld = this.#watch.withheld();
    discard(this.#live.reader);
    const next = await this.#goOn();
    if (next !== null) {
      this.#live = next;
      return this.#give([comment(this.#count), ...next.first.splice(0)]);
    }
    this.#isOver = true;
    this.#toldFailure = failure;
    return withheld.length > 0 ? this.#give(withheld) : OVER;
  }

  #give(slices: readonly Uint8Array[]): BytesRead {
    this.#ready = new Uint8Array(Buffer.concat(slices));
    return { done: false, value: this.#ready };
  }

  /** The next attempt's stream, from its first content on; null: there is none. */
  async #goOn(): Promise<LiveStream | null> {
    const { gateway, exchange, story } = this.#parts;
    const leg = this.#leg;
    const text = this.#watch.textSoFar();
    const outcome = this.#breakOf(leg);
    if (leg === null || text === null || outcome === null || isEnding(exchange)) return null;
    this.#left ??= continuing(leg.admitted, leg.plan.candidateIndex);
    this.#tell("attempt.failed");
    if (story.step().do !== "continue") return null;
    await this.#settleBroken(leg, outcome);
    gateway.log.warn("stream.broken", { requestId: exchange.id, outcome, ...exchange.served });
    for (;;) {
      const step = story.step();
      if (step.do !== "continue") return null;
      const live = isEnding(exchange) ? "stopped" : await this.#attempt(step.candidate, text);
      if (typeof live === "object") {
        this.#count += 1;
        story.send({ type: "content.started", atMs: gateway.clock.nowMs() });
        return live;
      }
      exchange.drainsForLeftClient = false;
      this.#tell(live === "refused" ? "candidate.refused" : "attempt.failed");
      if (isEnding(exchange)) story.send({ type: "client.left", atMs: gateway.clock.nowMs() });
    }
  }

  /** How the attempt broke off; null: in a way that another attempt would not mend. */
  #breakOf(leg: Leg | null): BrokenBy | null {
    const failure = this.#watch.failure();
    if (failure !== null && leg !== null) {
      const { retry } = failedWithin(leg.plan, failure).classification;
      return retry === "never" || retry === "other" ? null : "error_event";
    }
    if (this.#watch.hasEnded()) return null;
    switch (this.#live.upstream.gaveUpFor()) {
      case null:
        return "cut";
      case "idle":
        return "timeout_idle";
      case "throughput":
        return "throughput_too_low";
      default:
        return null;
    }
  }

  #tell(type: "attempt.failed" | "candidate.refused"): void {
    const { gateway, story } = this.#parts;
    const continueAt = this.#left?.shift() ?? null;
    const atMs = gateway.clock.nowMs();
    const failed = { retry: "never", throttled: false, retryAfterMs: null, jitter: 0 } as const;
    story.send(
      type === "attempt.failed"
        ? { type, ...failed, continueAt, atMs }
        : { type, continueAt, atMs },
    );
  }

  /** By what was delivered of it. The client knows the input of the first attempt only. */
  async #settleBroken({ admitted, plan, status }: Leg, outcome: string): Promise<void> {
    const { gateway, exchange } = this.#parts;
    const watch = this.#watch;
    const counted = watch.usage() ?? (await countUsage(gateway, admitted, watch.output()));
    const { output } = watch;
    this.#leg = null;
    exchange.drainsForLeftClient = false;
    this.#brokenProviderIds.push(plan.candidate.provider.row.id);
    const { inputTokens } = this.#count === 0 ? counted : this.#before;
    const outputTokens = this.#before.outputTokens + counted.outputTokens;
    this.#before = { ...NO_USAGE, inputTokens, outputTokens };
    const end = { usage: null, isPartial: true, output, counted, outcome, status };
    await settleAnswer(gateway, exchange, admitted, plan, end);
  }

  async #attempt(candidateIndex: number, text: string): Promise<LiveStream | "refused" | "failed"> {
    const { gateway, exchange, admitted } = this.#parts;
    const { codec } = exchange.call;
    const candidate = candidateAt(admitted, candidateIndex);
    const { row, quirks } = candidate.provider;
    const how = candidate.target?.continues;
    const { outputTokens } = this.#before;
    const request = how && codec.continued(admitted.request, { how, text, outputTokens });
    if (!request) return "refused";
    const asked = { ...admitted, request };
    const isRepeat = this.#brokenProviderIds.includes(row.id);
    const target = { candidate, candidateIndex, isRepeat, isLastResort: false };
    const planned = await planAttempt(gateway, exchange, exchange, asked, target, null);
    if ("refusal" in planned) return "refused";
    const plan = { ...planned, watch: this.#watch };
    this.#watch.goOn({ ...quirks, before: this.#before });
    const result = await makeAttempt(gateway, exchange, exchange, asked, plan);
    if (result.kind === "stream") {
      this.#leg = { admitted: asked, plan, status: result.stream.status };
      return result.stream;
    }
    if (result.kind === "answer") {
      // It was asked for a stream. What it says may be right, but cannot be told as one.
      const { answer, usage } = result;
      const output = (): ReturnType<StreamWatch["output"]> => codec.output(answer.body);
      const { status } = answer;
      const end = {
        usage,
        isPartial: false,
        output,
        counted: null,
        outcome: "undecodable",
        status,
      };
      await settleAnswer(gateway, exchange, asked, plan, end);
    }
    return result.kind === "refused" ? "refused" : "failed";
  }
}

function isEnding({ stoppedFor, clientGone }: Exchange): boolean {
  return stoppedFor !== null || clientGone;
}

/** Candidates whose model can go on, those first that have not just broken off. */
function continuing({ candidates }: Admitted, brokenIndex: number): number[] {
  const able = [...candidates.keys()].filter((index) => candidates[index]?.target?.continues);
  return [
    ...able.filter((index) => index !== brokenIndex),
    ...able.filter((i) => i === brokenIndex),
  ];
}

/** Tells the curious; readers of server-sent events skip it. */
function comment(count: number): Uint8Array {
  return new TextEncoder().encode(`: x-tollgate-continued: ${count}\n\n`);
}
