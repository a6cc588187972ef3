/**
 * What happened, counted for Prometheus. Recording an exchange with one attempt costs a few
 * microseconds: children are bound once per label set and found by one lookup. No tenant, access
 * token or end user is a label of what is counted per exchange.
 */
import { Gauge, Histogram, Registry } from "prom-client";
import type { Clock } from "../base/clock.ts";
import type { ErrorCode } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";
import type { JobKind } from "../base/object-kind.ts";
import { type NanoUsd, NANO_PER_USD } from "../base/units.ts";
import { sampleEventLoop } from "./event-loop.ts";
import { eventSeries, type EventMetrics } from "./event-series.ts";
import { jobSeries } from "./job-series.ts";
import { type Build, liveGauges, type LiveReadings } from "./live-gauges.ts";
import { BoundedSeries, OTHER } from "./series.ts";
import { tallyCounter } from "./tally.ts";

/** One exchange at its end, whatever the end was. */
export type ExchangeEnd = {
  /** The public model name the client asked for; null when it is not known. */
  readonly route: string | null;
  /** Provider and upstream model that answered; null when none was reached. */
  readonly provider: string | null;
  readonly model: string | null;
  /** What the client got. */
  readonly status: number;
  readonly errorCode: ErrorCode | null;
  readonly stream: boolean;
  readonly durationMs: number;
  /** From the start to the first content byte; null when none came. */
  readonly firstTokenMs: number | null;
  /** The part of the duration that was ours and not the provider's; null when not measured. */
  readonly overheadMs: number | null;
};

/** One attempt at its end; tokens and cost are its own, so that failover counts where it happened. */
export type AttemptEnd = {
  readonly provider: string;
  readonly model: string;
  /** Short word: `ok`, `status_429`, `timeout_first_byte`, `client_gone`, … */
  readonly outcome: string;
  readonly durationMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  readonly costNanoUsd: NanoUsd;
};

export interface Metrics extends EventMetrics {
  readonly exchangeStarted: () => void;
  /** Exactly once per started exchange. */
  readonly exchangeEnded: (end: ExchangeEnd) => void;
  readonly streamStarted: () => void;
  /** Exactly once per started stream. */
  readonly streamEnded: () => void;
  readonly attemptEnded: (end: AttemptEnd) => void;
  /** What its provider went on with after an attempt that has ended before. */
  readonly jobEnded: (end: JobEnded) => void;
  /** The exposition text of `contentType`; readings are collected now. */
  readonly render: () => Promise<string>;
  readonly contentType: string;
  /** Stops the event-loop sampler. */
  readonly stop: () => void;
}

export type MetricsOptions = {
  readonly clock: Clock;
  readonly build: Build;
  /** Asked at every scrape. */
  readonly collect: () => LiveReadings | Promise<LiveReadings>;
};

/** Refusals that come before the model is known to exist: whatever name they carry is the client's. */
const namelessCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "body_too_large",
  "invalid_api_key",
  "invalid_json",
  "invalid_request",
  "model_not_allowed",
  "model_not_found",
  "model_unpriced",
  "not_found",
  "tenant_suspended",
]);
const none = "none";

const longBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900,
];
const overheadBuckets = [0.000_25, 0.000_5, 0.001, 0.001_5, 0.0025, 0.005, 0.01, 0.05, 0.25, 1];

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const exchanges = exchangeSeries(registry);
  const attempts = attemptSeries(registry);
  const counted = eventSeries(registry);
  const jobs = jobSeries(registry);
  const requestsInFlight = new Gauge({
    name: "tollgate_requests_in_flight",
    help: "exchanges that have not ended",
    registers: [registry],
  });
  const streamsInFlight = new Gauge({
    name: "tollgate_streams_in_flight",
    help: "streams that are being relayed",
    registers: [registry],
  });
  const eventLoop = sampleEventLoop(options.clock);
  const live = liveGauges(registry, options.clock, options.build, eventLoop);

  let rendering: Promise<string> | null = null;
  async function render(): Promise<string> {
    const readings = await options.collect();
    live(readings);
    jobs.show(readings.jobs);
    return registry.metrics();
  }

  return {
    exchangeStarted: () => requestsInFlight.inc(),
    exchangeEnded: (end) => {
      requestsInFlight.dec();
      exchanges(end);
    },
    streamStarted: () => streamsInFlight.inc(),
    streamEnded: () => streamsInFlight.dec(),
    attemptEnded: attempts.attemptEnded,
    jobEnded: (end) => {
      jobs.ended(end);
      attempts.used(end);
    },
    ...counted,
    // Two scrapes at once share one rendering, because gauges are emptied and filled in between.
    render: () => {
      rendering ??= render().finally(() => {
        rendering = null;
      });
      return rendering;
    },
    contentType: registry.contentType,
    stop: () => eventLoop.stop(),
  };
}

