/**
 * Every state × every event of the four machines: the state that follows, `stays` when the event is
 * handled without a change of state, `-` when it is deliberately ignored. A state or an event that is
 * added without its row or column fails here.
 */
import { expect } from "bun:test";
import type { TenantEvent } from "../../actors/contract.ts";
import type { GateEvent, GateInput } from "../../actors/gate-contract.ts";
import { gateMachine } from "../../actors/gate.machine.ts";
import type { BreakerForced, ProviderEvent } from "../../actors/provider-contract.ts";
import type { ExchangeEvent, ExchangeInput } from "../../actors/exchange-contract.ts";
import { exchangeMachine, type ExchangeMachineEvent } from "../../actors/exchange.machine.ts";
import { providerMachine } from "../../actors/provider.machine.ts";
import { supervise } from "../../actors/supervise.ts";
import { tenantMachine } from "../../actors/tenant.machine.ts";
import { table } from "../policy/table.ts";
import { testChart } from "./chart.ts";
import {
  admit,
  costing,
  end,
  laneInput,
  outcome,
  SCOPES,
  settle,
  START_MS,
  tenantInput,
  undo,
} from "./fixtures.ts";

const onFailure = (error: unknown): never => {
  throw error;
};

// ---- tenant ----------------------------------------------------------------------------------

type TenantActor = ReturnType<typeof startedTenant>;

function startedTenant(status: "active" | "suspended") {
  return supervise(tenantMachine, tenantInput({ status }), { onFailure });
}

testChart<TenantEvent, ReturnType<TenantActor["snapshot"]>>("tenant", {
  machine: tenantMachine,
  states: {
    active: () => startedTenant("active"),
    suspended: () => startedTenant("suspended"),
  },
  passing: ["starting"],
  samples: {
    "exchange.admit": { "": admit("1") },
    "attempt.hold": {
      "": {
        type: "attempt.hold",
        exchangeId: "req_1",
        attemptId: "att_2",
        scopes: SCOPES,
        options: costing(1),
        atMs: START_MS,
      },
    },
    "attempt.settle": { "": settle("1", 1) },
    "exchange.end": { "": end("1") },
    "exchange.undo": { "": undo("1") },
    "tenant.suspend": { "": { type: "tenant.suspend", atMs: START_MS } },
    "tenant.activate": { "": { type: "tenant.activate", atMs: START_MS } },
  },
  rows: table(
    ["event", "active", "suspended"],
    `
    event           | active    | suspended
    exchange.admit  | stays     | stays      # suspended: refused
    attempt.hold    | stays     | stays      # suspended: refused
    attempt.settle  | stays     | stays
    exchange.end    | stays     | stays
    exchange.undo   | stays     | stays
    tenant.suspend  | suspended | -
    tenant.activate | -         | active
    `,
  ),
});

// ---- provider --------------------------------------------------------------------------------

/** When an open breaker of these tests lets attempts through. */
const LATER_MS = START_MS + 5_000;

function permit(
  attemptId: string,
  atMs: number,
  isLastResort = false,
): Extract<ProviderEvent, { type: "permit.request" }> {
  return { type: "permit.request", attemptId, isLastResort, atMs };
}

function force(to: BreakerForced | null): Extract<ProviderEvent, { type: "breaker.force" }> {
  return { type: "breaker.force", to, atMs: LATER_MS };
}

/** Nine failures in a row, and `att` permitted: one more failure trips. */
function nearlyTripped() {
  const actor = supervise(providerMachine, laneInput(), { onFailure });
  actor.send(permit("att", START_MS));
  for (let each = 0; each < 9; each += 1) {
    actor.send(permit(`bad_${each}`, START_MS));
    actor.send(outcome(`bad_${each}`, "bad", START_MS));
  }
  return actor;
}

function openProvider() {
  const actor = nearlyTripped();
  actor.send(permit("last", START_MS));
  actor.send(outcome("last", "bad", START_MS));
  return actor;
}

