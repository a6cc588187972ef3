/** Guarantees: refusals are told in one order, with every fact, and looking takes nothing. */
import { describe, expect, test } from "bun:test";
import {
  decideAdmission,
  decideHold,
  type Ask,
  type ChainBudget,
  type ChainLimit,
} from "../../actors/policy/admission.ts";
import { createAccount, reserve, termsOf } from "../../actors/policy/budget.ts";
import type { PricedOption } from "../../actors/policy/hold-options.ts";
import { createBucket, take } from "../../actors/policy/token-bucket.ts";
import type { ScopeRef } from "../../src/base/scope.ts";
import { table } from "./table.ts";

const AT_MS = Date.UTC(2026, 4, 10, 12);
const MIDNIGHT_MS = Date.UTC(2026, 4, 11);
const SCOPES = {
  token: { type: "token", id: "tok_1" },
  project: { type: "project", id: "prj_1" },
  tenant: { type: "tenant", id: "ten_1" },
} as const satisfies Record<string, ScopeRef>;

const PLAIN = { timeZone: "UTC", anchor: null, mode: "hard", credits: [] } as const;

function limit(scope: ScopeRef, more: Partial<ChainLimit>): ChainLimit {
  return {
    limitId: `lim_${scope.type}`,
    scope,
    requests: null,
    tokens: null,
    maxConcurrent: null,
    inFlight: 0,
    tokensHeld: 0,
    ...more,
  };
}

function spent(perMinute: number, left: number): ReturnType<typeof createBucket> {
  return take(createBucket(perMinute, null, null, AT_MS), perMinute - left, AT_MS);
}

function budget(scope: ScopeRef, postedNanoUsd: number, heldNanoUsd: number): ChainBudget {
  const terms = termsOf({ ...PLAIN, window: "day", amountNanoUsd: 1_000 });
  const account = reserve(createAccount(terms, postedNanoUsd, AT_MS), heldNanoUsd);
  return { budgetId: `bud_${scope.type}`, scope, account };
}

function ask(more: Partial<Ask<PricedOption>>): Ask<PricedOption> {
  return {
    limits: [],
    budgets: [],
    allowance: null,
    tokens: 100,
    options: [{ nanoUsd: 10 }],
    atMs: AT_MS,
    ...more,
  };
}

const ORDER = table(
  ["requests", "tokens", "allowance", "slots", "budget", "kind", "code"],
  `
  requests | tokens | allowance | slots | budget | kind         | code
  tight    | tight  | tight     | tight | tight  | requests     | rate_limit_exceeded
  -        | tight  | tight     | tight | tight  | tokens       | rate_limit_exceeded
  -        | -      | tight     | tight | tight  | max_requests | rate_limit_exceeded
  -        | -      | -         | tight | tight  | concurrency  | concurrency_limit_exceeded
  -        | -      | -         | -     | tight  | budget       | budget_exceeded
  `,
);

function isTight(cell: string): boolean {
  return cell === "tight";
}

