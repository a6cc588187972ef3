/** One way under measurement, to the target or directly: its connections and what it has shown. */
import type { Clock } from "../src/base/clock.ts";
import { chatEndpoint, chatRequest } from "./chat-request.ts";
import { plainExchange, StreamRecord } from "./exchange.ts";
import { HttpClient } from "./http-client.ts";
import { failureCount, type LoadResult, type Outcome } from "./load.ts";
import { Distribution } from "./statistics.ts";
import type { StreamResults, TargetPlan, Way, WayResults } from "./target-results.ts";

/** {@link WayRun.close} must be called in the end. */
export class WayRun {
  readonly way: Way;
  readonly #endpoint: URL;
  readonly #client: HttpClient;
  readonly #latency = new Distribution();
  readonly #lag = new Distribution();
  readonly #record = new StreamRecord();
  readonly #failures = new Map<string, number>();
  readonly #request: Uint8Array;
  readonly #stream: boolean;
  #succeeded = 0;
  #failed = 0;
  #unanswered = 0;
  #elapsedMs = 0;
  #gaveUp = false;

  constructor(way: Way, plan: TargetPlan) {
    this.way = way;
    this.#endpoint = chatEndpoint(way.url);
    this.#client = new HttpClient(this.#endpoint);
    this.#stream = plan.stream;
    const { model, token } = way;
    const { stream, tokensMax } = plan;
    this.#request = chatRequest({ endpoint: this.#endpoint, token }, { model, stream, tokensMax });
  }

  /** One exchange; a stream's frames go into `record`. */
  exchange(plannedAtMs: number, clock: Clock, record = this.#record): Promise<Outcome> {
    if (!this.#stream) return plainExchange(this.#client, this.#request);
    const stream = { plannedAtMs, framesExpected: undefined, clock };
    return record.exchange(this.#client, this.#request, stream);
  }

  close(): void {
    this.#client.close();
  }

  add(result: LoadResult): void {
    this.#latency.add(result.latency);
    this.#lag.add(result.lag);
    this.#succeeded += result.succeeded;
    this.#failed += failureCount(result);
    this.#unanswered += result.unanswered;
    this.#elapsedMs += result.elapsedMs;
    this.#gaveUp ||= result.gaveUp;
    for (const [reason, count] of result.failures) {
      this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + count);
    }
  }

  /** Nothing succeeded, or so much failed that the load was stopped. */
  get broken(): boolean {
    return this.#gaveUp || this.#succeeded === 0;
  }

  get stopped(): boolean {
    return this.#gaveUp;
  }

  results(): WayResults {
    return {
      name: this.way.name,
      endpoint: this.#endpoint.href,
      model: this.way.model,
      succeeded: this.#succeeded,
      failed: this.#failed,
      unanswered: this.#unanswered,
      failures: [...this.#failures].map(([reason, count]) => ({ reason, count })),
      perSecond: this.#elapsedMs === 0 ? 0 : (this.#succeeded * 1_000) / this.#elapsedMs,
      latency: this.#latency.summary(),
      latencyCurve: this.#latency.curve(),
      lag: this.#lag.summary(),
      stream: this.#stream ? streamResults(this.#record) : undefined,
    };
  }
}

function streamResults(record: StreamRecord): StreamResults {
  return {
    frames: record.frameCount,
    framesMerged: record.mergedCount,
    firstFrame: record.firstFrame.summary(),
    firstFrameCurve: record.firstFrame.curve(),
    gap: record.gap.summary(),
    gapCurve: record.gap.curve(),
  };
}