/** It is open, and `att` went through as a last resort. */
function lastResortTaken() {
  const actor = openProvider();
  actor.send({ type: "attempt.end", attemptId: "att", observed: null, atMs: START_MS });
  actor.send(permit("att", START_MS + 1_000, true));
  return actor;
}

/** An operator's word, and `att` was permitted before. */
function forcedProvider(to: BreakerForced) {
  const actor = nearlyTripped();
  actor.send(force(to));
  return actor;
}

/** Two probes went well, and `att` is the third. */
function halfOpenProvider() {
  const actor = openProvider();
  actor.send({ type: "attempt.end", attemptId: "att", observed: null, atMs: LATER_MS });
  for (const attemptId of ["ok_1", "ok_2"]) {
    actor.send(permit(attemptId, LATER_MS));
    actor.send(outcome(attemptId, "ok", LATER_MS));
  }
  actor.send(permit("att", LATER_MS));
  return actor;
}

testChart<ProviderEvent, ReturnType<ReturnType<typeof nearlyTripped>["snapshot"]>>("provider", {
  machine: providerMachine,
  states: {
    closed: nearlyTripped,
    open: lastResortTaken,
    half_open: halfOpenProvider,
    forced_open: () => forcedProvider("open"),
    forced_closed: () => forcedProvider("closed"),
  },
  passing: ["starting"],
  samples: {
    "permit.request": {
      early: permit("new", START_MS + 1_999),
      "early, as a last resort": permit("new", START_MS + 2_000, true),
      late: permit("new", LATER_MS),
    },
    "outcome.report": {
      ok: outcome("att", "ok", LATER_MS),
      bad: outcome("att", "bad", LATER_MS),
      throttled: outcome("att", "throttled", LATER_MS),
      exhausted: outcome("att", "exhausted", LATER_MS),
      refused_credential: outcome("att", "refused_credential", LATER_MS),
      neutral: outcome("att", "neutral", LATER_MS),
      "bad of a stale attempt": outcome("bad_1", "bad", LATER_MS),
      "bad of an unknown attempt": outcome("unknown", "bad", LATER_MS),
    },
    "attempt.end": {
      "": { type: "attempt.end", attemptId: "att", observed: null, atMs: LATER_MS },
    },
    "breaker.force": { open: force("open"), closed: force("closed"), null: force(null) },
  },
  rows: table(
    ["event", "closed", "open", "half_open", "forced_open", "forced_closed"],
    `
    event                                    | closed        | open          | half_open     | forced_open   | forced_closed
    permit.request early                     | stays         | stays         | stays         | stays         | stays         # open: refused
    permit.request early, as a last resort   | stays         | stays         | stays         | stays         | stays         # open: permitted
    permit.request late                      | stays         | half_open     | stays         | stays         | stays         # half-open: refused, three were given
    outcome.report ok                        | stays         | half_open     | closed        | stays         | stays         # open: a last resort was answered
    outcome.report bad                       | open          | stays         | open          | stays         | stays
    outcome.report throttled                 | stays         | stays         | stays         | stays         | stays
    outcome.report exhausted                 | stays         | stays         | stays         | stays         | stays
    outcome.report refused_credential        | stays         | stays         | stays         | stays         | stays
    outcome.report neutral                   | stays         | stays         | stays         | stays         | stays
    outcome.report bad of a stale attempt    | stays         | stays         | stays         | stays         | stays
    outcome.report bad of an unknown attempt | stays         | stays         | stays         | stays         | stays
    attempt.end                              | stays         | stays         | stays         | stays         | stays
    breaker.force open                       | forced_open   | forced_open   | forced_open   | -             | forced_open
    breaker.force closed                     | forced_closed | forced_closed | forced_closed | forced_closed | -
    breaker.force null                       | -             | -             | -             | closed        | closed
    `,
  ),
});

// ---- gate ------------------------------------------------------------------------------------

