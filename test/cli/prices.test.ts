/** `tollgate prices` against a real gateway: tables for people, JSON for programs, exit codes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { prices } from "../../src/cli/commands/prices.ts";
import type { Connected, PricesAsked } from "../../src/cli/usage-operate.ts";
import { makeProvider } from "../support/things.ts";
import { type Reachable, record, startReachable } from "./support.ts";

let gateway: Reachable;
beforeAll(async () => {
  gateway = await startReachable();
  await makeProvider(gateway.api);
  await makeProvider(gateway.api, { name: "local", base_url: "https://models.example.net/v1" });
});
afterAll(() => gateway.stop());

type Ran = { readonly exit: number; readonly out: string; readonly err: string };
type Without<A> = A extends unknown ? Omit<A, keyof Connected> : never;

async function run(asked: Without<PricesAsked>, json = false): Promise<Ran> {
  const { terminal, out, err } = record();
  const exit = await prices(gateway.config, { ...asked, url: null, json }, terminal);
  return { exit, out: out(), err: err() };
}

const gpt4o = { provider: "openai", model: "gpt-4o" };
const all = { provider: null } as const;

describe("prices", () => {
  test("are none at first", async () => {
    for (const asked of [
      { do: "list", what: "set", ...all } as const,
      { do: "diff", ...all } as const,
    ]) {
      expect(await run(asked)).toEqual({ exit: 0, out: "No prices are set.\n", err: "" });
    }
    expect(await run({ do: "list", what: "unpriced", ...all })).toEqual({
      exit: 0,
      out: "Every model that was asked for has a price.\n",
      err: "",
    });
  });

  test("are set, changed by what is named, listed, compared and unset", async () => {
    const members = {
      input_usd_per_million: "2.25",
      output_usd_per_million: "9.00",
      cached_input_usd_per_million: "1.25",
      tool_call_usd: { web_search: "0.01" },
      batch_multiplier: 0.5,
    };
    expect(await run({ do: "set", ...gpt4o, members })).toEqual({
      exit: 0,
      out: "gpt-4o of openai costs 2.25 for input and 9.00 for output from now on, in US dollars per million tokens (web_search 0.01/call, batch × 0.5).\n",
      err: "",
    });
    const changed = await run(
      { do: "set", ...gpt4o, members: { output_usd_per_million: "8" } },
      true,
    );
    expect(JSON.parse(changed.out)).toMatchObject({
      ...gpt4o,
      input_usd_per_million: "2.25",
      output_usd_per_million: "8.00",
      version: 2,
    });
    const local = { provider: "local", model: "own" };
    const free = { input_usd_per_million: "0", output_usd_per_million: "0" };
    expect((await run({ do: "set", ...local, members: free })).exit).toBe(0);

    expect((await run({ do: "list", what: "set", ...all })).out)
      .toBe(`PROVIDER  MODEL   INPUT  OUTPUT  CACHED  BESIDES                            SOURCE
local     own     0.00   0.00    -                                          operator
openai    gpt-4o  2.25   8.00    1.25    web_search 0.01/call, batch × 0.5  operator
US dollars per million tokens.
`);
    const listed = await run({ do: "list", what: "catalogue", provider: "openai" });
    expect(listed.out).toMatch(/^openai +gpt-4o-mini +0\.15 +0\.60 +0\.075 .*catalogue:/m);
    const diff = await run({ do: "diff", ...all });
    expect(diff.out).toMatch(/^local +own +not in the catalogue$/m);
    expect(diff.out).toMatch(/^openai +gpt-4o +input_usd_per_million +2\.25 +2\.50$/m);
    expect(diff.out).toMatch(/^openai +gpt-4o +batch_multiplier +0\.5 +-$/m);
    expect(diff.out).not.toContain("cached_input");
    const compared = JSON.parse((await run({ do: "diff", provider: "openai" }, true)).out);
    expect(compared).toMatchObject([
      {
        ...gpt4o,
        in_catalogue: true,
        differences: expect.arrayContaining([
          { member: "output_usd_per_million", set: "8.00", listed: "10.00" },
        ]),
      },
    ]);

    expect(await run({ do: "unset", ...gpt4o })).toEqual({
      exit: 0,
      out: "The catalogue's price of gpt-4o at openai counts again.\n",
      err: "",
    });
    expect(await run({ do: "unset", ...gpt4o })).toEqual({
      exit: 1,
      out: "",
      err: "error: no price of gpt-4o is set at openai\n",
    });
    await run({ do: "unset", ...local });
  });

  test("that can hardly be meant are refused with the reason, or previewed", async () => {
    const members = { input_usd_per_million: "2.50", output_usd_per_million: "1000" };
    const refused = await run({ do: "set", ...gpt4o, members });
    expect([refused.exit, refused.out]).toEqual([1, ""]);
    expect(refused.err).toContain("in cents rather than dollars");
    const preview = await run({ do: "preview", ...gpt4o, members });
    expect([preview.exit, preview.err]).toEqual([0, ""]);
    const [costs, listed, doubt, way] = preview.out.split("\n");
    expect(costs).toStartWith("Under this price a request with 1,000 input");
    expect(listed).toMatch(
      /^The list \(catalogue:.*\) says 2\.50 for input and 10\.00 for output\.$/,
    );
    expect(doubt).toContain("in cents rather than dollars");
    expect(way).toBe("It is refused unless it is confirmed with --confirm-unusual.");
  });

  test("that are missing are listed with how often they were asked for", async () => {
    const { api } = gateway;
    const [openai] = (
      await api.store.page("providers", { name: "openai" }, { limit: 1, cursor: null })
    ).rows;
    await api.store.countUnpriced({
      providerId: openai?.id ?? "",
      model: "gpt-99",
      surfaces: ["chat", "speech"],
      requests: 3,
      lastSeenAtMs: Date.UTC(2026, 10, 20, 12),
    });
    expect((await run({ do: "list", what: "unpriced", ...all })).out)
      .toBe(`PROVIDER  MODEL   SURFACES      REQUESTS  LAST SEEN
openai    gpt-99  chat, speech  3         2026-11-20T12:00:00.000Z
`);
    expect((await run({ do: "list", what: "unpriced", provider: "local" })).out).toBe(
      "Every model that was asked for has a price.\n",
    );
  });
});
