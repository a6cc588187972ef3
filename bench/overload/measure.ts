/**
 * One bottleneck from begin to end: a fresh Tollgate with everything around it, its capacity, and
 * then the load that does not care: once the capacity, a multiple of it, and once again.
 */
import type { Clock } from "../../src/base/clock.ts";
import { type ExchangeLog, isSuccess } from "../exchange-log.ts";
import type { Offer, OfferStep } from "../generator/contract.ts";
import { cpuShares, startProgram } from "../programs.ts";
import { createObject, createRoomyToken } from "../setup-tollgate.ts";
import { startStand, type Stand } from "../stand.ts";
import { judgeOverload, type OverloadJudged } from "./judge.ts";
import type { Bottleneck, OverloadOptions, ProviderBounds } from "./options.ts";
import { type Sample, startSampling } from "./samples.ts";

export type OverloadContext = {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
};

const publicModel = "overload";
const tokensMax = 64;
/** Tokens of an answer that takes its time, evenly. */
const slowTokens = 11;
/** Enough that a gateway always finds a request to work on. */
const gatewayClients = 64;
/** The capacity is looked for in slices, because a fresh process becomes faster for some seconds. */
const slicesMin = 4;
const slicesMax = 12;
/** A slice that serves less than this more than the best before it has found the capacity. */
const growthMin = 1.03;
const connectionsMax = 8_000;

export async function measureBottleneck(
  bottleneck: Bottleneck,
  options: OverloadOptions,
  { clock, signal, note }: OverloadContext,
): Promise<OverloadJudged> {
  await using stack = new AsyncDisposableStack();
  const shares = bottleneck === "gateway" ? cpuShares() : undefined;
  const stand = await startStand(stack, signal, shares);
  const upstream = await startProgram(stand.context, {
    name: "upstream",
    file: "upstream/main.ts",
    cpus: shares?.rest,
  });
  const bounds = bottleneck === "provider" ? options.provider : undefined;
  const token = await configure(stand, `${upstream.url.origin}/v1`, bounds);
  const offer = (steps: readonly OfferStep[]): Promise<ExchangeLog> => {
    const gateway = stand.admin.gateway.href;
    const load: Offer = { gateway, token, model: publicModel, stream: false, tokensMax, steps };
    return stand.generator.offer(load);
  };
  note(`${bottleneck}: capacity`);
  const clients = bounds === undefined ? gatewayClients : bounds.slots;
  const capacityPerSecond = await findCapacity(offer, clients, options.capacityMs);
  note(`${bottleneck}: ${Math.round(capacityPerSecond)}/s, ${options.times} times that`);
  const pids = {
    gateway: stand.gatewayPid,
    generator: stand.generator.pid,
    upstream: upstream.pid,
  };
  const stopSampling = startSampling(clock, pids);
  let samples: readonly Sample[] = [];
  let log: ExchangeLog;
  try {
    log = await offer(stepsOf(options, capacityPerSecond));
  } finally {
    samples = stopSampling();
  }
  const { normalMs, overloadMs, recoveryMs, times } = options;
  const spans = { normalMs, overloadMs, recoveryMs };
  const isPinned = shares !== undefined;
  const seen = { bottleneck, bounds, capacityPerSecond, times, spans, log, samples, isPinned };
  return judgeOverload(seen);
}

/** What clients get at most that ask again as soon as they have their answer. */
async function findCapacity(
  offer: (steps: readonly OfferStep[]) => Promise<ExchangeLog>,
  clients: number,
  durationMs: number,
): Promise<number> {
  const sliceMs = durationMs / slicesMin;
  let best = 0;
  for (let slice = 0; slice < slicesMax; slice += 1) {
    const log = await offer([{ plan: { kind: "closed", clients }, durationMs: sliceMs }]);
    const served = log.exchanges.filter((exchange) => isSuccess(exchange));
    // Until the last answer: clients that began together come round together, a whole turn or none.
    const lastMs = served.reduce((last, { endedMs }) => Math.max(last, endedMs), 1);
    const perSecond = (served.length * 1_000) / lastMs;
    if (served.length === 0) {
      const [first] = log.exchanges;
      throw new Error(`nothing was served while looking for the capacity: ${first?.label ?? ""}`);
    }
    const isFound = slice >= slicesMin && perSecond < best * growthMin;
    best = Math.max(best, perSecond);
    if (isFound) break;
  }
  return best;
}

function stepsOf(
  { normalMs, overloadMs, recoveryMs, times }: OverloadOptions,
  capacityPerSecond: number,
): readonly OfferStep[] {
  return [
    step(capacityPerSecond, normalMs),
    step(capacityPerSecond * times, overloadMs),
    step(capacityPerSecond, recoveryMs),
  ];
}

/** Arrivals as from many independent clients. */
function step(ratePerSecond: number, durationMs: number): OfferStep {
  return {
    plan: { kind: "open", ratePerSecond, gaps: "exponential", inFlightMax: connectionsMax },
    durationMs,
  };
}

/** Every control on, none of which refuses but the provider's slots, where there are bounds. */
async function configure(
  { admin }: Stand,
  baseUrl: string,
  bounds: ProviderBounds | undefined,
): Promise<string> {
  const model = bounds === undefined ? "sim-small?tokens=16" : slowModel(bounds);
  const provider = await createObject(admin, "providers", {
    name: "bench-upstream",
    dialect: "openai",
    base_url: baseUrl,
    credential: "sk-bench-upstream",
    allow_private_network: true,
    ...(bounds !== undefined && {
      max_concurrent: bounds.slots,
      queue: { waiting_max: bounds.waitingMax, wait_ms: bounds.waitMs },
    }),
  });
  const rates = { input_usd_per_million: "0.15", output_usd_per_million: "0.60" };
  await createObject(admin, "prices", { provider: provider.id, model, ...rates });
  const targets = [{ provider: provider.id, model }];
  await createObject(admin, "routes", { model: publicModel, targets });
  return await createRoomyToken(admin, [publicModel]);
}

/** Its tokens take as long as the answer is to take. */
function slowModel({ answerMs }: ProviderBounds): string {
  const delayMs = Math.round(answerMs / (slowTokens - 1));
  return `sim-small?tokens=${slowTokens}&token_delay_ms=${delayMs}`;
}
