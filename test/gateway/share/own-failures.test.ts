/**
 * A flight whose first exchange fails for reasons of its own, on simulated time: who had joined it goes
 * on without it, all together as one flight. What the provider fails for, all get.
 */
import { expect, test } from "bun:test";
import type { RequestDetail } from "../../../src/store/history-contract.ts";
import type { Reply } from "../../../src/gateway/exchange.ts";
import { Wire } from "../../sim/wire.ts";
import type { World } from "../../sim/world.ts";
import { ask, made, onSimulatedTime, PLAIN_ANSWER, type SimulatedSite } from "../simulated-site.ts";

const MANY = 200;
const JSON_HEADERS = { "content-type": "application/json" };
const DOWN = JSON.stringify({ error: { message: "down", type: "server_error", code: null } });
const ASKED = {
  model: "small",
  messages: [{ role: "user", content: "hello ".repeat(200) }],
  max_tokens: 10,
  temperature: 0,
};

type Scripted = { readonly afterMs: number; readonly status: number };

const GOOD: Scripted = { afterMs: 100, status: 200 };
const SILENT: Scripted = { afterMs: 60_000, status: 200 };

/** Answers its calls in turn as it is told, the rest well. */
class Upstream {
  script: Scripted[] = [];
  calls = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  readonly send = (_url: string, init: RequestInit): Promise<Awaited<Wire["answer"]>> => {
    const { afterMs, status } = this.script[this.calls] ?? GOOD;
    this.calls += 1;
    const signal = init.signal ?? new AbortController().signal;
    const wire = new Wire(this.#world, { isDead: false }, signal);
    wire.respond(afterMs, status, JSON_HEADERS, (feed) => {
      feed.push(status === 200 ? PLAIN_ANSWER : DOWN);
      feed.end();
    });
    return wire.answer;
  };
}

type Cost = "first" | "split";
type Site = SimulatedSite<Upstream>;
type Seen = Reply & { readonly atMs: number; readonly detail: RequestDetail };

/** Two access tokens of a tenant, on a route that shares; what eve may spend is for one attempt. */
class Scene {
  readonly site: Site;
  readonly ann: string;
  readonly eve: string;
  readonly #tenantId: string;
  readonly #beganMs: number;
  readonly seen: Record<string, Seen> = {};

  constructor(site: Site, cost: Cost, eveUsd: string | null) {
    this.site = site;
    const furnished = site.settled(() => furnish(site, cost, eveUsd));
    this.ann = furnished.ann;
    this.eve = furnished.eve;
    this.#tenantId = furnished.tenantId;
    // What the tenant has spent is read once, at its first request.
    site.settled(() => ask(site.gateway, { token: this.ann, body: JSON.stringify(ASKED) }));
    site.network.calls = 0;
    this.#beganMs = site.world.nowMs;
  }

