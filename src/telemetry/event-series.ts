/** What is only counted, each time that it happens: things that are neither exchanges nor attempts. */
import type { Registry } from "prom-client";
import type { PriorityClass } from "../base/priority.ts";
import { tallyCounter } from "./tally.ts";

/** A candidate that was passed by, and why. */
type Passed = { readonly provider: string; readonly model: string; readonly outcome: string };

/**
 * How a request came to another one's answer. attached: the one with its idempotency key was running;
 * replayed: that one's answer was kept; single_flight: an equal one was running; resumed: by the id of
 * a stream's event.
 */
export type SharedWay = "attached" | "replayed" | "single_flight" | "resumed";

/** Why no second attempt began although the first was late. */
export type HedgeRefusal = "budget" | "load";

export interface EventMetrics {
  /** A request was refused because the gateway has too much to do. */
  readonly requestShed: (priorityClass: PriorityClass) => void;
  /** A candidate was passed by before anything was sent to it. */
  readonly attemptNotMade: (passed: Passed) => void;
  /** A request gets another one's answer. */
  readonly answerShared: (way: SharedWay) => void;
  /** A second attempt was due and may not begin. */
  readonly hedgeRefused: (why: HedgeRefusal) => void;
  /** A copy of a request for a shadow came to its end, or was not made. */
  readonly shadowEnded: (provider: string, outcome: string) => void;
  /** A budget's window passed a threshold; once for each. */
  readonly budgetAlerted: (scopeType: string) => void;
}

export function eventSeries(registry: Registry): EventMetrics {
  const notMade = tallyCounter(registry, {
    name: "tollgate_attempts_not_made_total",
    help: "candidates passed by before anything was sent, by why",
    labelNames: ["provider", "model", "outcome"],
    openLabels: 2,
  });
  const alerts = closedCounter(registry, {
    name: "tollgate_budget_alerts_total",
    help: "thresholds that windows of budgets have passed",
    label: "scope_type",
  });
  const shed = closedCounter(registry, {
    name: "tollgate_requests_shed_total",
    help: "requests that were refused because the gateway had too much to do",
    label: "class",
  });
  const shared = closedCounter(registry, {
    name: "tollgate_answers_shared_total",
    help: "requests that got another one's answer, by the way to it",
    label: "way",
  });
  const unhedged = closedCounter(registry, {
    name: "tollgate_hedges_refused_total",
    help: "second attempts that were due and did not begin, by what refused them",
    label: "reason",
  });
  const shadows = tallyCounter(registry, {
    name: "tollgate_shadows_total",
    help: "copies of requests for shadow targets, by how they ended",
    labelNames: ["provider", "outcome"],
    openLabels: 1,
  });
  return {
    requestShed: shed,
    answerShared: shared,
    hedgeRefused: unhedged,
    budgetAlerted: alerts,
    attemptNotMade: ({ provider, model, outcome }) => {
      notMade.of([provider, model, outcome]).value += 1;
    },
    shadowEnded: (provider, outcome) => {
      shadows.of([provider, outcome]).value += 1;
    },
  };
}

/** Counts by one label that has few values, all of them ours. */
function closedCounter(
  registry: Registry,
  declared: { readonly name: string; readonly help: string; readonly label: string },
): (value: string) => void {
  const { name, help, label } = declared;
  const counter = tallyCounter(registry, { name, help, labelNames: [label], openLabels: 0 });
  return (value) => {
    counter.of([value]).value += 1;
  };
}
