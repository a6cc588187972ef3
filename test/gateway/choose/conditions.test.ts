/** Which targets are for a request: conditions, context windows, canaries. */
import { describe, expect, test } from "bun:test";
import { choose } from "../../../src/gateway/choose/choose.ts";
import type { RouteTarget } from "../../../src/gateway/resolve.ts";
import { chooseWorldForFile, namesOf, seeded, tally, type AskOptions } from "./world.ts";

const { ask, providers, resolve, target, tollgate } = await chooseWorldForFile();

const parts = (...types: readonly object[]) => ({ messages: [{ role: "user", content: types }] });
const TEXT = { type: "text", text: "what is this?" };
const IMAGE = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
const AUDIO = { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } };
const FILE = { type: "file", file: { file_id: "file-1" } };
const TOOL = { type: "function", function: { name: "look" } };
/** Bytes whose estimate is about so many tokens. */
const long = (tokens: number) => ({ messages: [{ role: "user", content: "abc".repeat(tokens) }] });

type Condition = NonNullable<RouteTarget["when"]>;

describe("a conditional target", () => {
  test.each<[Condition, AskOptions, string | null]>([
    [{ tags: ["eu", "us"] }, { headers: { "x-tollgate-tags": "free, eu" } }, null],
    [{ tags: ["eu"] }, { headers: { "x-tollgate-tags": "europe" } }, "condition_tags"],
    [{ tags: ["eu"] }, {}, "condition_tags"],
    [{ header: { name: "x-plan", value: "pro" } }, { headers: { "X-Plan": "pro" } }, null],
    [
      { header: { name: "x-plan", value: "pro" } },
      { headers: { "x-plan": "Pro" } },
      "condition_header",
    ],
    [{ header: { name: "x-plan", value: "" } }, {}, "condition_header"],
    [{ inputTokensMin: 1_000 }, { body: long(1_000) }, null],
    [{ inputTokensMin: 1_000 }, { body: long(10) }, "input_too_small"],
    [{ inputTokensMax: 1_000 }, { body: long(10) }, null],
    [{ inputTokensMax: 1_000 }, { body: long(1_000) }, "input_too_large"],
    [{ modalities: ["image", "audio"] }, { body: parts(TEXT, IMAGE) }, null],
    [{ modalities: ["audio"] }, { body: parts(AUDIO) }, null],
    [{ modalities: ["file"] }, { body: parts(TEXT, FILE) }, null],
    [{ modalities: ["text"] }, {}, null],
    [{ modalities: ["text"] }, { body: parts(IMAGE) }, "modality"],
    [{ modalities: ["image"] }, {}, "modality"],
    [{ tools: true }, { body: { tools: [TOOL] } }, null],
    [{ tools: true }, { body: { tools: [] } }, "tools"],
    [{ tools: false }, {}, null],
    [{ tools: false }, { body: { functions: [{ name: "look" }] } }, "tools"],
    [{ tags: ["eu"], tools: true }, { headers: { "x-tollgate-tags": "eu" } }, "tools"],
  ])("with %j is asked %j: left for %s", async (when, options, reason) => {
    const resolved = await resolve([target(0, { when }), target(1)]);
    const { available, left } = choose(resolved, ask(options));
    expect(namesOf(available)).toEqual(reason === null ? ["a", "b"] : ["b"]);
    expect(left.map((one) => [one.candidate.provider.row.name, one.reason])).toEqual(
      reason === null ? [] : [["a", reason]],
    );
  });
});

describe("a model whose context is too small", () => {
  test("is left while another remains, and asked when none does", async () => {
    await tollgate.addPrice(providers[0]?.id ?? "", "tiny", { contextTokensMax: 1_000 });
    const tiny = target(0, { model: "tiny" });
    const both = await resolve([tiny, target(1)]);
    // 16 bytes are at least one token: 15,000 bytes may be 1,000 tokens, 17,000 may not.
    expect(namesOf(choose(both, ask({ body: long(5_000) })).available)).toEqual(["a", "b"]);
    const { available, left } = choose(both, ask({ body: long(5_700) }));
    expect([namesOf(available), left.map(({ reason }) => reason)]).toEqual([
      ["b"],
      ["context_window"],
    ]);
    const alone = await resolve([tiny]);
    expect(namesOf(choose(alone, ask({ body: long(5_700) })).available)).toEqual(["a"]);
    const small = await resolve([tiny, { ...tiny, priority: 1 }]);
    expect(choose(small, ask({ body: long(5_700) })).left).toEqual([]);
  });

  test("is kept for sound and files, whose bytes say nothing about tokens", async () => {
    const resolved = await resolve([target(0, { model: "tiny" }), target(1)]);
    const data = "A".repeat(100_000);
    for (const part of [
      { type: "input_audio", input_audio: { data, format: "wav" } },
      { type: "file", file: { file_data: data } },
      { type: "image_url", image_url: { url: `data:image/png;base64,${data}` } },
    ]) {
      expect(namesOf(choose(resolved, ask({ body: parts(part) })).available)).toEqual(["a", "b"]);
    }
  });
});

const canary = (percent: number) => target(1, { percent });

describe("a canary", () => {
  test("comes first for its share of requests, and serves no others", async () => {
    const resolved = await resolve([target(0), canary(10)]);
    const draw = seeded(7);
    const orders = Array.from({ length: 10_000 }, () => {
      return namesOf(choose(resolved, ask({ draw })).available).join();
    });
    expect(tally(orders)).toEqual({ "b,a": 998, a: 9_002 });
  });

  test("keeps its conversations: the same ones when its share grows, and more", async () => {
    const sticky = { sticky: { by: "header", header: "x-chat" } } as const;
    const keys = Array.from({ length: 2_000 }, (_, number) => `chat-${number}`);
    const servedBy = async (percent: number) => {
      const resolved = await resolve([target(0), canary(percent)], { terms: sticky });
      // Another route has other conversations in its share; the id of this one is kept.
      const same = { ...resolved, routeId: "rte_one" };
      return keys.filter(
        (key) => choose(same, ask({ headers: { "x-chat": key } })).available.length === 2,
      );
    };
    const few = await servedBy(10);
    const more = await servedBy(20);
    expect([few.length, more.length]).toEqual([200, 400].map(() => expect.any(Number)));
    expect(few.length).toBeGreaterThan(150);
    expect(few.length).toBeLessThan(250);
    expect(few.filter((key) => !more.includes(key))).toEqual([]);
  });

  test("beside another one has a share of its own", async () => {
    const resolved = await resolve([target(0), canary(25), target(2, { percent: 25 })]);
    const draw = seeded(1);
    const orders = Array.from({ length: 4_000 }, () => {
      return namesOf(choose(resolved, ask({ draw })).available).join();
    });
    const { "b,a": b = 0, "c,a": c = 0, a = 0 } = tally(orders);
    expect(b + c + a).toBe(4_000);
    for (const count of [b, c, a / 2]) expect(Math.abs(count - 1_000)).toBeLessThan(100);
  });

  test("that is all there is serves like any other", async () => {
    const resolved = await resolve([canary(1)]);
    expect(namesOf(choose(resolved, ask()).available)).toEqual(["b"]);
  });
});
