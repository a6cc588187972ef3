/**
 * Metrics that are read when somebody asks: money per budget, breakers, the ledger's queue, the
 * process. Between two scrapes they cost nothing.
 */
import { Counter, Gauge, type Registry } from "prom-client";
import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import { type NanoUsd, NANO_PER_USD } from "../base/units.ts";
import type { EventLoopSampler } from "./event-loop.ts";
import type { JobReading } from "./job-series.ts";

export type BudgetReading = {
  readonly budget: string;
  readonly scopeType: string;
  readonly tenant: string;
  readonly postedNanoUsd: NanoUsd;
  readonly heldNanoUsd: NanoUsd;
  /** null: the budget is unlimited. */
  readonly remainingNanoUsd: NanoUsd | null;
};

export const BREAKER_STATES = ["closed", "half_open", "open"] as const;

export type BreakerReading = {
  readonly provider: string;
  readonly state: (typeof BREAKER_STATES)[number];
};

/** Of one lane of a provider: a credential and a family of models. */
export type LaneReading = BreakerReading & { readonly lane: string };

/** Permits that a provider's lanes refused since it is known. */
export type RefusedReading = {
  readonly provider: string;
  readonly reason: string;
  readonly count: number;
};

export type GateReading = {
  readonly provider: string;
  readonly waiting: number;
  /** null: nothing bounds its attempts. */
  readonly slots: number | null;
};

/** What the rest of the program knows at the moment of a scrape. */
export type LiveReadings = {
  readonly budgets: readonly BudgetReading[];
  readonly breakers: readonly BreakerReading[];
  readonly lanes: readonly LaneReading[];
  readonly refused: readonly RefusedReading[];
  readonly gates: readonly GateReading[];
  readonly jobs: readonly JobReading[];
  /** Holds and postings not yet durable. */
  readonly ledgerQueueDepth: number;
  readonly ledgerOk: boolean;
  /** Older than the spend: hard budgets refuse until an operator accepts it. */
  readonly ledgerFrozen: boolean;
  /** 0 while everybody is served, up to 3 when nobody new is. */
  readonly shedStage: number;
  /** What large bodies take of the disk. */
  readonly spoolBytes: number;
  /** Since the process started. */
  readonly requestRowsDropped: number;
};

export type Build = { readonly version: string; readonly bun: string };

/** Declares the gauges in `registry`; the answer sets them from readings, to be called per scrape. */
export function liveGauges(
  registry: Registry,
  clock: Clock,
  build: Build,
  eventLoop: EventLoopSampler,
): (readings: LiveReadings) => void {
  const money = moneyGauges(registry);
  const ledger = ledgerGauges(registry);
  const runtime = processGauges(registry, clock, build, eventLoop);
  const gates = gateGauges(registry);
  const shedStage = gauge(
    registry,
    "tollgate_shed_stage",
    "0 while every class is served; 1: not batch, 2: only interactive, 3: nothing new",
  );
  const spools = gauge(
    registry,
    "tollgate_spool_bytes",
    "what large bodies under way take of the disk, in files without a name",
  );
  const breakers = breakerGauges(registry);
  return (readings) => {
    money(readings.budgets);
    ledger(readings);
    runtime();
    gates(readings.gates);
    shedStage.set(readings.shedStage);
    spools.set(readings.spoolBytes);
    breakers(readings);
  };
}

function gauge<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[] = [],
): Gauge<L> {
  return new Gauge({ name, help, labelNames, registers: [registry] });
}

function counter(registry: Registry, name: string, help: string): (value: number) => void {
  const made = new Counter({ name, help, registers: [registry] });
  return (value) => {
    made.reset();
    made.inc(value);
  };
}

/** Lanes are as many as clients name families of models, and bounded for each provider. */
const LANES_SHOWN_MAX = Math.floor(LIMITS.metricLabelSetsMax / BREAKER_STATES.length);

function breakerGauges(
  registry: Registry,
): (readings: Pick<LiveReadings, "breakers" | "lanes" | "refused">) => void {
  const breaker = gauge(
    registry,
    "tollgate_breaker_state",
    "1 for the state that the breaker of a provider's best lane is in",
    ["provider", "state"],
  );
  const lane = gauge(
    registry,
    "tollgate_lane_breaker_state",
    "1 for the state that a lane's breaker is in; a lane is a family of models and a credential",
    ["provider", "lane", "state"],
  );
  const leftOut = gauge(
    registry,
    "tollgate_lanes_left_out",
    "lanes that are not shown because there are too many",
  );
  const refused = new Counter({
    name: "tollgate_permits_refused_total",
    help: "attempts that a provider's lanes did not let through, by reason",
    labelNames: ["provider", "reason"],
    registers: [registry],
  });
  return (readings) => {
    for (const metric of [breaker, lane, refused]) metric.reset();
    for (const { provider, state } of readings.breakers) {
      for (const possible of BREAKER_STATES) {
        breaker.set({ provider, state: possible }, possible === state ? 1 : 0);
      }
    }
    const shown = readings.lanes.slice(0, LANES_SHOWN_MAX);
    leftOut.set(readings.lanes.length - shown.length);
    for (const { provider, lane: id, state } of shown) {
      for (const possible of BREAKER_STATES) {
        lane.set({ provider, lane: id, state: possible }, possible === state ? 1 : 0);
      }
    }
    for (const { provider, reason, count } of readings.refused) {
      refused.inc({ provider, reason }, count);
    }
  };
}

