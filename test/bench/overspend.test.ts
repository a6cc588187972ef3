/**
 * `bench overspend`: Tollgate passes, a gateway that checks before and adds after is caught, and what
 * is told agrees with the upstream's own counts.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startUpstream, type Upstream } from "../../bench/upstream/server.ts";
import { runBench } from "./command.ts";
import { startNaiveGateway } from "./naive-gateway.ts";

const CALLS = 60;
const ROOM = 7;
/** 16 output tokens at 1,000 dollars per million. */
const CALL_USD = 0.016;
const PRICES = ["--input-usd", "0", "--output-usd", "1000"];
/** Room for {@link ROOM} calls: the last one passes a little less than that. */
const MONEY = { callUsd: CALL_USD, budgetUsd: CALL_USD * (ROOM - 0.5) };

let upstream: Upstream;
let folder = "";

beforeAll(async () => {
  // Slow enough that all calls of a round are under way at once, on any machine.
  upstream = await startUpstream({ script: "headers_delay_ms=500" });
  folder = await mkdtemp(join(tmpdir(), "tollgate-test-"));
});

afterAll(async () => {
  await upstream.stop();
  await rm(folder, { recursive: true });
});

beforeEach(() => upstream.reset());

const size = ["--calls", String(CALLS), "--room", String(ROOM)];
const overspend = (...args: readonly string[]) => runBench(["overspend", ...args]);