const GATE: GateInput = {
  providerId: "prv_1",
  maxConcurrent: null,
  queue: { waitingMax: 10, waitMs: 1_000 },
  // Six slots are more than the floor below which no complaint lowers the limit.
  taken: ["a", "b", "c", "d", "e", "f"].map((attemptId) => [attemptId, 0]),
  peak: 0,
};

function limitOutcome(attemptId: string, kind: "clean" | "congested", atMs: number) {
  return { type: "limit.outcome", attemptId, kind, atMs } as const;
}

const CONGESTED = limitOutcome("a", "congested", 10);

function gateAfter(...events: readonly GateEvent[]) {
  const actor = supervise(gateMachine, GATE, { onFailure });
  for (const event of events) actor.send(event);
  return actor;
}

/** One more clean outcome, and the limit is twice of what was ever under way. */
function nearlyFree() {
  const actor = gateAfter(CONGESTED);
  const { limit } = actor.snapshot().context;
  for (let atOnce = 5; atOnce < 12; atOnce += 1) {
    for (let each = 0; each < atOnce; each += 1) actor.send(limitOutcome("a", "clean", 20));
  }
  for (let each = 0; each < 11; each += 1) actor.send(limitOutcome("a", "clean", 20));
  expect(limit).toMatchObject({ atOnce: 12, peak: 6, clean: 11 });
  return actor;
}

testChart<GateEvent, ReturnType<ReturnType<typeof gateAfter>["snapshot"]>>("gate", {
  machine: gateMachine,
  states: {
    free: () => gateAfter(),
    limited: nearlyFree,
    draining: () => gateAfter({ type: "gate.drain", atMs: 10 }),
  },
  passing: [],
  samples: {
    "slot.request": {
      "": {
        type: "slot.request",
        attemptId: "new",
        tenantId: "ten_1",
        priorityClass: "default",
        deadlineMs: 60_000,
        atMs: 30,
      },
    },
    "slot.release": { "": { type: "slot.release", attemptId: "a", atMs: 30 } },
    "slot.cancel": { "": { type: "slot.cancel", attemptId: "new", atMs: 30 } },
    "limit.outcome": {
      congested: limitOutcome("a", "congested", 30),
      clean: limitOutcome("a", "clean", 30),
      "congested of an unknown attempt": limitOutcome("unknown", "congested", 30),
      "clean of an unknown attempt": limitOutcome("unknown", "clean", 30),
    },
    "gate.configure": {
      "": { type: "gate.configure", terms: { maxConcurrent: 1, queue: null }, atMs: 30 },
    },
    "gate.drain": { "": { type: "gate.drain", atMs: 30 } },
  },
  rows: table(
    ["event", "free", "limited", "draining"],
    `
    event                                         | free     | limited  | draining
    slot.request                                  | stays    | stays    | stays
    slot.release                                  | stays    | stays    | stays
    slot.cancel                                   | stays    | stays    | stays
    limit.outcome congested                       | limited  | stays    | stays
    limit.outcome clean                           | stays    | free     | stays
    limit.outcome congested of an unknown attempt | stays    | stays    | stays
    limit.outcome clean of an unknown attempt     | stays    | stays    | stays
    gate.configure                                | stays    | stays    | stays
    gate.drain                                    | draining | draining | stays
    `,
  ),
});

// ---- exchange --------------------------------------------------------------------------------

const EXCHANGE: ExchangeInput = {
  exchangeId: "req_1",
  candidates: 2,
  attemptsMax: 3,
  deadlineMs: 60_000,
  atMs: 0,
};

const BEGIN = { type: "exchange.begin", input: EXCHANGE } as const;

type AttemptFailed = Extract<ExchangeEvent, { type: "attempt.failed" }>;

function attemptFailed(retry: AttemptFailed["retry"]): AttemptFailed {
  return {
    type: "attempt.failed",
    retry,
    throttled: false,
    retryAfterMs: null,
    jitter: 0.5,
    atMs: 0,
  };
}