function exchangeSeries(registry: Registry): (end: ExchangeEnd) => void {
  const registers = [registry];
  const requests = tallyCounter(registry, {
    name: "tollgate_requests_total",
    help: "exchanges by what the client got",
    labelNames: ["route", "provider", "model", "status", "error_code", "stream"],
    openLabels: 3,
  });
  const duration = new Histogram({
    name: "tollgate_request_duration_seconds",
    help: "from the request's arrival to the answer's last byte",
    labelNames: ["provider", "model", "stream"],
    buckets: longBuckets,
    registers,
  });
  const firstToken = new Histogram({
    name: "tollgate_time_to_first_token_seconds",
    help: "from the request's arrival to the first content byte",
    labelNames: ["provider", "model"],
    buckets: longBuckets,
    registers,
  });
  const overhead = new Histogram({
    name: "tollgate_gateway_overhead_seconds",
    help: "the part of a request's duration that was the gateway's own",
    labelNames: ["stream"],
    buckets: overheadBuckets,
    registers,
  });
  const setsMax = LIMITS.metricHistogramSetsMax;
  const durations = new BoundedSeries(setsMax, 2, (labels) => duration.labels(...labels));
  const firsts = new BoundedSeries(setsMax, 2, (labels) => firstToken.labels(...labels));
  const overheads = new BoundedSeries(setsMax, 0, (labels) => overhead.labels(...labels));

  return (end) => {
    const nameless = end.errorCode !== null && namelessCodes.has(end.errorCode);
    const route = nameless ? OTHER : (end.route ?? none);
    const provider = end.provider ?? none;
    const model = nameless ? OTHER : (end.model ?? none);
    const stream = end.stream ? "true" : "false";
    const labels = [route, provider, model, String(end.status), end.errorCode ?? none, stream];
    requests.of(labels).value += 1;
    durations.of([provider, model, stream]).observe(end.durationMs / 1_000);
    if (end.firstTokenMs !== null) firsts.of([provider, model]).observe(end.firstTokenMs / 1_000);
    if (end.overheadMs !== null) overheads.of([stream]).observe(end.overheadMs / 1_000);
  };
}

/** Of a job, whose attempt was counted when it was answered. */
export type JobEnded = Omit<AttemptEnd, "durationMs"> & { readonly kind: JobKind };

type Used = Omit<AttemptEnd, "outcome" | "durationMs">;

function attemptSeries(
  registry: Registry,
): Pick<Metrics, "attemptEnded"> & { readonly used: (end: Used) => void } {
  const registers = [registry];
  const attempts = tallyCounter(registry, {
    name: "tollgate_attempts_total",
    help: "upstream calls by how they ended",
    labelNames: ["provider", "model", "outcome"],
    openLabels: 2,
  });
  const duration = new Histogram({
    name: "tollgate_attempt_duration_seconds",
    help: "from the upstream call to its end",
    labelNames: ["provider", "model"],
    buckets: longBuckets,
    registers,
  });
  const tokens = tallyCounter(registry, {
    name: "tollgate_tokens_total",
    help: "model tokens; cached_input is part of input, reasoning part of output",
    labelNames: ["provider", "model", "direction"],
    openLabels: 2,
  });
  const cost = tallyCounter(registry, {
    name: "tollgate_cost_usd_total",
    help: "cost of all attempts",
    labelNames: ["provider", "model"],
    openLabels: 2,
    unitsPerOne: NANO_PER_USD,
  });
  const durations = new BoundedSeries(LIMITS.metricHistogramSetsMax, 2, (labels) =>
    duration.labels(...labels),
  );
  // A model's four directions must fit wherever the model fits.
  const models = new BoundedSeries(LIMITS.metricLabelSetsMax / 4, 2, (labels) => ({
    input: tokens.of([...labels, "input"]),
    output: tokens.of([...labels, "output"]),
    cachedInput: tokens.of([...labels, "cached_input"]),
    reasoning: tokens.of([...labels, "reasoning"]),
    cost: cost.of(labels),
  }));

  const used = (end: Used): void => {
    const model = models.of([end.provider, end.model]);
    model.input.value += end.inputTokens;
    model.output.value += end.outputTokens;
    model.cachedInput.value += end.cachedInputTokens;
    model.reasoning.value += end.reasoningTokens;
    model.cost.value += end.costNanoUsd;
  };
  return {
    attemptEnded: (end) => {
      attempts.of([end.provider, end.model, end.outcome]).value += 1;
      durations.of([end.provider, end.model]).observe(end.durationMs / 1_000);
      used(end);
    },
    used,
  };
}
