/**
 * One way to fail from begin to end: fresh providers with breakers that know nothing, a route over
 * them, a steady load, and the provider that fails in the middle of it. What Tollgate makes of the
 * provider is read from its admin API, as an operator would.
 */
import { type Clock, sleep } from "../../src/base/clock.ts";
import { readAdmin } from "../admin-read.ts";
import { connectionsMax } from "../context.ts";
import type { ExchangeLog } from "../exchange-log.ts";
import { createObject, createRoomyToken, type TollgateAdmin } from "../setup-tollgate.ts";
import type { Stand } from "../stand.ts";
import { judgeWay, type WayJudged } from "./judge.ts";
import type { FailoverOptions, FailWay } from "./options.ts";
import { SimulatedProvider } from "./provider.ts";

export type FailoverContext = {
  readonly stand: Stand;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
};

const healthPollMs = 25;
/** An answer takes a moment, as real ones do, and is short. */
const upstreamModel = "sim-small?tokens=16&headers_delay_ms=20";
const tokensMax = 64;
/** Before each way: connections are opened, and a fresh Tollgate is compiled for what comes. */
const warmUpMsMax = 1_000;

function modelOf(way: FailWay): string {
  return `failover-${way}`;
}

/** All ways, one after the other. */
export async function measureFailover(
  options: FailoverOptions,
  context: FailoverContext,
): Promise<readonly WayJudged[]> {
  const { admin } = context.stand;
  const token = await createRoomyToken(
    admin,
    options.ways.map((way) => modelOf(way)),
  );
  const judged: WayJudged[] = [];
  for (const way of options.ways) {
    context.note(way);
    judged.push(await measureWay(way, token, options, context));
    context.signal.throwIfAborted();
  }
  return judged;
}

async function measureWay(
  way: FailWay,
  token: string,
  options: FailoverOptions,
  { stand, clock, signal }: FailoverContext,
): Promise<WayJudged> {
  await using stack = new AsyncDisposableStack();
  const providers: SimulatedProvider[] = [];
  for (let index = 0; index < options.providers; index += 1) {
    const provider = await SimulatedProvider.start();
    stack.defer(() => provider.stop());
    providers.push(provider);
  }
  const [failing] = providers;
  if (failing === undefined) throw new Error("a route needs a provider");
  const failingId = await configure(way, providers, options, stand.admin);
  const { healthyMs, failingMs, healedMs, ratePerSecond, stream } = options;
  const offer = (durationMs: number): Promise<ExchangeLog> =>
    stand.generator.offer({
      gateway: stand.admin.gateway.href,
      token,
      model: modelOf(way),
      stream,
      tokensMax,
      steps: [
        {
          plan: { kind: "open", ratePerSecond, gaps: "constant", inFlightMax: connectionsMax },
          durationMs,
        },
      ],
    });
  await offer(Math.min(warmUpMsMax, healthyMs));
  const load = offer(healthyMs + failingMs + healedMs);
  // Awaited below; until then a failure must not be nobody's.
  load.catch(() => undefined);
  await sleep(clock, healthyMs, signal);
  const failedAtMs = clock.nowMs();
  await failing.fail(way, Math.ceil(failingMs / 1_000) + 1);
  const watching = { untilMs: failedAtMs + failingMs, clock, signal };
  const leftAloneAtMs = await leftAlone(failingId, stand.admin, watching);
  await sleep(clock, failedAtMs + failingMs - clock.nowMs(), signal);
  await failing.heal();
  const healedAtMs = clock.nowMs();
  await sleep(clock, healedMs, signal);
  const endedAtMs = clock.nowMs();
  const log = await load;
  const arrivals = providers.map((provider) => provider.arrivals());
  return judgeWay({ way, log, arrivals, failedAtMs, healedAtMs, endedAtMs, leftAloneAtMs });
}

/** The id of the first one, which is preferred as long as it works. */
async function configure(
  way: FailWay,
  providers: readonly SimulatedProvider[],
  options: FailoverOptions,
  admin: TollgateAdmin,
): Promise<string> {
  const targets = [];
  for (const [index, provider] of providers.entries()) {
    const { id } = await createObject(admin, "providers", {
      name: `bench-${way}-${index + 1}`,
      dialect: "openai",
      base_url: provider.baseUrl,
      credential: "sk-bench-upstream",
      allow_private_network: true,
      timeouts_ms: { first_byte: options.firstByteMs },
    });
    const rates = { input_usd_per_million: "0.15", output_usd_per_million: "0.60" };
    await createObject(admin, "prices", { provider: id, model: upstreamModel, ...rates });
    targets.push({ provider: id, model: upstreamModel, priority: index });
  }
  const route = { model: modelOf(way), strategy: "priority", targets };
  await createObject(admin, "routes", route);
  return targets[0]?.provider ?? "";
}

type Watching = { readonly untilMs: number; readonly clock: Clock; readonly signal: AbortSignal };

/** Asks until the provider's breaker is open, or it is being waited for; undefined at `untilMs`. */
async function leftAlone(
  providerId: string,
  admin: TollgateAdmin,
  { untilMs, clock, signal }: Watching,
): Promise<number | undefined> {
  while (clock.nowMs() < untilMs) {
    const { health } = (await readAdmin(admin, `providers/${providerId}`)) as {
      readonly health: { readonly breaker: string; readonly available_at: string | null };
    };
    if (health.breaker !== "closed" || health.available_at !== null) return clock.nowMs();
    await sleep(clock, healthPollMs, signal);
    signal.throwIfAborted();
  }
  return undefined;
}