  /** Asks at a time, in milliseconds after the begin. */
  at(
    ms: number,
    name: string,
    token: string,
    headers: Readonly<Record<string, string>> = {},
    asked: object = ASKED,
  ): void {
    const { world, gateway } = this.site;
    world.schedule(ms, null, () =>
      this.site.follow(async () => {
        const reply = await ask(gateway, { token, body: JSON.stringify(asked), headers });
        const atMs = Math.round(world.nowMs - this.#beganMs);
        const detail = await this.#detailOf(reply);
        this.seen[name] = { ...reply, atMs, detail };
      }),
    );
  }

  /** Until all of these are answered and nothing is left of them. */
  end(names: readonly string[]): void {
    const { gateway } = this.site;
    this.site.until(() => names.every((name) => this.seen[name] !== undefined));
    const { lifecycle, sharing } = gateway;
    this.site.until(() => lifecycle.inFlightCount() === 0);
    expect([sharing.flights.size, sharing.recordings.count]).toEqual([0, 0]);
    const states = this.site.settled(() => gateway.directory.budgetStates(this.#tenantId));
    expect(states.map(({ heldNanoUsd }) => heldNanoUsd)).toEqual(states.map(() => 0));
  }

  async #detailOf({ headers }: Reply): Promise<RequestDetail> {
    const { store } = this.site.gateway;
    await store.flush();
    const detail = await store.requestDetail(headers["x-request-id"] ?? "");
    if (detail === null) throw new Error("there is no row");
    return detail;
  }
}

async function furnish({ admin }: Site, cost: Cost, eveUsd: string | null) {
  const usd = { input_usd_per_million: "1.00", output_usd_per_million: "2.00" };
  made(await admin.providers.create({ name: "only", base_url: "https://only.example/v1" }));
  made(await admin.prices.create({ provider: "only", model: "m", ...usd }));
  const targets = [{ provider: "only", model: "m" }];
  const retries = { attempts_max: 2, backoff_base_ms: 1 };
  made(await admin.routes.create({ model: "small", targets, retries, single_flight: { cost } }));
  const tenant_id = made(await admin.tenants.create({ name: "acme" })).id;
  const ann = made(await admin.tokens.create({ tenant_id, name: "ann" }));
  const eve = made(await admin.tokens.create({ tenant_id, name: "eve" }));
  const window = "total";
  const whole = { type: "tenant", id: tenant_id } as const;
  made(await admin.budgets.create({ scope: whole, amount_usd: "10.00", window }));
  const scope = { type: "token", id: eve.id } as const;
  if (eveUsd !== null) made(await admin.budgets.create({ scope, amount_usd: eveUsd, window }));
  return { tenantId: tenant_id, ann: ann.token, eve: eve.token };
}

function scene(
  cost: Cost,
  script: readonly Scripted[],
  story: (scene: Scene) => void,
  eveUsd: string | null = null,
): void {
  onSimulatedTime(
    (world) => new Upstream(world),
    (site) => {
      const opened = new Scene(site, cost, eveUsd);
      site.network.script = [...script];
      story(opened);
    },
    0,
  );
}

/** Room for one attempt, and none for another beside what the first one cost. */
const ONE_ATTEMPT_USD = "0.0014";
const FAILING: Scripted = { afterMs: 200, status: 500 };

test.each(["first", "split"] as const)(
  `whose budget has no room for a repeat fails alone; ${MANY} others are one flight more (cost: %s)`,
  (cost) => {
    scene(
      cost,
      [FAILING],
      (opened) => {
        const names = Array.from({ length: MANY }, (_, place) => `ann ${place}`);
        opened.at(0, "eve", opened.eve);
        for (const name of names) opened.at(100, name, opened.ann);
        opened.end(["eve", ...names]);
        const { eve, ...others } = opened.seen;
        expect([eve?.status, eve?.detail.attempts.length]).toEqual([500, 1]);
        expect(
          new Set(Object.values(others).map(({ status, atMs }) => `${status} ${atMs}`)),
        ).toEqual(new Set(["200 301"]));
        expect(opened.site.network.calls).toBe(2);
        const rows = Object.values(others).map(({ detail }) => detail.request);
        const [leader, ...more] = rows.filter((row) => row?.answeredBy === null);
        expect(more).toEqual([]);
        const followers = rows.filter((row) => row?.answeredBy === leader?.id);
        expect(followers).toHaveLength(MANY - 1);
      },
      ONE_ATTEMPT_USD,
    );
  },
);

const LIMIT_MS = 1_000;
const LIMITED = { "x-tollgate-timeout-ms": String(LIMIT_MS) };

test("whose own time is over fails alone, and the other has the rest of its own", () => {
  scene("first", [SILENT], (opened) => {
    opened.at(0, "one", opened.ann, LIMITED);
    opened.at(600, "other", opened.ann, LIMITED);
    opened.end(["one", "other"]);
    const { one, other } = opened.seen;
    expect([one?.status, one?.headers["x-tollgate-timeout"]]).toEqual([504, "deadline"]);
    expect([other?.status, other?.headers["x-tollgate-attempts"]]).toEqual([200, "1"]);
    expect((other?.atMs ?? 0) - (one?.atMs ?? 0)).toBeLessThanOrEqual(GOOD.afterMs + 1);
    expect(other?.detail.request).toMatchObject({ answeredBy: null, attemptCount: 1 });
    expect(opened.site.network.calls).toBe(2);
  });
});

test("who has no time left to go on with gets what the first one got", () => {
  scene("first", [SILENT], (opened) => {
    opened.at(0, "one", opened.ann, LIMITED);
    opened.at(40, "other", opened.ann, LIMITED);
    opened.end(["one", "other"]);
    const { one, other } = opened.seen;
    expect([other?.status, other?.body, other?.atMs]).toEqual([504, one?.body, one?.atMs]);
    expect(other?.detail.attempts).toEqual([]);
    expect(opened.site.network.calls).toBe(1);
  });
});

test("who has spent its room meanwhile is told so, and not what the first one was told", () => {
  scene(
    "first",
    [SILENT, SILENT],
    (opened) => {
      opened.at(0, "first", opened.ann, LIMITED);
      opened.at(600, "follower", opened.eve, LIMITED);
      opened.at(700, "another", opened.eve, LIMITED, { ...ASKED, seed: 7 });
      opened.end(["first", "follower", "another"]);
      const { first, follower, another } = opened.seen;
      expect([first?.status, another?.status]).toEqual([504, 504]);
      expect([follower?.status, follower?.headers["x-tollgate-error"]]).toEqual([
        429,
        "budget_exceeded",
      ]);
      expect(follower?.detail.request).toMatchObject({ answeredBy: null, attemptCount: 0 });
      expect(opened.site.network.calls).toBe(2);
    },
    ONE_ATTEMPT_USD,
  );
});

test("what the provider fails for, all get, and nobody asks again", () => {
  scene("first", [FAILING, FAILING], (opened) => {
    opened.at(0, "one", opened.ann);
    opened.at(100, "other", opened.eve);
    opened.end(["one", "other"]);
    const { one, other } = opened.seen;
    expect([one?.status, other?.status, opened.site.network.calls]).toEqual([500, 500, 2]);
    expect(other?.detail.request?.answeredBy).toBe(one?.detail.request?.id ?? "");
  });
});
