/** Metrics: what is counted under which labels, that label sets stay bounded, and the live gauges. */
import { describe, expect, test } from "bun:test";
import type { Clock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { LiveReadings } from "../../src/telemetry/live-gauges.ts";
import {
  type AttemptEnd,
  createMetrics,
  type ExchangeEnd,
  type Metrics,
} from "../../src/telemetry/metrics.ts";

/** A clock whose periodic callbacks run when the test says so. */
function manualClock(): { readonly clock: Clock; readonly tick: (afterMs: number) => void } {
  let atMs = 1_000;
  const callbacks = new Set<() => void>();
  return {
    clock: {
      nowMs: () => 1_800_000_000_000,
      monotonicMs: () => atMs,
      after: () => ({ cancel: () => {} }),
      every: (_periodMs, callback) => {
        callbacks.add(callback);
        return { cancel: () => callbacks.delete(callback) };
      },
    },
    tick: (afterMs) => {
      atMs += afterMs;
      for (const callback of callbacks) callback();
    },
  };
}

const quiet: LiveReadings = {
  budgets: [],
  breakers: [],
  lanes: [],
  refused: [],
  ledgerQueueDepth: 0,
  ledgerOk: true,
  ledgerFrozen: false,
  shedStage: 0,
  spoolBytes: 0,
  gates: [],
  jobs: [],
  requestRowsDropped: 0,
};

function metricsWith(collect: () => LiveReadings | Promise<LiveReadings> = () => quiet): Metrics {
  return createMetrics({
    clock: manualClock().clock,
    build: { version: "1.2.3", bun: "9.9.9" },
    collect,
  });
}

const exchange: ExchangeEnd = {
  route: "fast",
  provider: "openai",
  model: "gpt-x",
  status: 200,
  errorCode: null,
  stream: false,
  durationMs: 300,
  firstTokenMs: null,
  overheadMs: null,
};

const attempt: AttemptEnd = {
  provider: "openai",
  model: "gpt-x",
  outcome: "ok",
  durationMs: 250,
  inputTokens: 10,
  outputTokens: 20,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 100_000_000,
};

/** The sample lines of one metric, sorted, without its name. */
async function samplesOf(metrics: Metrics, name: string): Promise<readonly string[]> {
  const text = await metrics.render();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length))
    .sort();
}

