/**
 * Prepares what is tested: a gateway that somebody else configured with an upstream that counts, or
 * Tollgate itself with both. Whatever is started here ends with the stack that is given.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/base/clock.ts";
import { formatUsd, formatUsdPerMillion, PICO_PER_USD_PER_MILLION } from "../../src/base/units.ts";
import { Processes } from "../processes.ts";
import { createObject, type TollgateAdmin } from "../setup-tollgate.ts";
import { startTollgate } from "../subjects.ts";
import { startUpstream, type UpstreamOptions } from "../upstream/server.ts";
import type { OverspendOptions, OverspendTarget } from "./options.ts";
import type { Arena } from "./rounds.ts";
import { costOfCall, Truth } from "./truth.ts";

type Surroundings = {
  readonly stack: AsyncDisposableStack;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Progress, for whoever watches. */
  readonly say: (text: string) => void;
};

/** Answers take a while, so that calls are under way while others are decided about. */
const script = "headers_delay_ms=100";

async function upstreamAt(options: UpstreamOptions, stack: AsyncDisposableStack): Promise<URL> {
  // Remembers every request of a run of any size that the options allow.
  const upstream = await startUpstream({ ...options, script, requestsMax: 1_000_000 });
  stack.defer(() => upstream.stop());
  return new URL(upstream.url);
}

/** A gateway that is ready already; only the upstream may have to be started. */
export async function targetArena(
  target: OverspendTarget,
  { stack, clock, signal, say }: Surroundings,
): Promise<Arena> {
  const { url: gateway, tokens, upstream: place, pricing } = target;
  if (place.kind === "running") {
    return { gateway, tokens, pricing, truth: new Truth(place.url, clock, signal) };
  }
  const upstream = await upstreamAt({ port: place.port }, stack);
  say(`upstream listening on ${upstream.origin}, base address ${upstream.origin}/v1\n`);
  return { gateway, tokens, pricing, truth: new Truth(upstream, clock, signal) };
}

/** 1,000 dollars per million output tokens and nothing for input: a call costs its tokens exactly. */
const pricing = {
  kind: "per_token",
  inputPicoUsd: 0,
  outputPicoUsd: 1_000 * PICO_PER_USD_PER_MILLION,
} as const;

/** Tollgate as it is started by anybody, with an access token and a hard budget for each round. */
export async function tollgateArena(
  options: OverspendOptions,
  { stack, clock, signal }: Surroundings,
): Promise<Arena> {
  const folder = await mkdtemp(join(tmpdir(), "tollgate-overspend-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const upstream = await upstreamAt({}, stack);
  const processes = new Processes(folder);
  stack.defer(() => processes.stop());
  const { adminToken, running } = await startTollgate({ processes, folder, signal });
  const admin: TollgateAdmin = { gateway: running.url, adminToken, signal };
  const { room, rounds } = options;
  await offerModel(admin, `${upstream.origin}/v1`, options.model);
  const call = { number: 0, promptTokens: 0, tokensGenerated: options.tokensMax };
  const amountUsd = formatUsd(room * costOfCall(call, pricing));
  const tokens: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    tokens.push(await accessToken(admin, `round-${round + 1}`, amountUsd));
  }
  return { gateway: running.url, tokens, pricing, truth: new Truth(upstream, clock, signal) };
}

async function offerModel(admin: TollgateAdmin, baseUrl: string, model: string): Promise<void> {
  const provider = await createObject(admin, "providers", {
    name: "bench-upstream",
    dialect: "openai",
    base_url: baseUrl,
    credential: "sk-bench-upstream",
    allow_private_network: true,
  });
  await createObject(admin, "prices", {
    provider: provider.id,
    model,
    input_usd_per_million: formatUsdPerMillion(pricing.inputPicoUsd),
    output_usd_per_million: formatUsdPerMillion(pricing.outputPicoUsd),
  });
  const targets = [{ provider: provider.id, model }];
  await createObject(admin, "routes", { model, targets });
}

/** A tenant of its own, so that rounds share nothing but the provider. */
async function accessToken(admin: TollgateAdmin, name: string, amountUsd: string): Promise<string> {
  const tenant = await createObject(admin, "tenants", { name });
  const { id, token } = await createObject(admin, "tokens", { tenant_id: tenant.id, name });
  if (token === undefined) throw new Error("the admin API returned no access token");
  const scope = { type: "token", id };
  const budget = { scope, amount_usd: amountUsd, window: "total", mode: "hard" };
  await createObject(admin, "budgets", budget);
  return token;
}
