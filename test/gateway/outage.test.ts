/**
 * A provider that is down for a minute under a steady 1,000 requests a second: the real gateway on
 * simulated time, disk and network. It sees hardly more than what was asked for until its breaker
 * opens, then only probes, and serves again within one open time of its recovery.
 *
 * To be quick the gateway gets only each tenth request in the middle of the outage, where all but a
 * few are refused; the lane's actor alone gets every one in a test of its own.
 */
import { expect, test } from "bun:test";
import { assert } from "../../src/base/assert.ts";
import { laneInput, outcome, START_MS } from "../actors/fixtures.ts";
import { startProvider } from "../../actors/provider.ts";
import type { ByteReader, Send } from "../../src/gateway/transport.ts";
import type { World } from "../sim/world.ts";
import { ask, made, onSimulatedTime, PLAIN_ANSWER, type SimulatedSite } from "./simulated-site.ts";

const APART_MS = 1;
/** From here on each tenth request comes, until shortly before the provider recovers. */
const THIN_FROM_MS = 1_500;
const THIN_UNTIL_MS = 59_500;
const OUTAGE_MS = 60_000;
/** Longer than the longest open time of a breaker that has opened four times. */
const AFTER_MS = 60_000;
const ANSWER_MS = 20;
const ANSWER = new TextEncoder().encode(PLAIN_ANSWER);
const DOWN = new TextEncoder().encode('{"error":{"message":"down","type":"server_error"}}');

/** The network: one provider, which answers after a while, and badly while it is down. */
class Upstream {
  isDown = true;
  calls = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  readonly send: Send = () => {
    this.calls += 1;
    const status = this.isDown ? 503 : 200;
    const bytes = status === 200 ? ANSWER : DOWN;
    return new Promise((resolve) => {
      this.#world.schedule(ANSWER_MS, null, () => {
        const body = { getReader: () => readerOf(bytes) };
        const headers = new Headers({ "content-type": "application/json" });
        resolve({ status, headers, body });
      });
    });
  };
}

function readerOf(bytes: Uint8Array): ByteReader {
  const reads = [bytes];
  return {
    read: () => {
      const value = reads.shift();
      return Promise.resolve(value === undefined ? { done: true } : { done: false, value });
    },
    cancel: () => Promise.resolve(),
  };
}

type Site = {
  readonly gateway: SimulatedSite["gateway"];
  readonly token: string;
  readonly providerId: string;
};

async function furnish({ gateway, admin }: SimulatedSite): Promise<Site> {
  const tenant = made(await admin.tenants.create({ name: "acme" }));
  const { token } = made(await admin.tokens.create({ tenant_id: tenant.id, name: "app" }));
  const provider = made(
    await admin.providers.create({ name: "only", base_url: "https://only.example/v1" }),
  );
  const model = "gpt-test";
  const usd = { input_usd_per_million: "1.00", output_usd_per_million: "2.00" };
  made(await admin.prices.create({ provider: "only", model, ...usd }));
  const targets = [{ provider: "only", model }];
  made(await admin.routes.create({ model: "small", strategy: "priority", targets }));
  return { gateway, token, providerId: provider.id };
}

/** What was seen between two states of the breaker. */
type Phase = {
  readonly breaker: string;
  readonly fromMs: number;
  readonly callsBefore: number;
  readonly offeredBefore: number;
};

type Seen = {
  readonly phases: readonly (Phase & { readonly ms: number; readonly calls: number })[];
  readonly offered: number;
  readonly calls: number;
  readonly recoveredAfterMs: number;
  /** Statuses of the exchanges that began once the breaker had closed. */
  readonly later: Readonly<Record<number, number>>;
};

function run(): Seen {
  return onSimulatedTime(
    (world) => new Upstream(world),
    (site) => new Outage(site).see(),
  );
}

class Outage {
  readonly #site: SimulatedSite<Upstream>;
  readonly #world: World;
  readonly #upstream: Upstream;
  readonly #phases: Phase[] = [];
  #offered = 0;
  readonly #later: Record<number, number> = {};

  constructor(site: SimulatedSite<Upstream>) {
    this.#site = site;
    this.#world = site.world;
    this.#upstream = site.network;
  }