describe("exchanges", () => {
  test("are counted by what the client got", async () => {
    const metrics = metricsWith();
    metrics.exchangeEnded(exchange);
    metrics.exchangeEnded(exchange);
    metrics.exchangeEnded({ ...exchange, stream: true });
    metrics.exchangeEnded({
      ...exchange,
      provider: null,
      model: null,
      status: 429,
      errorCode: "budget_exceeded",
    });
    expect(await samplesOf(metrics, "tollgate_requests_total")).toEqual([
      '{route="fast",provider="none",model="none",status="429",error_code="budget_exceeded",stream="false"} 1',
      '{route="fast",provider="openai",model="gpt-x",status="200",error_code="none",stream="false"} 2',
      '{route="fast",provider="openai",model="gpt-x",status="200",error_code="none",stream="true"} 1',
    ]);
  });

  test("refused before the model is known count under other, whatever name the client sent", async () => {
    const metrics = metricsWith();
    const refused = { ...exchange, route: "made-up-by-client", provider: null, model: null };
    metrics.exchangeEnded({ ...refused, status: 404, errorCode: "model_not_found" });
    metrics.exchangeEnded({ ...refused, status: 403, errorCode: "model_unpriced", model: "mine" });
    metrics.exchangeEnded({ ...refused, route: null, status: 401, errorCode: "invalid_api_key" });
    expect(await samplesOf(metrics, "tollgate_requests_total")).toEqual([
      '{route="other",provider="none",model="other",status="401",error_code="invalid_api_key",stream="false"} 1',
      '{route="other",provider="none",model="other",status="403",error_code="model_unpriced",stream="false"} 1',
      '{route="other",provider="none",model="other",status="404",error_code="model_not_found",stream="false"} 1',
    ]);
    expect(await metrics.render()).not.toContain("made-up");
  });

  test("are timed in seconds, each part when it was measured", async () => {
    const metrics = metricsWith();
    metrics.exchangeEnded({ ...exchange, durationMs: 300, firstTokenMs: 120, overheadMs: 1.2 });
    metrics.exchangeEnded({ ...exchange, durationMs: 700 });
    const labels = '{provider="openai",model="gpt-x"';
    expect([
      await samplesOf(metrics, "tollgate_request_duration_seconds_sum"),
      await samplesOf(metrics, "tollgate_request_duration_seconds_count"),
      await samplesOf(metrics, "tollgate_time_to_first_token_seconds_sum"),
      await samplesOf(metrics, "tollgate_gateway_overhead_seconds_bucket"),
    ]).toEqual([
      [`${labels},stream="false"} 1`],
      [`${labels},stream="false"} 2`],
      [`${labels}} 0.12`],
      [
        '{le="+Inf",stream="false"} 1',
        '{le="0.00025",stream="false"} 0',
        '{le="0.0005",stream="false"} 0',
        '{le="0.001",stream="false"} 0',
        '{le="0.0015",stream="false"} 1',
        '{le="0.0025",stream="false"} 1',
        '{le="0.005",stream="false"} 1',
        '{le="0.01",stream="false"} 1',
        '{le="0.05",stream="false"} 1',
        '{le="0.25",stream="false"} 1',
        '{le="1",stream="false"} 1',
      ],
    ]);
  });

  test("and streams in flight are what started and has not ended", async () => {
    const metrics = metricsWith();
    metrics.exchangeStarted();
    metrics.exchangeStarted();
    metrics.streamStarted();
    metrics.exchangeEnded(exchange);
    const during = [
      await samplesOf(metrics, "tollgate_requests_in_flight"),
      await samplesOf(metrics, "tollgate_streams_in_flight"),
    ];
    metrics.streamEnded();
    metrics.exchangeEnded(exchange);
    const after = [
      await samplesOf(metrics, "tollgate_requests_in_flight"),
      await samplesOf(metrics, "tollgate_streams_in_flight"),
    ];
    expect([during, after]).toEqual([
      [[" 1"], [" 1"]],
      [[" 0"], [" 0"]],
    ]);
  });
});

describe("attempts", () => {
  test("are counted by outcome, with their own tokens and cost", async () => {
    const metrics = metricsWith();
    metrics.attemptEnded({ ...attempt, cachedInputTokens: 4, reasoningTokens: 7 });
    metrics.attemptEnded(attempt);
    metrics.attemptEnded({ ...attempt, costNanoUsd: 100_000_000 });
    metrics.attemptEnded({
      ...attempt,
      provider: "groq",
      model: "llama",
      outcome: "status_429",
      inputTokens: 0,
      outputTokens: 0,
      costNanoUsd: 0,
    });
    expect([
      await samplesOf(metrics, "tollgate_attempts_total"),
      await samplesOf(metrics, "tollgate_tokens_total"),
      // Three times 0.1 in floats would be 0.30000000000000004.
      await samplesOf(metrics, "tollgate_cost_usd_total"),
      await samplesOf(metrics, "tollgate_attempt_duration_seconds_count"),
    ]).toEqual([
      [
        '{provider="groq",model="llama",outcome="status_429"} 1',
        '{provider="openai",model="gpt-x",outcome="ok"} 3',
      ],
      [
        '{provider="openai",model="gpt-x",direction="cached_input"} 4',
        '{provider="openai",model="gpt-x",direction="input"} 30',
        '{provider="openai",model="gpt-x",direction="output"} 60',
        '{provider="openai",model="gpt-x",direction="reasoning"} 7',
      ],
      ['{provider="openai",model="gpt-x"} 0.3'],
      ['{provider="groq",model="llama"} 1', '{provider="openai",model="gpt-x"} 3'],
    ]);
  });
});