function moneyGauges(registry: Registry): (budgets: readonly BudgetReading[]) => void {
  const labels = ["budget", "scope_type", "tenant"] as const;
  const posted = gauge(registry, "tollgate_budget_posted_usd", "spent in the window", labels);
  const held = gauge(registry, "tollgate_budget_held_usd", "held by requests in flight", labels);
  const remaining = gauge(
    registry,
    "tollgate_budget_remaining_usd",
    "amount less posted and held; absent for an unlimited budget",
    labels,
  );
  const leftOut = gauge(
    registry,
    "tollgate_budgets_left_out",
    "budgets that are not shown because there are too many",
  );
  return (budgets) => {
    posted.reset();
    held.reset();
    remaining.reset();
    const shown = budgets.slice(0, LIMITS.metricLabelSetsMax);
    leftOut.set(budgets.length - shown.length);
    for (const reading of shown) {
      const set = {
        budget: reading.budget,
        scope_type: reading.scopeType,
        tenant: reading.tenant,
      };
      posted.set(set, reading.postedNanoUsd / NANO_PER_USD);
      held.set(set, reading.heldNanoUsd / NANO_PER_USD);
      if (reading.remainingNanoUsd !== null) {
        remaining.set(set, reading.remainingNanoUsd / NANO_PER_USD);
      }
    }
  };
}

function gateGauges(registry: Registry): (gates: readonly GateReading[]) => void {
  const labels = ["provider"] as const;
  const waiting = gauge(
    registry,
    "tollgate_slots_waiting",
    "attempts that wait for a slot",
    labels,
  );
  const slots = gauge(
    registry,
    "tollgate_slots",
    "attempts at once, by its operator's bound or what it has complained about; absent: unbounded",
    labels,
  );
  return (gates) => {
    waiting.reset();
    slots.reset();
    for (const { provider, waiting: count, slots: bound } of gates) {
      waiting.set({ provider }, count);
      if (bound !== null) slots.set({ provider }, bound);
    }
  };
}

function ledgerGauges(registry: Registry): (readings: LiveReadings) => void {
  const depth = gauge(
    registry,
    "tollgate_ledger_queue_depth",
    "holds and postings that are not yet durable",
  );
  const ok = gauge(registry, "tollgate_ledger_ok", "1 while the ledger takes holds, else 0");
  const frozen = gauge(
    registry,
    "tollgate_ledger_frozen",
    "1 while hard budgets refuse because the ledger was restored from an older copy, else 0",
  );
  const dropped = counter(
    registry,
    "tollgate_request_rows_dropped_total",
    "request rows that were not written because the queue was full",
  );
  return (readings) => {
    depth.set(readings.ledgerQueueDepth);
    ok.set(readings.ledgerOk ? 1 : 0);
    frozen.set(readings.ledgerFrozen ? 1 : 0);
    dropped(readings.requestRowsDropped);
  };
}

/** The usual process metrics under their usual names; prom-client's own are wrong on Bun. */
function processGauges(
  registry: Registry,
  clock: Clock,
  build: Build,
  eventLoop: EventLoopSampler,
): () => void {
  const delay = gauge(
    registry,
    "tollgate_event_loop_delay_seconds",
    "how late the event loop ran since the last scrape; quantile 1 is the maximum",
    ["quantile"],
  );
  const memory = gauge(registry, "process_resident_memory_bytes", "resident memory");
  const cpu = counter(registry, "process_cpu_seconds_total", "user and system CPU time");
  const start = gauge(registry, "process_start_time_seconds", "start, seconds since the epoch");
  start.set(clock.nowMs() / 1_000 - process.uptime());
  gauge(registry, "tollgate_build_info", "always 1", ["version", "bun"]).set(build, 1);
  return () => {
    const late = eventLoop.take();
    delay.set({ quantile: "0.5" }, late.p50);
    delay.set({ quantile: "0.99" }, late.p99);
    delay.set({ quantile: "1" }, late.max);
    memory.set(process.memoryUsage.rss());
    const used = process.cpuUsage();
    cpu((used.user + used.system) / 1_000_000);
  };
}
