/**
 * One tenant's steady load on simulated time, once alone and once beside a hostile tenant: each of its
 * requests gets the same answer, after the same time. Where both share a provider's slots it waits for
 * its turn, and no longer than is said here.
 */
import { expect, test } from "bun:test";
import type { Reply } from "../../src/gateway/exchange.ts";
import type { ByteReader } from "../../src/gateway/transport.ts";
import { Wire, type Feed } from "../sim/wire.ts";
import type { World } from "../sim/world.ts";
import { ask, made, onSimulatedTime, PLAIN_ANSWER, type SimulatedSite } from "./simulated-site.ts";

const LASTS_MS = 5_000;
const STEADY_EVERY_MS = 40;
const HOSTILE_EVERY_MS = 20;
/** Fifty times what its access token may ask. */
const FLOOD_EVERY_MS = 10;
const FLOODED_PER_MINUTE = 120;
const ANSWER_MS = 20;
const REFUSAL_MS = 100;
const TOKEN_APART_MS = 10;
const HOSTILE_STREAM_TOKENS = 50;
/** How long a hostile client that does not wait for its answer stays. */
const PATIENCE_MS = 60;
/** How often the gateway looks whether somebody's time is over. */
const SWEEP_MS = 50;
const TOO_LONG = JSON.stringify({
  error: { message: "too long", type: "invalid_request_error", code: "context_length_exceeded" },
});
const JSON_HEADERS = { "content-type": "application/json" };
const SSE_HEADERS = { "content-type": "text/event-stream" };

/** The one provider; it does as the first words of a conversation say. */
class Upstream {
  calls: Record<string, number> = {};
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  readonly send = (_url: string, init: RequestInit): Promise<Awaited<Wire["answer"]>> => {
    const { messages } = JSON.parse(new TextDecoder().decode(init.body as Uint8Array)) as {
      readonly messages: readonly { readonly content: string }[];
    };
    const what = messages[0]?.content ?? "";
    this.calls[what] = (this.calls[what] ?? 0) + 1;
    const wire = new Wire(
      this.#world,
      { isDead: false },
      init.signal ?? new AbortController().signal,
    );
    if (what === "too long")
      wire.respond(REFUSAL_MS, 400, JSON_HEADERS, (feed) => whole(feed, TOO_LONG));
    if (what === "plain")
      wire.respond(ANSWER_MS, 200, JSON_HEADERS, (feed) => whole(feed, PLAIN_ANSWER));
    if (what === "stream")
      wire.respond(ANSWER_MS, 200, SSE_HEADERS, (feed) => this.#tokens(feed, 4));
    if (what === "long stream") {
      wire.respond(1, 200, SSE_HEADERS, (feed) => this.#tokens(feed, HOSTILE_STREAM_TOKENS));
    }
    return wire.answer;
  };

  #tokens(feed: Feed, left: number): void {
    feed.push(
      `data: ${JSON.stringify(chunk({ content: "word " }, left === 1 ? "stop" : null))}\n\n`,
    );
    if (left > 1) {
      this.#world.schedule(TOKEN_APART_MS, null, () => this.#tokens(feed, left - 1));
      return;
    }
    const usage = { prompt_tokens: 1, completion_tokens: 4, total_tokens: 5 };
    feed.push(`data: ${JSON.stringify({ ...chunk(null, null), usage })}\n\ndata: [DONE]\n\n`);
    feed.end();
  }
}

function whole(feed: Feed, text: string): void {
  feed.push(text);
  feed.end();
}

function chunk(delta: object | null, finish: string | null): object {
  const choices = delta === null ? [] : [{ index: 0, delta, finish_reason: finish }];
  return { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices };
}

/** What the steady tenant saw of one request. */
type Visit = {
  readonly beganMs: number;
  readonly what: string;
  readonly status: number;
  readonly text: string;
  readonly latencyMs: number;
};

type Run = {
  readonly visits: readonly Visit[];
  /** How often each hostile act ended in which status; 0: its client had gone. */
  readonly hostile: Readonly<Record<string, Readonly<Record<number, number>>>>;
  readonly calls: Readonly<Record<string, number>>;
  readonly breakers: readonly string[];
  readonly waitingMax: number;
};

type Terms = {
  readonly max_concurrent?: number;
  readonly queue?: { readonly waiting_max: number; readonly wait_ms: number };
};

type Scene = SimulatedSite<Upstream>;

function run(hasHostile: boolean, terms: Terms, diskTravelMs: number): Run {
  return onSimulatedTime(
    (world) => new Upstream(world),
    (site) => new Town(site, terms).live(hasHostile),
    diskTravelMs,
  );
}

type Tokens = { readonly steady: string; readonly hostile: string; readonly flooding: string };

class Town {
  readonly #site: Scene;
  readonly #tokens: Tokens;
  readonly #visits: Visit[] = [];
  readonly #hostile: Record<string, Record<number, number>> = {};