  see(): Seen {
    const site = this.#site.settled(() => furnish(this.#site));
    const startMs = this.#world.nowMs;
    let closedAgainMs = Number.POSITIVE_INFINITY;
    const look = (): void => {
      const { breaker } = site.gateway.directory.providerHealth(site.providerId);
      if (this.#phases.at(-1)?.breaker === breaker) return;
      if (breaker === "closed" && this.#phases.length > 0) closedAgainMs = this.#world.nowMs;
      this.#phases.push({
        breaker,
        fromMs: this.#world.nowMs - startMs,
        callsBefore: this.#upstream.calls,
        offeredBefore: this.#offered,
      });
    };
    const arrive = (): void => {
      if (this.#world.nowMs >= startMs + OUTAGE_MS + AFTER_MS) return;
      const atMs = this.#world.nowMs - startMs;
      const isThin = atMs > THIN_FROM_MS && atMs < THIN_UNTIL_MS;
      this.#world.schedule(isThin ? 10 * APART_MS : APART_MS, null, arrive);
      this.#ask(site, this.#world.nowMs > closedAgainMs);
    };
    arrive();
    this.#world.schedule(OUTAGE_MS, null, () => {
      this.#upstream.isDown = false;
    });
    const lastMs = startMs + OUTAGE_MS + AFTER_MS + 1_000;
    while (this.#world.nowMs < lastMs && this.#world.nowMs < closedAgainMs + 2_000) {
      if (!this.#site.step()) break;
      look();
    }
    return this.#seen(closedAgainMs - startMs - OUTAGE_MS);
  }

  #ask({ gateway, token }: Site, isLater: boolean): void {
    this.#offered += 1;
    const body = { model: "small", messages: [{ role: "user", content: "hello" }] };
    this.#site.follow(async () => {
      const { status } = await ask(gateway, { token, body: JSON.stringify(body) });
      if (isLater) this.#later[status] = (this.#later[status] ?? 0) + 1;
    });
  }

  #seen(recoveredAfterMs: number): Seen {
    const { calls } = this.#upstream;
    const phases = this.#phases.map((phase, index) => {
      const next = this.#phases[index + 1];
      const ms = (next?.fromMs ?? OUTAGE_MS) - phase.fromMs;
      return { ...phase, ms, calls: (next?.callsBefore ?? calls) - phase.callsBefore };
    });
    return { phases, offered: this.#offered, calls, recoveredAfterMs, later: this.#later };
  }
}

test("a minute of 503 at 1,000 requests a second is met with probes, and ends by itself", () => {
  const { phases, offered, recoveredAfterMs, later } = run();
  expect(offered).toBeGreaterThanOrEqual(8_000);
  const [first, opened, ...others] = phases;
  expect([first?.breaker, opened?.breaker]).toEqual(["closed", "open"]);
  assert(opened, "the breaker never opened");
  expect(opened.offeredBefore).toBeLessThan(100);
  // Until it opens: at most a tenth more than what was offered. Some were permitted then and are
  // sent a moment later, when their hold is on the disk.
  const late = Math.max(0, opened.offeredBefore - opened.callsBefore);
  expect(opened.callsBefore + late).toBeLessThanOrEqual(opened.offeredBefore * 1.1);
  // From then on: one last resort each second of an open time, and three probes after it.
  const down = [opened, ...others].filter(({ fromMs }) => fromMs < OUTAGE_MS);
  expect(down.length).toBeGreaterThan(4);
  for (const phase of down) {
    const most = phase.breaker === "open" ? Math.ceil(phase.ms / 1_000) : 3;
    expect([phase, phase.calls <= most + (phase === opened ? late : 0)]).toEqual([phase, true]);
  }
  // It serves again before the open time that it was in is over: a last resort was answered.
  expect(recoveredAfterMs).toBeLessThan(2_000);
  expect(Object.keys(later)).toEqual(["200"]);
  expect(later[200]).toBeGreaterThan(1_000);
});

test("the lane alone, with every request: what passes is bounded for each open time", () => {
  const lane = startProvider(laneInput(), (error) => {
    throw error;
  });
  const passed: { breaker: string; calls: number; fromMs: number }[] = [];
  const answers: (() => void)[] = [];
  let asked = 0;
  for (let atMs = START_MS; atMs < START_MS + OUTAGE_MS; atMs += APART_MS) {
    // The answer to what was sent a while ago comes first.
    answers[asked - ANSWER_MS]?.();
    const attemptId = String(asked);
    const permit = lane.ask({ type: "permit.request", attemptId, isLastResort: true, atMs });
    if (permit.allowed) {
      answers[asked] = () => {
        const nowMs = atMs + ANSWER_MS;
        lane.send(outcome(attemptId, "bad", nowMs));
        lane.send({ type: "attempt.end", attemptId, observed: null, atMs: nowMs });
      };
    }
    asked += 1;
    const breaker = lane.breaker();
    if (passed.at(-1)?.breaker !== breaker) passed.push({ breaker, calls: 0, fromMs: atMs });
    const last = passed.at(-1);
    if (last !== undefined && permit.allowed) last.calls += 1;
  }
  // Open times of 5, 10, 20 and 40 s, each after one failed probe; a last resort each second.
  expect(asked).toBe(60_000);
  expect(passed.map(({ breaker, calls }) => `${breaker} ${calls}`)).toEqual([
    "closed 29",
    "open 4",
    "half_open 3",
    "open 9",
    "half_open 3",
    "open 19",
    "half_open 3",
    "open 24",
  ]);
});
