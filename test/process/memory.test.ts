/**
 * Memory of a process whose clients keep leaving. Guaranteed: what the operating system says it uses
 * does not grow with the number of clients that left, nor do its open descriptors. The process is
 * told to collect its garbage before it is looked at; what is left swings by some megabytes, so the
 * lowest size of several rounds is compared with the lowest of as many later ones. A gateway that
 * leaks on purpose shows that the measure would see it.
 */
import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { usageOf } from "../../bench/process-usage.ts";
import type { Upstream } from "../../bench/upstream/server.ts";
import { chatInit } from "../support/chat.ts";
import { until } from "../support/until.ts";
import { type Child, MAIN, Stage } from "./harness.ts";
import { breachesIn, readLedger } from "./ledger.ts";
import { budgetsAt, furnish } from "./operator.ts";

const CLIENTS = 100;
const LEAVING_PER_ROUND = 500;
/** Rounds until code is compiled, pools are full and tables have their size. */
const WARM_UP_ROUNDS = 6;
const WINDOW_ROUNDS = 8;
const KIB = 1_024;
/** 2 KiB for each client that left between the two windows; noise is a third of it. */
const GROWTH_BYTES_MAX = 16 * KIB * KIB;
const TEST_MS_MAX = 300_000;
const PATIENCE_MS = 20_000;

/** Preloaded into the gateway's process: SIGUSR2 has it collect its garbage, and say so. */
const COLLECT = `
  process.on("SIGUSR2", () => {
    Bun.gc(true);
    // What finalizers let go of is found by a second look, a little later.
    setTimeout(() => {
      Bun.gc(true);
      console.error("collected");
    }, 20);
  });
`;

/** Preloaded as well: 16 KiB stay for each call to the provider that is aborted. */
const LEAK = `
  const kept = [];
  const { abort } = AbortController.prototype;
  AbortController.prototype.abort = function (...reason) {
    kept.push(new Uint8Array(${16 * KIB}).fill(1));
    return abort.apply(this, reason);
  };
`;

/** A gateway and what it takes to have clients leave it. */
type Left = {
  readonly tollgate: Child;
  readonly url: string;
  readonly upstream: Upstream;
  readonly token: string;
};

async function open(stage: Stage, preloaded: string): Promise<Left> {
  const upstream = await stage.upstream();
  const preload = stage.path("preload.js");
  writeFileSync(preload, preloaded);
  const tollgate = stage.serve(stage.path("data"), {
    command: [process.execPath, "--preload", preload, MAIN],
    args: ["--log-level", "warn"],
  });
  const url = await tollgate.url();
  const { token } = await furnish(url, upstream.url);
  return { tollgate, url, upstream, token };
}

/** One client that leaves: a third with the first event, the others at any time before or after. */
async function leave(left: Left, index: number, triesLeft = 100): Promise<void> {
  const { url, token } = left;
  const leaving = new AbortController();
  const leavesAtFirstEvent = index % 3 === 0;
  const timer = leavesAtFirstEvent
    ? undefined
    : setTimeout(() => leaving.abort(), 1 + ((index * 7) % 80));
  const init = chatInit({
    token,
    body: { model: "steady/sim-small", stream: index % 3 !== 1, max_tokens: 1_000 },
    script: "tokens=500&headers_delay_ms=20&token_delay_ms=10",
    signal: leaving.signal,
  });
  let status = 0;
  try {
    const answer = await fetch(`${url}/v1/chat/completions`, init);
    ({ status } = answer);
    const reader = answer.body?.getReader();
    for (let isDone = false; !isDone;) {
      isDone = (await reader?.read())?.done ?? true;
      if (leavesAtFirstEvent) leaving.abort();
    }
  } catch (error) {
    // Leaving is what this client came for.
    if (!leaving.signal.aborted) throw error;
    return;
  } finally {
    clearTimeout(timer);
  }
  // A disk that stands still for seconds makes the gateway turn clients away: this one comes again.
  if (status === 503 && triesLeft > 0) {
    await Bun.sleep(100);
    return leave(left, index, triesLeft - 1);
  }
  throw new Error(`an answer of five seconds was complete before its client left: ${status}`);
}