describe("bench overspend", () => {
  test("finds that Tollgate lets exactly as many calls through as there is room for", async () => {
    const json = join(folder, "tollgate.json");
    const { code, out, err } = await overspend(...size, "--rounds", "4", "--json", json);
    expect([code, err]).toEqual([0, "[1/1] calling: about 0:06\n"]);
    expect(out).toStartWith("Tollgate bench overspend: 60 calls at a time, room for 7 in each ");
    expect(out).toContain("\n212 × 429 budget_exceeded\n28 × 200\n");
    expect(out).toContain("\nNobody overspent: worst overshoot 0 calls.\n");
    const kept = await Bun.file(json).json();
    expect(kept).toMatchObject({
      kind: "overspend",
      room: ROOM,
      access_tokens: 4,
      overspent: false,
      through: 28,
      worst_overshoot_calls: 0,
      worst_overshoot_nano_usd: 0,
      call_nano_usd: 16_000_000,
    });
    expect(kept.rounds).toEqual(
      [0, 1, 2, 3].map((index) => ({
        token_index: index,
        stream: index % 2 === 1,
        spread_ms: index < 2 ? 0 : 50,
        calls: CALLS,
        through: ROOM,
        spent_nano_usd: ROOM * 16_000_000,
        ends: [
          { label: "429 budget_exceeded", count: CALLS - ROOM },
          { label: "200", count: ROOM },
        ],
        answered: ROOM,
        refused: CALLS - ROOM,
        failed: 0,
        room_left: ROOM,
        overshoot_calls: 0,
        overshoot_nano_usd: 0,
      })),
    );
  });

  test("catches a gateway that looks before the call and adds after it", async () => {
    await using naive = startNaiveGateway(upstream.url, MONEY);
    const json = join(folder, "naive.json");
    const two = ["--token", "sk-one", "--token", "sk-two", "--rounds", "4", "--json", json];
    const place = ["--target", naive.url, "--upstream", upstream.url];
    const { code, out } = await overspend(...place, ...two, ...size, ...PRICES);
    const { rounds, ...kept } = await Bun.file(json).json();
    const through = rounds.map((round: { through: number }) => round.through);
    // Each access token is overspent by the first round and refused in its second.
    expect([code, through]).toEqual([1, [CALLS, CALLS, 0, 0]]);
    expect(upstream.stats().byPath).toEqual({ "/v1/chat/completions": 2 * CALLS });
    const over = CALLS - ROOM;
    expect(rounds.map((round: { room_left: number }) => round.room_left)).toEqual([7, 7, 0, 0]);
    expect(kept).toMatchObject({
      overspent: true,
      through: 2 * CALLS,
      worst_overshoot_calls: over,
      worst_overshoot_nano_usd: over * 16_000_000,
    });
    expect(out).toContain("\n120 × 200\n120 × 400 budget_exceeded\n");
    expect(out).toContain(
      "Overspent: worst overshoot of an access token 53 calls, 0.848 USD at 0.016",
    );
    expect(await Bun.file(json).text()).not.toContain("sk-one");
  });

  test("starts the upstream itself and says where, for the gateway's configuration", async () => {
    await using naive = startNaiveGateway("http://127.0.0.1:1", MONEY);
    const place = ["--target", naive.url, "--upstream-port", "0", "--token", "sk-one"];
    const options = [...place, ...size, "--rounds", "1", "--call-cost-usd", "0.016"];
    const { code, out } = await runBench(["overspend", ...options], (text) => {
      naive.upstream = /^upstream listening on (\S+),/.exec(text)?.[1] ?? naive.upstream;
    });
    expect([code, naive.upstream === "http://127.0.0.1:1"]).toEqual([1, false]);
    expect(out).toMatch(
      /Overspent: worst overshoot of an access token \d+ calls, 0\.\d+ USD at 0\.016 a/,
    );
    expect(upstream.stats().requests).toBe(0);
  });

  test("does not call it success when nothing got through or nobody counts", async () => {
    await using poor = startNaiveGateway(upstream.url, { callUsd: 1, budgetUsd: 0 });
    const rest = ["--token", "sk-one", "--rounds", "1", ...size];
    const refused = await overspend("--target", poor.url, "--upstream", upstream.url, ...rest);
    expect([refused.code, upstream.stats().requests]).toEqual([1, 0]);
    expect(refused.out).toContain("Nothing got through, so this says nothing about the budget.\n");
    const silent = await overspend(
      "--target",
      "http://127.0.0.1:1",
      "--upstream",
      upstream.url,
      ...rest,
    );
    expect([silent.code, silent.out.includes("60 × no answer: Failed to connect")]).toEqual([
      1,
      true,
    ]);
    const uncounted = await overspend("--target", poor.url, "--upstream", poor.url, ...rest);
    expect([uncounted.code, uncounted.err]).toEqual([
      1,
      "[1/1] calling: about 0:02\n" +
        `bench failed: the upstream at ${poor.url} answers 400 to /sim/requests?limit=1; ` +
        "is it a `tollgate simulator`?\n",
    ]);
  });

  test("notices answers that did not come from the upstream that counts", async () => {
    const elsewhere = await startUpstream();
    try {
      await using naive = startNaiveGateway(elsewhere.url, MONEY);
      const place = ["--target", naive.url, "--upstream", upstream.url, "--token", "sk-one"];
      const { code, out } = await overspend(...place, "--rounds", "1", ...size);
      expect(code).toBe(1);
      expect(out).toMatch(
        /\n\d+ more were answered than got through: another upstream, or a cache/,
      );
    } finally {
      await elsewhere.stop();
    }
  });

  test("answers wrong usage with 2, and a request for help with how to reach a gateway", async () => {
    const complaint = async (...args: readonly string[]) => {
      const { code, out, err } = await overspend(...args);
      expect([code, out]).toEqual([2, ""]);
      return err.replace("\nTry overspend --help.\n", "");
    };
    const target = ["--target", "http://localhost:1"];
    const known = [...target, "--token", "x", "--room", "3"];
    expect(await complaint("--romo", "3")).toContain("--room");
    expect(await complaint(...target, "--room", "3")).toBe("--target needs --token");
    expect(await complaint(...target, "--token", "x")).toBe("--target needs --room");
    expect(await complaint("--token", "x")).toBe("--token needs --target");
    expect(await complaint("--input-usd", "1")).toBe("--input-usd needs --target");
    expect(await complaint("--target", "localhost")).toBe("--target needs --token");
    expect(await complaint("--target", "nowhere", "--token", "x", "--room", "3")).toBe(
      "--target must be an http or https address",
    );
    expect(await complaint(...known, "--calls", "3")).toBe(
      "--calls must be more than --room, else nobody can overspend",
    );
    expect(await complaint(...known, "--upstream", "http://x", "--upstream-port", "1")).toBe(
      "--upstream and --upstream-port exclude each other",
    );
    expect(await complaint(...known, "--call-cost-usd", "1e3")).toBe(
      "--call-cost-usd must be an amount such as 0.0125",
    );
    expect(await complaint(...known, "--call-cost-usd", "1", "--input-usd", "1")).toBe(
      "--call-cost-usd excludes --input-usd and --output-usd",
    );
    const help = await overspend("--help");
    expect([help.code, help.err, help.out.includes("litellm_params")]).toEqual([0, "", true]);
  });
});