describe("of several rules that refuse", () => {
  for (const row of ORDER) {
    test(`${row.kind} is told before those after it`, () => {
      const verdict = decideAdmission(
        ask({
          // The widest scope is tight by requests, the narrowest by slots: the kind goes first.
          limits: [
            limit(SCOPES.token, { maxConcurrent: 5, inFlight: isTight(row.slots) ? 5 : 4 }),
            limit(SCOPES.project, { tokens: spent(1_000, isTight(row.tokens) ? 99 : 100) }),
            limit(SCOPES.tenant, { requests: spent(60, isTight(row.requests) ? 0 : 1) }),
          ],
          allowance: {
            tokenId: "tok_1",
            requestsMax: 7,
            requestsUsed: isTight(row.allowance) ? 7 : 6,
          },
          budgets: [budget(SCOPES.token, isTight(row.budget) ? 995 : 0, 0)],
        }),
      );
      expect(
        verdict.allowed ? null : [verdict.refusal.reason?.kind, verdict.refusal.code],
      ).toMatchObject([row.kind, row.code]);
    });
  }

  test("the narrowest scope is told", () => {
    const drained = { requests: spent(60, 0) };
    const verdict = decideAdmission(
      ask({ limits: [limit(SCOPES.token, drained), limit(SCOPES.tenant, drained)] }),
    );
    expect(verdict).toMatchObject({ refusal: { reason: { ruleId: "lim_token" } } });
    const byBudget = decideAdmission(
      ask({
        budgets: [
          budget(SCOPES.token, 0, 0),
          budget(SCOPES.project, 1_000, 0),
          budget(SCOPES.tenant, 1_000, 0),
        ],
      }),
    );
    expect(byBudget).toMatchObject({ refusal: { reason: { ruleId: "bud_project" } } });
  });

  test("the time to come back is when the slowest of the rates allows", () => {
    const verdict = decideAdmission(
      ask({
        limits: [
          limit(SCOPES.token, { requests: spent(60, 0) }),
          limit(SCOPES.tenant, { tokens: spent(1_000, 0) }),
        ],
      }),
    );
    expect(verdict).toMatchObject({
      refusal: { retryAfterMs: 6_000, reason: { kind: "requests", freesAtMs: AT_MS + 1_000 } },
    });
  });

  test("there is no time to come back when one of the rates is 0", () => {
    const verdict = decideAdmission(
      ask({
        limits: [
          limit(SCOPES.token, { requests: spent(60, 0) }),
          limit(SCOPES.tenant, { requests: createBucket(0, null, null, AT_MS) }),
        ],
      }),
    );
    expect(verdict).toMatchObject({ refusal: { reason: { freesAtMs: AT_MS + 1_000 } } });
    expect(verdict.allowed ? "" : verdict.refusal).not.toHaveProperty("retryAfterMs");
  });
});