/** Resident bytes of the process after each of `rounds`, at rest and without garbage. */
async function sizesAfter(left: Left, rounds: number): Promise<readonly number[]> {
  const sizes: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < LEAVING_PER_ROUND) await leave(left, next++);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    // On a busy machine the gateway may hear of clients long after they left.
    await until(() => isAtRest(left), PATIENCE_MS);
    await left.upstream.until(({ inFlight }) => inFlight === 0, PATIENCE_MS);
    await collect(left.tollgate);
    sizes.push(usageOf(left.tollgate.pid)?.residentBytes ?? Number.NaN);
  }
  return sizes;
}

async function isAtRest({ url }: Left): Promise<boolean> {
  const health = await (await fetch(`${url}/health`)).text();
  return health.includes('"in_flight":0,') && health.includes('"ledger_queue":0,');
}

async function collect(tollgate: Child): Promise<void> {
  const said = tollgate.err.length;
  tollgate.kill("SIGUSR2");
  await until(() => tollgate.err.includes("collected", said), PATIENCE_MS);
}

/** How much more the smallest of the last rounds is than the smallest of the first after warm-up. */
function growthOf(sizes: readonly number[], warmUp: number, window: number): number {
  const first = sizes.slice(warmUp, warmUp + window);
  return Math.min(...sizes.slice(-window)) - Math.min(...first);
}

function descriptorsOf({ pid }: Child): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function inMib(sizes: readonly number[]): string {
  return sizes.map((bytes) => Math.round(bytes / KIB / KIB)).join(" ");
}

test(
  "fifteen thousand clients that leave leave no memory and no socket behind",
  async () => {
    await using stage = new Stage();
    const left = await open(stage, COLLECT);
    const warmUp = await sizesAfter(left, WARM_UP_ROUNDS);
    const { tollgate, url, upstream } = left;
    const descriptors = descriptorsOf(tollgate);
    const sizes = [...warmUp, ...(await sizesAfter(left, 3 * WINDOW_ROUNDS))];
    const grown = growthOf(sizes, WARM_UP_ROUNDS, WINDOW_ROUNDS);
    const { requests, completed, closedEarly } = upstream.stats();
    console.info(`clients that leave: ${requests} reached the provider; MiB: ${inMib(sizes)}`);

    expect(grown).toBeLessThan(GROWTH_BYTES_MAX);
    expect([completed + closedEarly, requests > sizes.length * (LEAVING_PER_ROUND / 4)]).toEqual([
      requests,
      true,
    ]);
    // Those kept for the next request to the provider or the next client may come and go.
    await until(() => descriptorsOf(tollgate) <= descriptors + CLIENTS / 4);
    const held = (await budgetsAt(url)).map((budget) => budget.held_usd);
    expect(held).toEqual(["0.00", "0.00", "0.00"]);
    expect(await tollgate.stop()).toEqual({ code: 0, signal: null });
    const ledger = readLedger(stage.path("data"));
    expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
    expect(ledger.attempts.length).toBeGreaterThanOrEqual(requests);
  },
  TEST_MS_MAX,
);

test(
  "a gateway that keeps 16 KiB of each client that leaves is found out by the same measure",
  async () => {
    await using stage = new Stage();
    const left = await open(stage, COLLECT + LEAK);
    const sizes = await sizesAfter(left, WARM_UP_ROUNDS + 12);
    // Windows as short as so large a leak allows.
    const grown = growthOf(sizes, WARM_UP_ROUNDS, 4);
    console.info(`clients that leave a leak: MiB: ${inMib(sizes)}`);
    expect(grown).toBeGreaterThan(GROWTH_BYTES_MAX);
  },
  TEST_MS_MAX,
);