  constructor(site: Scene, terms: Terms) {
    this.#site = site;
    this.#tokens = site.settled(() => furnish(site, terms));
    // A tenant's first request waits until what it has spent was read; that is not what this is about.
    for (const token of [this.#tokens.steady, this.#tokens.hostile]) {
      site.settled(() => ask(site.gateway, { token, body: bodyOf("plain") }));
    }
  }

  live(hasHostile: boolean): Run {
    const { world, gateway } = this.#site;
    const untilMs = world.nowMs + LASTS_MS;
    this.#every(STEADY_EVERY_MS, untilMs, (count) =>
      this.#steady(count % 2 === 0 ? "plain" : "stream"),
    );
    if (hasHostile) this.#attack(untilMs);
    const breakers = new Set<string>();
    const [provider] = gateway.directory.providers();
    let waitingMax = 0;
    this.#site.until(() => {
      if (provider !== undefined) {
        breakers.add(gateway.directory.providerHealth(provider.row.id).breaker);
        waitingMax = Math.max(waitingMax, provider.gate.state().waiting);
      }
      return world.nowMs >= untilMs && gateway.lifecycle.inFlightCount() === 0;
    });
    return {
      visits: this.#visits.toSorted((one, other) => one.beganMs - other.beganMs),
      hostile: this.#hostile,
      calls: this.#site.network.calls,
      breakers: [...breakers],
      waitingMax,
    };
  }

  #every(periodMs: number, untilMs: number, act: (count: number) => void): void {
    const { world } = this.#site;
    let count = 0;
    const next = (): void => {
      if (world.nowMs >= untilMs) return;
      world.schedule(periodMs, null, next);
      act(count);
      count += 1;
    };
    // In an event of the world, after which everything that follows from it is followed.
    world.schedule(0, null, next);
  }

  #steady(what: "plain" | "stream"): void {
    const { world, gateway } = this.#site;
    const beganMs = world.nowMs;
    this.#site.follow(async () => {
      const reply = await ask(gateway, { token: this.#tokens.steady, body: bodyOf(what) });
      const text = await wholeOf(reply);
      // Times are sums of fractions; what is below a thousandth of a millisecond is arithmetic.
      const latencyMs = Math.round((world.nowMs - beganMs) * 1_000) / 1_000;
      this.#visits.push({ beganMs, what, status: reply.status, text, latencyMs });
    });
  }

  /** Everything that a tenant can do to its own requests, all at once. */
  #attack(untilMs: number): void {
    const { hostile, flooding } = this.#tokens;
    const acts: readonly (Act & { readonly what: string })[] = [
      { what: "leaves before the answer", body: bodyOf("hang"), leavesMs: PATIENCE_MS },
      { what: "leaves within a stream", body: bodyOf("long stream"), leavesMs: PATIENCE_MS },
      {
        what: "gives a millisecond",
        body: bodyOf("hang"),
        headers: { "x-tollgate-timeout-ms": "1" },
      },
      { what: "sends no request", body: '{"model":"small","messages":7}' },
      { what: "sends no JSON", body: '{"model":' },
      { what: "asks too much", body: bodyOf("too long") },
    ];
    this.#every(HOSTILE_EVERY_MS, untilMs, () => {
      for (const { what, ...act } of acts) this.#act(what, hostile, act);
    });
    const flood = { body: bodyOf("too long") };
    this.#every(FLOOD_EVERY_MS, untilMs, () => this.#act("floods", flooding, flood));
  }

  #act(what: string, token: string, { body, headers, leavesMs }: Act): void {
    const { world, gateway } = this.#site;
    const leaving = new AbortController();
    if (leavesMs !== undefined) world.schedule(leavesMs, null, () => leaving.abort());
    this.#site.follow(async () => {
      const asked = { token, body, signal: leaving.signal, ...(headers && { headers }) };
      const reply = await ask(gateway, asked);
      await wholeOf(reply, leaving.signal);
      const status = leaving.signal.aborted ? 0 : reply.status;
      const ends = (this.#hostile[what] ??= {});
      ends[status] = (ends[status] ?? 0) + 1;
    });
  }
}

type Act = {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly leavesMs?: number;
};

function bodyOf(what: string): string {
  const messages = [{ role: "user", content: what }];
  const stream = what.endsWith("stream");
  return JSON.stringify({ model: "small", messages, max_tokens: 100, ...(stream && { stream }) });
}

async function wholeOf({ body }: Reply, leaving?: AbortSignal): Promise<string> {
  if (typeof body === "string") return body;
  if (!(body instanceof ReadableStream)) return new TextDecoder().decode(body);
  const reader: ByteReader = body.getReader();
  leaving?.addEventListener("abort", () => void reader.cancel().catch(() => undefined));
  let text = "";
  for (;;) {
    const read = await reader.read();
    if (read.done) return text;
    text += new TextDecoder().decode(read.value);
  }
}