test("shared answers are counted by their way, hedges that may not begin by why", async () => {
  const metrics = metricsWith();
  for (const way of ["attached", "replayed", "single_flight", "resumed", "attached"] as const) {
    metrics.answerShared(way);
  }
  for (const why of ["budget", "load", "budget"] as const) metrics.hedgeRefused(why);
  expect([
    await samplesOf(metrics, "tollgate_answers_shared_total"),
    await samplesOf(metrics, "tollgate_hedges_refused_total"),
  ]).toEqual([
    ['{way="attached"} 2', '{way="replayed"} 1', '{way="resumed"} 1', '{way="single_flight"} 1'],
    ['{reason="budget"} 2', '{reason="load"} 1'],
  ]);
});

describe("label sets", () => {
  test("are bounded: names past the bound count under other, and nothing is lost", async () => {
    const metrics = metricsWith();
    const many = LIMITS.metricLabelSetsMax + 500;
    for (let at = 0; at < many; at += 1) {
      const model = `model-${at}`;
      metrics.exchangeEnded({ ...exchange, route: model, model });
      metrics.attemptEnded({ ...attempt, model });
    }
    const rows = await samplesOf(metrics, "tollgate_requests_total");
    expect(rows.length).toBe(LIMITS.metricLabelSetsMax + 1);
    expect(rows.filter((row) => row.includes('"other"'))).toEqual([
      '{route="other",provider="other",model="other",status="200",error_code="none",stream="false"} 500',
    ]);
    expect((await samplesOf(metrics, "tollgate_request_duration_seconds_count")).length).toBe(
      LIMITS.metricHistogramSetsMax + 1,
    );
    const tokens = await samplesOf(metrics, "tollgate_tokens_total");
    const total = tokens.reduce((sum, row) => sum + Number(row.split(" ").at(-1)), 0);
    expect([tokens.length, total]).toEqual([(LIMITS.metricLabelSetsMax / 4 + 1) * 2, many * 30]);
  });

  test("known before the bound was reached keep their own names", async () => {
    const metrics = metricsWith();
    metrics.exchangeEnded(exchange);
    for (let at = 0; at < LIMITS.metricLabelSetsMax; at += 1) {
      metrics.exchangeEnded({ ...exchange, route: `r${at}` });
    }
    metrics.exchangeEnded(exchange);
    const rows = await samplesOf(metrics, "tollgate_requests_total");
    expect(rows.find((row) => row.startsWith('{route="fast"'))).toBe(
      '{route="fast",provider="openai",model="gpt-x",status="200",error_code="none",stream="false"} 2',
    );
  });
});

