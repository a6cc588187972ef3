/** Prices at entry: what can hardly be meant is refused and explained, and what is known beside them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { refusalOf } from "../../support/refusal.ts";
import { make, makeProvider } from "../../support/things.ts";

const nowMs = Date.UTC(2026, 10, 20, 12);
let api: TestAdmin;
let openaiId = "";

beforeAll(async () => {
  api = await startTestAdmin({ clock: { ...systemClock, nowMs: () => nowMs } });
  openaiId = (await makeProvider(api)).id;
  await makeProvider(api, { name: "local", base_url: "https://models.example.net/v1" });
});
afterAll(() => api.stop());

const gpt4o = { provider: "openai", model: "gpt-4o" };

/** Under what a million tokens of gpt-4o cost, but for what a test says. */
function price(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { ...gpt4o, input_usd_per_million: "2.50", output_usd_per_million: "10", ...members };
}

describe("a price", () => {
  test.each([
    ["per token", { input_usd_per_million: "0.000003" }, "/input_usd_per_million"],
    ["in cents", { output_usd_per_million: "1000" }, "/output_usd_per_million"],
    ["a thousand times too dear", { input_usd_per_million: "2500" }, "/input_usd_per_million"],
    [
      "wrong in a tier alone",
      {
        tiers: [
          { above_input_tokens: 9, input_usd_per_million: "2.50", output_usd_per_million: "10" },
          { above_input_tokens: 5, input_usd_per_million: "2500", output_usd_per_million: "10" },
        ],
      },
      "/tiers/0/input_usd_per_million",
    ],
  ])("%s is refused with the reason and what it would cost", async (_what, members, param) => {
    const before = (await api.call("GET", "/prices")).body;
    const answer = await api.call("POST", "/prices", { body: price(members) });
    const [status, code, pointer, message] = refusalOf(answer);
    expect([status, code, pointer]).toEqual([422, "unprocessable", param]);
    expect(message).toMatch(/^The price of .* per million tokens is /);
    expect(message).toContain(
      "Under this price a request with 1,000 input and 1,000 output tokens",
    );
    expect(message).toEndWith('If it is meant, send "confirm_unusual": true with it.');
    expect((await api.call("GET", "/prices")).body).toEqual(before);
  });

  test("that is unusual and meant is taken once that is said, at creation and in an edit", async () => {
    const dear = price({ input_usd_per_million: "2500" });
    const made = await make(api, "/prices", { ...dear, confirm_unusual: true });
    expect(made).not.toHaveProperty("confirm_unusual");
    const path = `/prices/${made.id}`;
    const dearer = { input_usd_per_million: "2600" };
    const refused = await api.call("PATCH", path, { body: dearer });
    expect(refusalOf(refused).slice(0, 3)).toEqual([
      422,
      "unprocessable",
      "/input_usd_per_million",
    ]);
    // What is not about money is no reason to doubt the price again.
    const bounds = await api.call("PATCH", path, { body: { output_tokens_max: 5 } });
    expect(bounds.status).toBe(200);
    const confirmed = await api.call("PATCH", path, { body: { ...dearer, confirm_unusual: true } });
    expect(confirmed.body).toMatchObject({ input_usd_per_million: "2600.00", version: 3 });
    const usual = await api.call("PATCH", path, { body: { input_usd_per_million: "2.50" } });
    expect(usual.status).toBe(200);
    await api.call("DELETE", path);
  });

  test("past the most that anything may cost is refused even when it is confirmed", async () => {
    const body = price({ input_usd_per_million: "10000.000001", confirm_unusual: true });
    const [status, code, param, message] = refusalOf(await api.call("POST", "/prices", { body }));
    expect([status, code, param]).toEqual([422, "unprocessable", "/input_usd_per_million"]);
    expect(message).toContain("the most that is accepted");
    expect(message).not.toContain("confirm_unusual");
  });

  test("of 0 is always meant", async () => {
    const free = price({ input_usd_per_million: 0, output_usd_per_million: 0 });
    const { id } = await make(api, "/prices", free);
    await api.call("DELETE", `/prices/${id}`);
  });

  test("is compared with the operator's own of the same provider", async () => {
    const own = {
      provider: "local",
      input_usd_per_million: "0.10",
      output_usd_per_million: "0.30",
    };
    const first = await make(api, "/prices", { ...own, model: "own-1" });
    const body = { ...own, model: "own-2", input_usd_per_million: "100" };
    const answer = await api.call("POST", "/prices", { body });
    expect(refusalOf(answer)[3]).toContain("the provider's other models");
    await api.call("DELETE", `/prices/${first.id}`);
  });
});

describe("a preview", () => {
  test("tells what typical requests cost and what the list says, and sets nothing", async () => {
    const answer = await api.call("POST", "/prices/preview", { body: price({}) });
    expect([answer.status, answer.body]).toMatchObject([
      200,
      {
        plausible: true,
        doubts: [],
        costs: {
          small_request_usd: "0.0125",
          million_input_usd: "2.50",
          million_output_usd: "10.00",
        },
        listed: { input_usd_per_million: "2.50", output_usd_per_million: "10.00" },
      },
    ]);
    expect((await api.call("GET", "/prices")).member("data")).toEqual([]);
  });

  test("names every doubted amount with what was perhaps meant", async () => {
    const body = price({ output_usd_per_million: "1000", request_usd: "50" });
    const answer = await api.call("POST", "/prices/preview", { body });
    expect(answer.body).toMatchObject({
      plausible: false,
      doubts: [
        {
          member: "/output_usd_per_million",
          entered_usd: "1000.00",
          usual_usd: "10.00",
          suggested_usd: "10.00",
        },
        { member: "/request_usd", entered_usd: "50.00" },
      ],
    });
  });

  test("of a provider that does not exist is refused", async () => {
    const answer = await api.call("POST", "/prices/preview", { body: price({ provider: "x" }) });
    expect(refusalOf(answer)).toEqual([
      422,
      "unprocessable",
      "/provider",
      "There is no provider x.",
    ]);
  });
});