async function furnish({ admin }: Scene, terms: Terms): Promise<Tokens> {
  const usd = { input_usd_per_million: "1.00", output_usd_per_million: "2.00" };
  const base_url = "https://only.example/v1";
  made(await admin.providers.create({ name: "only", base_url, ...terms }));
  made(await admin.prices.create({ provider: "only", model: "m", ...usd }));
  const targets = [{ provider: "only", model: "m" }];
  made(await admin.routes.create({ model: "small", strategy: "priority", targets }));
  const tokenOf = async (tenant_id: string, name: string) =>
    made(await admin.tokens.create({ tenant_id, name }));
  const good = made(await admin.tenants.create({ name: "good" }));
  const bad = made(await admin.tenants.create({ name: "bad" }));
  const flooding = await tokenOf(bad.id, "flooding");
  const scope = { type: "token", id: flooding.id } as const;
  made(await admin.limits.create({ scope, requests_per_minute: FLOODED_PER_MINUTE }));
  return {
    steady: (await tokenOf(good.id, "steady")).token,
    hostile: (await tokenOf(bad.id, "hostile")).token,
    flooding: flooding.token,
  };
}

/** That the attack was the attack it claims to be, and that no breaker took notice. */
function expectAttacked({ hostile, calls, breakers }: Run): void {
  const statuses = Object.entries(hostile).map(([what, ends]) => [what, Object.keys(ends)]);
  expect(Object.fromEntries(statuses)).toEqual({
    "leaves before the answer": ["0"],
    "leaves within a stream": ["0"],
    "gives a millisecond": ["504"],
    "sends no request": ["400"],
    "sends no JSON": ["400"],
    "asks too much": ["400"],
    floods: ["400", "429"],
  });
  const acts = LASTS_MS / HOSTILE_EVERY_MS;
  for (const ends of Object.values(hostile)) {
    expect(Object.values(ends).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(acts);
  }
  expect(calls["hang"]).toBeGreaterThan(0);
  expect(breakers).toEqual(["closed"]);
}

const alone = run(false, {}, 0);

test("alone, each request of the steady tenant is served in the provider's own time", () => {
  expect(alone.visits).toHaveLength(LASTS_MS / STEADY_EVERY_MS);
  expect(alone.hostile).toEqual({});
  const seen = new Set(
    alone.visits.map(({ what, status, latencyMs }) => `${what} ${status} ${latencyMs}`),
  );
  expect([...seen]).toEqual(["plain 200 20.7", "stream 200 50.7"]);
});

test("beside a hostile tenant every request has the same answer after exactly the same time", () => {
  const beside = run(true, {}, 0);
  expectAttacked(beside);
  expect(beside.visits).toEqual([...alone.visits]);
});

test("where a commit takes its time, a request waits for at most the one that is under way", () => {
  const travelMs = 2;
  const quiet = run(false, {}, travelMs);
  const beside = run(true, {}, travelMs);
  expectAttacked(beside);
  expect(laterThan(quiet, beside).answers).toEqual([]);
  expect(laterThan(quiet, beside).mostMs).toBeLessThanOrEqual(2 * travelMs);
});

test("where slots are scarce, a request waits for its tenant's turn and not behind the other's queue", () => {
  const terms = { max_concurrent: 4, queue: { waiting_max: 200, wait_ms: 5_000 } };
  const beside = run(true, terms, 0);
  expect(beside.breakers).toEqual(["closed"]);

  expect(beside.waitingMax).toBeGreaterThan(50);
  const { answers, mostMs } = laterThan(alone, beside);
  expect(answers).toEqual([]);
  expect(mostMs).toBeGreaterThan(0);
  // Tenants take turns, and a slot is kept until its client's time was found to be over, at most: of
  // four there is always one free within that time that is not the other's turn.
  expect(mostMs).toBeLessThanOrEqual(PATIENCE_MS + SWEEP_MS);
});

/** How much later than in the first run it was answered in the other, at most; and who was otherwise. */
function laterThan(one: Run, other: Run): { mostMs: number; answers: readonly unknown[] } {
  expect(other.visits).toHaveLength(one.visits.length);
  const pairs = one.visits.map((visit, place) => ({ visit, its: other.visits[place] }));
  const answers = pairs.filter(({ visit, its }) => !isSameAnswer(visit, its));
  const waits = pairs.map(({ visit, its }) => (its?.latencyMs ?? Infinity) - visit.latencyMs);
  return { mostMs: Math.max(...waits), answers };
}

function isSameAnswer({ beganMs, what, status, text }: Visit, other: Visit | undefined): boolean {
  return Bun.deepEquals(
    [beganMs, what, status, text],
    [other?.beganMs, other?.what, other?.status, other?.text],
  );
}