describe("live gauges", () => {
  const budget = {
    budget: "bud_1",
    scopeType: "token",
    tenant: "ten_1",
    postedNanoUsd: 1_500,
    heldNanoUsd: 250_000_000,
    remainingNanoUsd: 749_998_500,
  };

  test("leave out lanes beyond a bound, and say how many", async () => {
    const lanes = Array.from({ length: 340 }, (_, number) => {
      return { provider: "openai", lane: `model-${number}#1`, state: "closed" } as const;
    });
    const metrics = metricsWith(() => Promise.resolve({ ...quiet, lanes }));
    expect(await samplesOf(metrics, "tollgate_lane_breaker_state")).toHaveLength(333 * 3);
    expect(await samplesOf(metrics, "tollgate_lanes_left_out")).toEqual([" 7"]);
  });

  test("show what is collected at the scrape, and forget what is gone", async () => {
    let readings: LiveReadings = {
      ...quiet,
      budgets: [budget, { ...budget, budget: "bud_2", remainingNanoUsd: null }],
      breakers: [{ provider: "openai", state: "half_open" }],
      lanes: [{ provider: "openai", lane: "gpt-4o#2", state: "open" }],
      refused: [{ provider: "openai", reason: "cooldown", count: 5 }],
      ledgerQueueDepth: 7,
      ledgerOk: false,
      ledgerFrozen: true,
      shedStage: 2,
      spoolBytes: 200_000_000,
      gates: [
        { provider: "openai", waiting: 3, slots: 5 },
        { provider: "local", waiting: 0, slots: null },
      ],
      requestRowsDropped: 3,
    };
    const metrics = metricsWith(() => Promise.resolve(readings));
    const first = '{budget="bud_1",scope_type="token",tenant="ten_1"}';
    const second = '{budget="bud_2",scope_type="token",tenant="ten_1"}';
    const names = [
      "tollgate_budget_posted_usd",
      "tollgate_budget_held_usd",
      "tollgate_budget_remaining_usd",
      "tollgate_budgets_left_out",
      "tollgate_breaker_state",
      "tollgate_lane_breaker_state",
      "tollgate_lanes_left_out",
      "tollgate_permits_refused_total",
      "tollgate_ledger_queue_depth",
      "tollgate_ledger_ok",
      "tollgate_ledger_frozen",
      "tollgate_shed_stage",
      "tollgate_spool_bytes",
      "tollgate_slots",
      "tollgate_slots_waiting",
      "tollgate_request_rows_dropped_total",
    ];
    expect(await Promise.all(names.map((name) => samplesOf(metrics, name)))).toEqual([
      [`${first} 0.0000015`, `${second} 0.0000015`],
      [`${first} 0.25`, `${second} 0.25`],
      [`${first} 0.7499985`],
      [" 0"],
      [
        '{provider="openai",state="closed"} 0',
        '{provider="openai",state="half_open"} 1',
        '{provider="openai",state="open"} 0',
      ],
      [
        '{provider="openai",lane="gpt-4o#2",state="closed"} 0',
        '{provider="openai",lane="gpt-4o#2",state="half_open"} 0',
        '{provider="openai",lane="gpt-4o#2",state="open"} 1',
      ],
      [" 0"],
      ['{provider="openai",reason="cooldown"} 5'],
      [" 7"],
      [" 0"],
      [" 1"],
      [" 2"],
      [" 200000000"],
      ['{provider="openai"} 5'],
      ['{provider="local"} 0', '{provider="openai"} 3'],
      [" 3"],
    ]);
    readings = { ...quiet, requestRowsDropped: 4 };
    const later: string[][] = [
      [],
      [],
      [],
      [" 0"],
      [],
      [],
      [" 0"],
      [],
      [" 0"],
      [" 1"],
      [" 0"],
      [" 0"],
      [" 0"],
      [],
      [],
      [" 4"],
    ];
    expect(await Promise.all(names.map((name) => samplesOf(metrics, name)))).toEqual(later);
  });

  test("show a bounded number of budgets and say how many are left out", async () => {
    const budgets = Array.from({ length: LIMITS.metricLabelSetsMax + 2 }, (_, at) => ({
      ...budget,
      budget: `bud_${at}`,
    }));
    const metrics = metricsWith(() => ({ ...quiet, budgets }));
    expect([
      (await samplesOf(metrics, "tollgate_budget_posted_usd")).length,
      await samplesOf(metrics, "tollgate_budgets_left_out"),
    ]).toEqual([LIMITS.metricLabelSetsMax, [" 2"]]);
  });

  test("of the process and the build have sensible values", async () => {
    const metrics = metricsWith();
    const valueOf = async (name: string): Promise<number> =>
      Number((await samplesOf(metrics, name))[0]);
    const memory = await valueOf("process_resident_memory_bytes");
    expect(memory > 10_000_000 && memory < 10_000_000_000).toBe(true);
    const cpu = await valueOf("process_cpu_seconds_total");
    expect(cpu > 0 && cpu < 3_600).toBe(true);
    const started = await valueOf("process_start_time_seconds");
    expect(started > 1_799_990_000 && started <= 1_800_000_000).toBe(true);
    expect(await samplesOf(metrics, "tollgate_build_info")).toEqual([
      '{version="1.2.3",bun="9.9.9"} 1',
    ]);
  });

  test("tell by how much the event loop was late since the scrape before", async () => {
    const { clock, tick } = manualClock();
    const metrics = createMetrics({
      clock,
      build: { version: "1", bun: "1" },
      collect: () => quiet,
    });
    const name = "tollgate_event_loop_delay_seconds";
    const idle = await samplesOf(metrics, name);
    for (let at = 0; at < 98; at += 1) tick(22);
    tick(70);
    tick(520);
    const busy = await samplesOf(metrics, name);
    const quietAgain = await samplesOf(metrics, name);
    metrics.stop();
    tick(5_000);
    const stopped = await samplesOf(metrics, name);
    const zero = ['{quantile="0.5"} 0', '{quantile="0.99"} 0', '{quantile="1"} 0'];
    expect([idle, quietAgain, stopped]).toEqual([zero, zero, zero]);
    expect(busy.map((row) => Number(Number(row.split(" ").at(-1)).toPrecision(2)))).toEqual([
      0.002, 0.05, 0.5,
    ]);
  });
});

