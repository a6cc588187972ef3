/**
 * Offers one load, step after step, and logs every exchange of it. A step ends when its time is
 * over, not when its last answer has come: what is still under way then goes on beside the next.
 */
import { type Clock, sleep } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";
import { chatEndpoint, chatRequest } from "../chat-request.ts";
import type { ExchangeLog, LoggedExchange } from "../exchange-log.ts";
import { HttpClient } from "../http-client.ts";
import { type Outcome, runLoad } from "../load.ts";
import { AnswerWatch } from "./answer-watch.ts";
import type { Offer } from "./contract.ts";

export type OfferContext = {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
};

/** For answers that are still to come when the last step is over. */
const graceMs = 10_000;

/** Resolves when every exchange has its answer, or has waited too long for it. */
export async function runOffer(offer: Offer, context: OfferContext): Promise<ExchangeLog> {
  const { clock, random, signal } = context;
  const endpoint = chatEndpoint(new URL(offer.gateway));
  const client = new HttpClient(endpoint);
  const log = new OfferLog(clock);
  const { model, stream, tokensMax } = offer;
  const request = chatRequest({ endpoint, token: offer.token }, { model, stream, tokensMax });
  const send = (plannedAtMs: number): Promise<Outcome> =>
    log.send(client, request, stream, plannedAtMs);
  const running = [];
  let dueMs = log.originMs;
  try {
    for (const { plan, durationMs } of offer.steps) {
      const times = { durationMs, warmUpMs: 0, graceMs, failuresMax: Number.POSITIVE_INFINITY };
      running.push(runLoad({ plan, ...times, clock, random, signal }, send));
      dueMs += durationMs;
      await sleep(clock, dueMs - clock.monotonicMs(), signal);
    }
    const results = await Promise.all(running);
    const unanswered = results.reduce((sum, result) => sum + result.unanswered, 0);
    return log.close(unanswered);
  } finally {
    client.close();
  }
}

type Pending = { readonly plannedMs: number; readonly sentMs: number };

class OfferLog {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly originMs: number;
  readonly #exchanges: LoggedExchange[] = [];
  readonly #pending = new Set<Pending>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.nowMs();
    this.originMs = clock.monotonicMs();
  }

  async send(
    client: HttpClient,
    request: Uint8Array,
    stream: boolean,
    plannedAtMs: number,
  ): Promise<Outcome> {
    const pending = { plannedMs: plannedAtMs - this.originMs, sentMs: this.#nowMs() };
    this.#pending.add(pending);
    let firstFrameMs: number | undefined;
    const watch = new AnswerWatch(stream ? () => (firstFrameMs = this.#nowMs()) : undefined);
    const label = watch.label(await client.send(request, watch));
    this.#pending.delete(pending);
    const endedMs = this.#nowMs();
    if (!this.#isClosed) this.#exchanges.push({ ...pending, firstFrameMs, endedMs, label });
    // Whatever came is an answer to the load's own counting; the log has what it was.
    return undefined;
  }

  /** `unanswered`: by the load's own count, those among them that were never sent. */
  close(unanswered: number): ExchangeLog {
    this.#isClosed = true;
    const endedMs = this.#nowMs();
    const label = "no answer: too late";
    for (const pending of this.#pending) {
      this.#exchanges.push({ ...pending, firstFrameMs: undefined, endedMs, label });
    }
    const neverSent = Math.max(0, unanswered - this.#pending.size);
    for (let index = 0; index < neverSent; index += 1) {
      const sent = { plannedMs: endedMs - graceMs, sentMs: endedMs, firstFrameMs: undefined };
      this.#exchanges.push({ ...sent, endedMs, label: "never sent" });
    }
    const exchanges = this.#exchanges.toSorted((a, b) => a.plannedMs - b.plannedMs);
    return { startedAtMs: this.#startedAtMs, exchanges };
  }

  #nowMs(): number {
    return this.#clock.monotonicMs() - this.originMs;
  }
}
