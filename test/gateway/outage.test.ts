/**
 * A provider that is down for a minute under a steady 1,000 requests a second: the real gateway on
 * simulated time, disk and network. It sees hardly more than what was asked for until its breaker
 * opens, then only probes, and serves again within one open time of its recovery.
 *
 * To be quick the gateway gets only each tenth request in the middle of the outage, where all but a
 * few are refused; the lane's actor alone gets every one in a test of its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { assert } from "../../src/base/assert.ts";
import { createAdmin } from "../../src/admin/admin.ts";
import type { AdminVerdict } from "../../src/admin/refusal.ts";
import { laneInput, outcome, START_MS } from "../actors/fixtures.ts";
import { startProvider } from "../../actors/provider.ts";
import { openaiDialect } from "../../src/dialects/openai/dialect.ts";
import { assembleGateway } from "../../src/gateway/assemble.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { handle } from "../../src/gateway/handle.ts";
import type { ByteReader, Send } from "../../src/gateway/transport.ts";
import { openStore } from "../../src/store/open.ts";
import { Dice } from "../sim/dice.ts";
import { DiskLink } from "../sim/disk-link.ts";
import { simulatedClock, simulatedRandom } from "../sim/parts.ts";
import { inSimulation } from "../sim/trap.ts";
import { World } from "../sim/world.ts";

const APART_MS = 1;
/** From here on each tenth request comes, until shortly before the provider recovers. */
const THIN_FROM_MS = 1_500;
const THIN_UNTIL_MS = 59_500;
const OUTAGE_MS = 60_000;
/** Longer than the longest open time of a breaker that has opened four times. */
const AFTER_MS = 60_000;
const ANSWER_MS = 20;
/** What the wall clock shows at the beginning. */
const WALL_MS = Date.UTC(2026, 4, 10, 12);

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (event: string, fields?: object) => {
    throw new Error(`${event} ${JSON.stringify(fields)}`);
  },
};
const OWNER = { isDead: false };
const KEY = new Uint8Array(32).fill(7);
const ANSWER = new TextEncoder().encode(
  JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "gpt-test",
    choices: [
      { index: 0, finish_reason: "stop", message: { role: "assistant", content: "hello" } },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }),
);
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
      this.#world.schedule(ANSWER_MS, OWNER, () => {
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

function made<T>(verdict: AdminVerdict<T>): T {
  if (!verdict.allowed) throw new Error(JSON.stringify(verdict.refusal));
  return verdict.value;
}

type Site = {
  readonly gateway: Gateway;
  readonly token: string;
  readonly providerId: string;
};

async function build(world: World, upstream: Upstream, dataDir: string): Promise<Site> {
  const clock = simulatedClock(world, OWNER);
  const random = simulatedRandom(world, 1, 1, () => undefined);
  const disk = { takeFault: () => null, mayAct: () => true, wrote: () => undefined };
  const store = await openStore({
    dataDir,
    clock,
    connect: (events) => new DiskLink(world, OWNER, new Dice("disk"), disk, events),
  });
  const gateway = await assembleGateway({
    clock,
    random,
    log: SILENT,
    store,
    tokenPepper: KEY,
    unseal: (sealed) => sealed,
    version: "simulated",
    origins: { check: () => null },
    send: upstream.send,
    tokenCounter: { count: () => Promise.resolve(null), stop: () => undefined },
  });
  const admin = createAdmin({
    store,
    directory: gateway.directory,
    clock,
    random,
    tokenPepper: KEY,
    credentialKey: KEY,
  });
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

function run(dataDir: string): Seen {
  const world = new World(WALL_MS, false);
  return inSimulation(
    (step) => world.schedule(0, OWNER, step),
    () => new Outage(world, dataDir).see(),
  );
}

class Outage {
  readonly #world: World;
  readonly #upstream: Upstream;
  readonly #dataDir: string;
  readonly #phases: Phase[] = [];
  #offered = 0;
  #failed: unknown = null;
  readonly #later: Record<number, number> = {};

  constructor(world: World, dataDir: string) {
    this.#world = world;
    this.#upstream = new Upstream(world);
    this.#dataDir = dataDir;
  }

  see(): Seen {
    const site = this.#built();
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
      if (!this.#world.step() || this.#failed !== null) break;
      look();
    }
    if (this.#failed !== null) throw this.#failed;
    return this.#seen(closedAgainMs - startMs - OUTAGE_MS);
  }

  #built(): Site {
    let site: Site | null = null;
    const begin = async (): Promise<void> => {
      site = await build(this.#world, this.#upstream, this.#dataDir);
    };
    begin().catch((error: unknown) => this.#fail(error));
    const isBuilt = (): Site | null => site;
    for (let built = isBuilt(); ; built = isBuilt()) {
      if (built !== null) return built;
      if (this.#failed !== null || !this.#world.step()) throw this.#failed;
    }
  }

  #ask({ gateway, token }: Site, isLater: boolean): void {
    this.#offered += 1;
    const body = new TextEncoder().encode(
      JSON.stringify({ model: "small", messages: [{ role: "user", content: "hello" }] }),
    );
    const asked = async (): Promise<void> => {
      const { status } = await handle(gateway, {
        dialect: openaiDialect,
        surface: "chat",
        headers: new Headers({ authorization: `Bearer ${token}` }),
        declaredBytes: body.byteLength,
        signal: new AbortController().signal,
        onEnd: () => undefined,
        readBody: () => Promise.resolve(body),
      });
      if (isLater) this.#later[status] = (this.#later[status] ?? 0) + 1;
    };
    asked().catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#failed ??= error;
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
  const dataDir = mkdtempSync(join(tmpdir(), "tollgate-outage-"));
  try {
    const { phases, offered, recoveredAfterMs, later } = run(dataDir);
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
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
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