describe("a scrape", () => {
  test("is one text with help and type for every metric, in the declared content type", async () => {
    const metrics = metricsWith();
    const text = await metrics.render();
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
      (found) => `${found[1]} ${found[2]}`,
    );
    expect(metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(names.sort()).toEqual([
      "process_cpu_seconds_total counter",
      "process_resident_memory_bytes gauge",
      "process_start_time_seconds gauge",
      "tollgate_answers_shared_total counter",
      "tollgate_attempt_duration_seconds histogram",
      "tollgate_attempts_not_made_total counter",
      "tollgate_attempts_total counter",
      "tollgate_breaker_state gauge",
      "tollgate_budget_alerts_total counter",
      "tollgate_budget_held_usd gauge",
      "tollgate_budget_posted_usd gauge",
      "tollgate_budget_remaining_usd gauge",
      "tollgate_budgets_left_out gauge",
      "tollgate_build_info gauge",
      "tollgate_cost_usd_total counter",
      "tollgate_event_loop_delay_seconds gauge",
      "tollgate_gateway_overhead_seconds histogram",
      "tollgate_hedges_refused_total counter",
      "tollgate_jobs_ended_total counter",
      "tollgate_jobs_held_usd gauge",
      "tollgate_jobs_open gauge",
      "tollgate_lane_breaker_state gauge",
      "tollgate_lanes_left_out gauge",
      "tollgate_ledger_frozen gauge",
      "tollgate_ledger_ok gauge",
      "tollgate_ledger_queue_depth gauge",
      "tollgate_permits_refused_total counter",
      "tollgate_request_duration_seconds histogram",
      "tollgate_request_rows_dropped_total counter",
      "tollgate_requests_in_flight gauge",
      "tollgate_requests_shed_total counter",
      "tollgate_requests_total counter",
      "tollgate_shadows_total counter",
      "tollgate_shed_stage gauge",
      "tollgate_slots gauge",
      "tollgate_slots_waiting gauge",
      "tollgate_spool_bytes gauge",
      "tollgate_streams_in_flight gauge",
      "tollgate_time_to_first_token_seconds histogram",
      "tollgate_tokens_total counter",
    ]);
    expect([...text.matchAll(/^# HELP (\S+) \S/gm)].length).toBe(names.length);
  });

  test("twice at once is rendered once, and a failing collection fails that scrape only", async () => {
    let collections = 0;
    const metrics = metricsWith(() => {
      collections += 1;
      if (collections === 2) throw new Error("no readings");
      return quiet;
    });
    const [first, second] = await Promise.all([metrics.render(), metrics.render()]);
    expect([collections, first === second]).toEqual([1, true]);
    const failure = await metrics.render().catch((error: unknown) => error);
    expect(failure).toEqual(new Error("no readings"));
    expect(await metrics.render()).toContain("tollgate_ledger_ok 1");
  });

  test("survives names that need escaping", async () => {
    const metrics = metricsWith();
    metrics.exchangeEnded({ ...exchange, route: 'a"b\\c\nd' });
    expect(await samplesOf(metrics, "tollgate_requests_total")).toEqual([
      '{route="a\\"b\\\\c\\nd",provider="openai",model="gpt-x",status="200",error_code="none",stream="false"} 1',
    ]);
  });

  test("of two gateways in one process does not mix", async () => {
    const [one, two] = [metricsWith(), metricsWith()];
    one.exchangeEnded(exchange);
    expect([
      (await samplesOf(one, "tollgate_requests_total")).length,
      (await samplesOf(two, "tollgate_requests_total")).length,
    ]).toEqual([1, 0]);
  });
});