type Row = {
  readonly provider: string;
  readonly model: string;
  readonly [member: string]: unknown;
};

async function rows(path: string): Promise<Row[]> {
  const found: Row[] = [];
  let cursor = "";
  for (;;) {
    const answer = await api.call("GET", `${path}${cursor}`);
    expect(answer.status).toBe(200);
    const { data, next_cursor: next } = Object(answer.body);
    found.push(...data);
    if (next === null) return found;
    cursor = `&cursor=${next}`;
  }
}

describe("the catalogue", () => {
  test("is listed model by model, with the operator's prices beside it", async () => {
    const own = await make(api, "/prices", price({ input_usd_per_million: "2.25" }));
    const unlisted = await make(api, "/prices", {
      provider: "local",
      model: "own",
      input_usd_per_million: 0,
      output_usd_per_million: 0,
    });
    const all = await rows("/prices/catalogue?limit=50");
    const keys = all.map(({ provider, model }) => `${provider}\n${model}`);
    expect(keys).toEqual(keys.toSorted());
    expect(new Set(keys).size).toBe(keys.length);
    expect(all.length).toBeGreaterThan(50);
    const one = await rows("/prices/catalogue?limit=200&provider=openai");
    expect(one).toEqual(all.filter(({ provider }) => provider === "openai"));
    expect(one.find(({ model }) => model === "gpt-4o")).toMatchObject({
      source: "operator",
      operator: { input_usd_per_million: "2.25" },
      listed: { input_usd_per_million: "2.50", source: expect.stringMatching(/^catalogue:/) },
    });
    expect(one.find(({ model }) => model === "gpt-4o-mini")).toMatchObject({
      source: expect.stringMatching(/^catalogue:/),
      operator: null,
      listed: { input_usd_per_million: "0.15", output_usd_per_million: "0.60" },
    });
    expect(await rows("/prices/catalogue?overridden=true&limit=1")).toMatchObject([
      { provider: "local", model: "own", source: "operator", listed: null },
      { provider: "openai", model: "gpt-4o", source: "operator" },
    ]);
    expect(await rows("/prices/catalogue?provider=nobody&limit=5")).toEqual([]);
    for (const { id } of [own, unlisted]) await api.call("DELETE", `/prices/${id}`);
  });

  test("does not go on from a made-up place", async () => {
    for (const list of ["catalogue", "unpriced"]) {
      const answer = await api.call("GET", `/prices/${list}?cursor=x`);
      expect(refusalOf(answer)).toEqual([
        400,
        "invalid_request",
        "cursor",
        "The cursor is not one that an earlier page gave.",
      ]);
    }
  });
});

const asked = (providerId: string, model: string, requests: number, surfaces: string[]) => ({
  providerId,
  model,
  requests,
  surfaces,
  lastSeenAtMs: nowMs,
});

test("models that were asked for and have no price are listed until they have one", async () => {
  const { countUnpriced } = api.store;
  const later = { lastSeenAtMs: nowMs + 60_000 };
  await countUnpriced(asked(openaiId, "gpt-99", 2, ["chat"]));
  await countUnpriced(asked(openaiId, "gpt-98", 1, ["chat"]));
  await countUnpriced({ ...asked(openaiId, "gpt-99", 1, ["speech", "chat"]), ...later });
  await countUnpriced(asked(openaiId, "gpt-4o", 1, ["chat"]));
  await countUnpriced(asked("prv_gone", "m", 1, ["chat"]));
  const unpriced = await rows("/prices/unpriced?limit=1");
  expect(unpriced).toEqual([
    {
      provider: "openai",
      model: "gpt-98",
      surfaces: ["chat"],
      requests: 1,
      first_seen_at: "2026-11-20T12:00:00.000Z",
      last_seen_at: "2026-11-20T12:00:00.000Z",
    },
    {
      provider: "openai",
      model: "gpt-99",
      surfaces: ["chat", "speech"],
      requests: 3,
      first_seen_at: "2026-11-20T12:00:00.000Z",
      last_seen_at: "2026-11-20T12:01:00.000Z",
    },
    expect.objectContaining({ provider: "prv_gone", model: "m", requests: 1 }),
  ]);
  await make(api, "/prices", price({ model: "gpt-99" }));
  const left = (await rows("/prices/unpriced?limit=50")).map(({ model }) => model);
  expect(left).toEqual(["gpt-98", "m"]);
});

test("a model with a price of something else is listed with where it has none", async () => {
  const model = "paints-and-reads";
  const surfaces = ["chat", "image_generations", "speech", "a-surface-of-long-ago"];
  await api.store.countUnpriced(asked(openaiId, model, 3, surfaces));
  // Counted before it was noted where: a price of anything is as good as any.
  await api.store.countUnpriced(asked(openaiId, "asked-long-ago", 1, []));
  const listed = async () =>
    (await rows("/prices/unpriced?limit=50")).flatMap((row) =>
      row["model"] === model || row["model"] === "asked-long-ago"
        ? [[row["model"], row["surfaces"]]]
        : [],
    );
  expect(await listed()).toEqual([
    ["asked-long-ago", []],
    [model, ["chat", "image_generations", "speech"]],
  ]);
  const perPicture = { input_usd_per_million: "0", output_usd_per_million: "0", image_usd: "0.04" };
  for (const one of [model, "asked-long-ago"]) {
    await make(api, "/prices", price({ model: one, ...perPicture }));
  }
  expect(await listed()).toEqual([[model, ["chat", "speech"]]]);
});
