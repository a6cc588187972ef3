/** Draws budgets, limits and what operators do to them while requests are under way. */
import type { Dice } from "./dice.ts";
import type { BudgetTerms, LimitTerms } from "./oracle-types.ts";
import type { Edit, Mix } from "./plan.ts";
import { END_USERS, PROVIDERS, RESIDENTS, ROUTE_IDS, TENANTS, type Resident } from "./town.ts";

/** Zones without daylight saving time, so that the oracle's calendar is plain arithmetic. */
const ZONES = ["UTC", "UTC", "Asia/Kolkata", "Asia/Kathmandu"] as const;

export function drawBudget(dice: Dice, index: number): BudgetTerms {
  return {
    id: `bud_${String(index + 1).padStart(32, "0")}`,
    ...drawBudgetScope(dice),
    amountNanoUsd: dice.chance(0.05) ? null : drawAmount(dice),
    window: dice.pick(["hour", "day", "day", "week", "month", "total"]),
    timeZone: dice.pick(ZONES),
    mode: dice.chance(0.85) ? "hard" : "soft",
    credits: [],
  };
}

/** From a single short answer to all that can be asked for in a run. */
function drawAmount(dice: Dice): number {
  if (dice.chance(0.05)) return 0;
  return dice.chance(0.2) ? dice.spread(20_000_000, 200_000_000) : dice.spread(60_000, 4_000_000);
}

export function drawLimit(dice: Dice, index: number): LimitTerms {
  return {
    id: `lim_${String(index + 1).padStart(32, "0")}`,
    ...drawScope(dice),
    requestsPerMinute: dice.chance(0.3) ? dice.int(3, 60) : null,
    tokensPerMinute: dice.chance(0.3) ? dice.int(1_000, 20_000) : null,
    maxConcurrent: dice.chance(0.7) ? dice.int(1, 6) : null,
    burst: null,
  };
}

type DrawnScope = Pick<LimitTerms, "scopeKind" | "scopeId" | "tenantId">;

/** Of a tenant, as limits have it. */
function drawScope(dice: Dice): DrawnScope {
  const one: Resident = dice.pick(RESIDENTS);
  const scopeKind = dice.pick(["token", "project", "tenant", "tenant"] as const);
  const { tenantId } = one;
  if (scopeKind === "token") return { scopeKind, scopeId: one.tokenId, tenantId };
  if (scopeKind === "project" && one.projectId !== null) {
    return { scopeKind, scopeId: one.projectId, tenantId };
  }
  return { scopeKind: "tenant", scopeId: tenantId, tenantId };
}

/** Of anybody, as budgets have it. */
function drawBudgetScope(dice: Dice): Pick<BudgetTerms, "scopeKind" | "scopeId" | "tenantId"> {
  if (dice.chance(0.5)) return drawScope(dice);
  const scopeKind = dice.pick(["end_user", "end_user", "route", "provider", "global"] as const);
  switch (scopeKind) {
    case "end_user": {
      const tenantId = dice.pick(TENANTS);
      return { scopeKind, scopeId: dice.pick(["*", "*", ...END_USERS]), tenantId };
    }
    case "route":
      return { scopeKind, scopeId: dice.pick(Object.values(ROUTE_IDS)), tenantId: null };
    case "provider":
      return { scopeKind, scopeId: dice.pick(Object.values(PROVIDERS)), tenantId: null };
    default:
      return { scopeKind, scopeId: "*", tenantId: null };
  }
}

export function drawEdits(
  dice: Dice,
  mix: Mix,
  activeMs: number,
  budgets: number,
  limits: number,
): Edit[] {
  const edits: Edit[] = [];
  const soon = (): number => dice.unit() * activeMs;
  if (mix.has("edits")) {
    const count = dice.int(1, 6);
    for (let index = 0; index < count; index += 1) {
      edits.push(drawEdit(dice, soon(), index, budgets, limits));
    }
  }
  if (mix.has("suspensions")) {
    const tenant = dice.int(0, TENANTS.length - 1);
    const atMs = soon();
    edits.push({ atMs, do: "status", tenant, status: "suspended" });
    edits.push({ atMs: atMs + dice.spread(10, 5_000), do: "status", tenant, status: "active" });
  }
  return edits;
}

const KINDS = [
  "amount",
  "amount",
  "amount",
  "mode",
  "add",
  "remove",
  "limit",
  "provider",
  "price",
  "top_up",
  "reset",
] as const;

function drawEdit(dice: Dice, atMs: number, index: number, budgets: number, limits: number): Edit {
  const budget = dice.int(0, budgets - 1);
  switch (dice.pick(KINDS)) {
    case "mode":
      return { atMs, do: "mode", budget, mode: dice.pick(["hard", "soft"]) };
    case "provider": {
      const provider = dice.pick(["near", "far"] as const);
      const change = dice.pick([
        { enabled: dice.chance(0.5) },
        { maxConcurrent: dice.chance(0.5) ? null : dice.int(1, 4) },
        { onClientDisconnect: dice.pick(["abort", "drain"] as const) },
      ]);
      return { atMs, do: "provider", provider, change };
    }
    case "top_up": {
      const forMs = dice.chance(0.5) ? null : dice.spread(50, 20_000);
      return { atMs, do: "top_up", budget, amountNanoUsd: drawAmount(dice), forMs };
    }
    case "reset":
      return { atMs, do: "reset", budget };
    case "price": {
      const model = dice.pick(["fast", "safe", "wide"] as const);
      return { atMs, do: "price", model, times: dice.int(1, 3) };
    }
    case "add":
      return { atMs, do: "add", budget: drawBudget(dice, 100 + index) };
    case "remove":
      return { atMs, do: "remove", budget };
    case "limit":
      if (limits > 0) {
        const maxConcurrent = dice.chance(0.2) ? null : dice.int(1, 6);
        return { atMs, do: "limit", limit: dice.int(0, limits - 1), maxConcurrent };
      }
      return { atMs, do: "remove", budget };
    default: {
      const amountNanoUsd = dice.chance(0.1) ? null : dice.chance(0.15) ? 0 : drawAmount(dice);
      return { atMs, do: "amount", budget, amountNanoUsd };
    }
  }
}
