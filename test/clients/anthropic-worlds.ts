/**
 * Two places where an official client of Anthropic can be pointed: a provider that answers with recorded
 * bytes, and Tollgate in front of it with budgets and limits in force. A client must not see the
 * difference.
 */
import { beforeEach, expect } from "bun:test";
import { type Recorded, type RecordedUpstream } from "../conformance/recorded-upstream.ts";
import { conformanceStageForFile, PUBLIC_MODEL } from "../conformance/stage.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";

export type AnthropicWorld = {
  readonly name: "directly" | "through Tollgate";
  /** Without `/v1`. */
  readonly baseURL: string;
  readonly apiKey: string;
  readonly upstream: RecordedUpstream;
};

/** The provider takes any name, Tollgate has a route of this one. */
export const MODEL = PUBLIC_MODEL;
/** The same; Tollgate sends comments on its streams after a short silence. */
export const KEPT_MODEL = "kept";

export type AnthropicWorlds = {
  readonly direct: AnthropicWorld;
  readonly through: AnthropicWorld;
  /** Nothing runs, nothing is held and every slot is free. */
  readonly expectAtRest: () => Promise<void>;
  /** For `describe.each`. */
  readonly each: readonly (readonly [AnthropicWorld["name"], AnthropicWorld])[];
};

/** Started once per test file; its last test is that everything was given back. */
export async function anthropicWorldsForFile(): Promise<AnthropicWorlds> {
  const { provider, tenantId, token, tollgate, upstream } = await conformanceStageForFile(
    "anthropic",
    "/v1",
    { inputPicoUsd: 3_000_000, outputPicoUsd: 15_000_000 },
  );
  const target = { providerId: provider.id, model: "upstream-model", weight: 1, priority: 0 };
  await tollgate.addRoute(KEPT_MODEL, [target], { terms: { keepAliveMs: 20 } });
  const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 5_000_000_000_000 });
  await tollgate.addLimit({ ...scope, requestsPerMinute: 10_000, maxConcurrent: 100 });
  // A fresh breaker and no cooldown: failures of one test say nothing about the next.
  beforeEach(() => freshProvider(tollgate, provider));
  const expectAtRest = async (): Promise<void> => {
    const { directory, lifecycle } = tollgate.gateway;
    await until(() => lifecycle.inFlightCount() === 0);
    const [budget] = await directory.budgetStates(tenantId);
    const [limit] = await directory.limitStates(tenantId);
    expect([budget?.heldNanoUsd, limit?.inFlight]).toEqual([0, 0]);
  };
  const direct: AnthropicWorld = {
    name: "directly",
    baseURL: upstream.url,
    apiKey: "provider-secret",
    upstream,
  };
  const through: AnthropicWorld = {
    name: "through Tollgate",
    baseURL: tollgate.url,
    apiKey: token,
    upstream,
  };
  const each = [direct, through].map((world) => [world.name, world] as const);
  return { direct, through, each, expectAtRest };
}

export function streamed(pieces: Recorded["pieces"], end: Recorded["end"] = "close"): Recorded {
  const headers = {
    "content-type": "text/event-stream; charset=utf-8",
    "request-id": "req_theirs",
  };
  return { headers, pieces, end };
}

export function plain(answer: string, status = 200): Recorded {
  return { status, headers: { "request-id": "req_theirs" }, pieces: [answer] };
}