describe("a refusal says everything", () => {
  test("about a request rate", () => {
    const limits = [limit(SCOPES.token, { requests: spent(60, 0) })];
    expect(decideAdmission(ask({ limits }))).toEqual({
      allowed: false,
      refusal: {
        code: "rate_limit_exceeded",
        message: "The limit of 60 requests per minute of this access token is reached.",
        retryAfterMs: 1_000,
        reason: {
          kind: "requests",
          scope: SCOPES.token,
          ruleId: "lim_token",
          limit: 60,
          posted: 60,
          held: 0,
          asked: 1,
          freesAtMs: AT_MS + 1_000,
        },
      },
    });
  });

  test("about a token rate", () => {
    const limits = [limit(SCOPES.project, { tokens: spent(1_000, 40), tokensHeld: 300 })];
    expect(decideAdmission(ask({ limits }))).toEqual({
      allowed: false,
      refusal: {
        code: "rate_limit_exceeded",
        message: "The limit of 1000 model tokens per minute of this project is reached.",
        retryAfterMs: 3_600,
        reason: {
          kind: "tokens",
          scope: SCOPES.project,
          ruleId: "lim_project",
          limit: 1_000,
          posted: 660,
          held: 300,
          asked: 100,
          freesAtMs: AT_MS + 3_600,
        },
      },
    });
  });

  test("about a used-up access token", () => {
    const allowance = { tokenId: "tok_1", requestsMax: 7, requestsUsed: 7 };
    expect(decideAdmission(ask({ allowance }))).toEqual({
      allowed: false,
      refusal: {
        code: "rate_limit_exceeded",
        message: "This access token has used its 7 requests.",
        reason: {
          kind: "max_requests",
          scope: SCOPES.token,
          ruleId: "tok_1",
          limit: 7,
          posted: 7,
          held: 0,
          asked: 1,
          freesAtMs: null,
        },
      },
    });
  });

  test("about slots", () => {
    const limits = [limit(SCOPES.tenant, { maxConcurrent: 5, inFlight: 5 })];
    expect(decideAdmission(ask({ limits }))).toEqual({
      allowed: false,
      refusal: {
        code: "concurrency_limit_exceeded",
        message: "This tenant already runs 5 requests; 5 may run at once.",
        retryAfterMs: 1_000,
        reason: {
          kind: "concurrency",
          scope: SCOPES.tenant,
          ruleId: "lim_tenant",
          limit: 5,
          posted: 5,
          held: 0,
          asked: 1,
          freesAtMs: null,
        },
      },
    });
  });

  test("about a budget", () => {
    const budgets = [budget(SCOPES.token, 900, 95)];
    expect(decideHold({ budgets, options: ask({}).options, atMs: AT_MS })).toEqual({
      allowed: false,
      refusal: {
        code: "budget_exceeded",
        message:
          "The daily budget of 0.000001 USD of this access token does not cover this request: " +
          "0.0000009 spent, 0.000000095 held by running requests, up to 0.00000001 asked.",
        retryAfterMs: MIDNIGHT_MS - AT_MS,
        reason: {
          kind: "budget",
          scope: SCOPES.token,
          ruleId: "bud_token",
          limit: 1_000,
          posted: 900,
          held: 95,
          asked: 10,
          freesAtMs: MIDNIGHT_MS,
        },
      },
    });
  });

  test("and that time will not help a request larger than the whole budget", () => {
    const options = [{ nanoUsd: 1_001 }];
    const verdict = decideHold({ budgets: [budget(SCOPES.token, 0, 0)], options, atMs: AT_MS });
    expect(verdict).toMatchObject({
      refusal: { retryAfterMs: MIDNIGHT_MS - AT_MS, reason: { freesAtMs: null } },
    });
  });

  test("and come back when the last of the budgets that refuse has a new window", () => {
    const day = { ...PLAIN, window: "day", amountNanoUsd: 1_000 } as const;
    const month = { ...day, window: "month" } as const;
    const total = { ...day, window: "total" } as const;
    const retryAfter = (
      ...rules: readonly (typeof day | typeof month | typeof total)[]
    ): unknown => {
      const budgets = rules.map((rule) => ({
        ...budget(SCOPES.token, 0, 0),
        account: createAccount(termsOf(rule), 995, AT_MS),
      }));
      const verdict = decideHold({ budgets, options: ask({}).options, atMs: AT_MS });
      return verdict.allowed ? 0 : verdict.refusal.retryAfterMs;
    };
    const monthEndMs = Date.UTC(2026, 5, 1);
    expect(retryAfter(day)).toBe(MIDNIGHT_MS - AT_MS);
    expect(retryAfter(day, month)).toBe(monthEndMs - AT_MS);
    expect(retryAfter(month, day)).toBe(monthEndMs - AT_MS);
    expect(retryAfter(day, total)).toBeUndefined();
  });

  test("and that time will not help where a top-up ends before the next window", () => {
    const topUp = { kind: "top_up", amountNanoUsd: 500, startsAtMs: 0, expiresAtMs: MIDNIGHT_MS };
    const credits = [{ ...topUp, kind: "top_up" as const }];
    const terms = termsOf({ ...PLAIN, window: "day", amountNanoUsd: 5, credits });
    const raised = { ...budget(SCOPES.token, 0, 0), account: createAccount(terms, 500, AT_MS) };
    const verdict = decideHold({ budgets: [raised], options: ask({}).options, atMs: AT_MS });
    expect(verdict).toMatchObject({ refusal: { reason: { limit: 505, freesAtMs: null } } });
  });

  test("and that a budget without a window frees at no time", () => {
    const terms = termsOf({ ...PLAIN, window: "total", amountNanoUsd: 5 });
    const total = {
      ...budget(SCOPES.token, 0, 0),
      account: createAccount(terms, 0, AT_MS),
    };
    const verdict = decideHold({ budgets: [total], options: ask({}).options, atMs: AT_MS });
    expect(verdict).toMatchObject({ refusal: { reason: { freesAtMs: null, posted: 0 } } });
    expect(verdict.allowed ? "" : verdict.refusal).not.toHaveProperty("retryAfterMs");
  });
});

test("without any rule everything is allowed, and a request without a way to run is not", () => {
  expect(decideAdmission(ask({}))).toMatchObject({ allowed: true, value: { heldNanoUsd: 10 } });
  expect(decideAdmission(ask({ options: [] }))).toMatchObject({
    allowed: false,
    refusal: { code: "internal_error" },
  });
});