function exchangeAfter(...events: readonly ExchangeEvent[]) {
  const actor = supervise(exchangeMachine, undefined, { onFailure });
  actor.send(BEGIN);
  for (const event of events) actor.send(event);
  return actor;
}

const CONTENT = { type: "content.started", atMs: 0 } as const;
const HEDGE = { type: "hedge.due", atMs: 0 } as const;
const ENDED = { type: "answer.ended", atMs: 0 } as const;
const SETTLED = { type: "exchange.settled", atMs: 0 } as const;

testChart<ExchangeMachineEvent, ReturnType<ReturnType<typeof exchangeAfter>["snapshot"]>>(
  "exchange",
  {
    machine: exchangeMachine,
    states: {
      idle: () => supervise(exchangeMachine, undefined, { onFailure }),
      attempting: () => exchangeAfter(),
      hedging: () => exchangeAfter(HEDGE),
      backingOff: () => exchangeAfter(attemptFailed("same")),
      relaying: () => exchangeAfter(CONTENT),
      continuing: () => exchangeAfter(CONTENT, { ...attemptFailed("never"), continueAt: 1 }),
      settling: () => exchangeAfter(CONTENT, ENDED),
    },
    passing: [],
    samples: {
      "exchange.begin": { "": BEGIN },
      "attempt.failed": {
        never: attemptFailed("never"),
        same: attemptFailed("same"),
        elsewhere: attemptFailed("elsewhere"),
        "to be continued": { ...attemptFailed("never"), continueAt: 1 },
        "continued late": { ...attemptFailed("never"), continueAt: 1, atMs: 60_000 },
      },
      "candidate.refused": {
        "": { type: "candidate.refused", atMs: 0 },
        late: { type: "candidate.refused", atMs: 60_000 },
        "to be continued": { type: "candidate.refused", continueAt: 1, atMs: 0 },
      },
      "hedge.due": { "": HEDGE, late: { ...HEDGE, atMs: 60_000 } },
      "backoff.elapsed": {
        "": { type: "backoff.elapsed", atMs: 100 },
        late: { type: "backoff.elapsed", atMs: 60_000 },
      },
      "content.started": { "": CONTENT },
      "answer.ended": { "": ENDED },
      "client.left": { "": { type: "client.left", atMs: 0 } },
      "exchange.settled": { "": SETTLED },
    },
    rows: table(
      [
        "event",
        "idle",
        "attempting",
        "hedging",
        "backingOff",
        "relaying",
        "continuing",
        "settling",
      ],
      `
    event                             | idle       | attempting | hedging    | backingOff | relaying   | continuing | settling
    exchange.begin                    | attempting | -          | -          | -          | -          | -          | -
    attempt.failed never              | -          | settling   | attempting | -          | settling   | settling   | -
    attempt.failed same               | -          | backingOff | attempting | -          | settling   | settling   | -
    attempt.failed elsewhere          | -          | stays      | attempting | -          | settling   | settling   | -
    attempt.failed to be continued    | -          | settling   | attempting | -          | continuing | stays      | -
    attempt.failed continued late     | -          | settling   | attempting | -          | settling   | settling   | -
    candidate.refused                 | -          | stays      | attempting | -          | -          | settling   | -
    candidate.refused late            | -          | settling   | attempting | -          | -          | settling   | -
    candidate.refused to be continued | -          | stays      | attempting | -          | -          | stays      | -
    hedge.due                         | -          | hedging    | -          | -          | -          | -          | -
    hedge.due late                    | -          | -          | -          | -          | -          | -          | -
    backoff.elapsed                   | -          | -          | -          | attempting | -          | -          | -
    backoff.elapsed late              | -          | -          | -          | settling   | -          | -          | -
    content.started                   | -          | relaying   | relaying   | -          | -          | relaying   | -
    answer.ended                      | -          | settling   | settling   | -          | settling   | settling   | -
    client.left                       | -          | settling   | settling   | settling   | settling   | settling   | -
    exchange.settled                  | -          | -          | -          | -          | -          | -          | idle
    `,
    ),
  },
);
