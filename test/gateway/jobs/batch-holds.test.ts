/** A batch holds no less than its lines would, each asked for by itself. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { lastAttempt } from "../../conformance/ledger-rows.ts";
import type { Recorded, Seen } from "../../conformance/recorded-upstream.ts";
import { dice, type Dice } from "../../process/load.ts";
import { JobsStage } from "./jobs-stage.ts";

const MODEL = "every-model";
const SEEDS = [1, 2, 3, 4];
const LINES = 6;

let stage: JobsStage;

function answered({ path }: Seen): Recorded {
  if (path === "/v1/files") return { pieces: ['{"id":"file-input","object":"file"}'] };
  if (path === "/v1/batches") return { pieces: ['{"id":"batch_1","status":"validating"}'] };
  return { status: 400, pieces: ['{"error":{"message":"it is the hold that counts"}}'] };
}

beforeEach(async () => {
  stage = await JobsStage.start();
  stage.upstream.answer(answered);
});
afterEach(() => stage.stop());

async function addModel(company: string): Promise<void> {
  const { tollgate, upstream } = stage;
  const terms = { company };
  const baseUrl = `${upstream.url}/v1`;
  const { id: providerId } = await tollgate.addProvider({ name: "every", baseUrl, terms });
  await tollgate.addPrice(providerId, MODEL, {
    inputPicoUsd: 1_000,
    outputPicoUsd: 3_000,
    audioInputPicoUsd: 40_000,
    audioOutputPicoUsd: 80_000,
    imageInputPicoUsd: 5_000,
    imageOutputPicoUsd: 30_000,
    imagePicoUsd: 40_000_000_000,
    cacheWrite1hPicoUsd: 2_000,
    requestPicoUsd: 5_000_000,
    toolCallPicoUsd: { web_search: 10_000_000_000 },
    contextTokensMax: 128_000,
    outputTokensMax: 16_000,
    tiers: [
      {
        aboveInputTokens: 300,
        inputPicoUsd: 2_000,
        outputPicoUsd: 6_000,
        cachedInputPicoUsd: null,
        cacheWritePicoUsd: null,
      },
    ],
  });
  await tollgate.addRoute(MODEL, [{ providerId, model: MODEL, weight: 1, priority: 0 }]);
}

type Part = readonly [name: string, value: unknown];
type Drawn = (chance: Dice) => readonly Part[];

const PARTS: readonly object[] = [
  { type: "image_url", image_url: { url: "https://example.com/p.png" } },
  { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
  { type: "video_url", video_url: { url: "https://example.com/v.mp4" } },
  { type: "text", text: "a".repeat(400) },
];

function some<T>(chance: Dice, ...things: readonly T[]): T[] {
  return things.filter(() => chance.whole(3) === 0);
}

function oneOf(chance: Dice, things: readonly unknown[]): unknown {
  return things[chance.whole(things.length)];
}

const CHAT: Drawn = (chance) => [
  [
    "messages",
    [{ role: "user", content: [{ type: "text", text: "Hi" }, ...some(chance, ...PARTS)] }],
  ],
  ...some<Part>(chance, ["n", 1 + chance.whole(5)]),
  ...some<Part>(chance, ["max_tokens", 1 + chance.whole(20_000)]),
  ...some<Part>(chance, ["max_completion_tokens", 1 + chance.whole(20_000)]),
  ...some<Part>(chance, ["web_search_options", {}]),
  ...some<Part>(chance, ["modalities", ["text", "audio"]]),
];

const COMPLETIONS: Drawn = (chance) => [
  ["prompt", oneOf(chance, ["Hi", ["Hi", "Ho", "Ha"], [1, 2, 3], [[1, 2], [3]]])],
  ...some<Part>(chance, ["n", 1 + chance.whole(3)]),
  ...some<Part>(chance, ["best_of", 3 + chance.whole(3)]),
  ...some<Part>(chance, ["max_tokens", 1 + chance.whole(2_000)]),
];

const RESPONSES: Drawn = (chance) => [
  ["input", oneOf(chance, ["Hi", [{ role: "user", content: "a".repeat(500) }]])],
  ...some<Part>(chance, ["max_output_tokens", 1 + chance.whole(20_000)]),
  ...some<Part>(chance, ["tools", [{ type: "web_search" }, { type: "code_interpreter" }]]),
  ...some<Part>(chance, ["max_tool_calls", 1 + chance.whole(30)]),
];

const EMBEDDINGS: Drawn = (chance) => [
  ["input", oneOf(chance, ["Hi", ["Hi", "Ho"], [1, 2, 3], [[1, 2], [3]]])],
];

const IMAGES: Drawn = (chance) => [
  ["prompt", "a".repeat(1 + chance.whole(600))],
  ...some<Part>(chance, ["n", 1 + chance.whole(10)]),
  ...some<Part>(chance, ["quality", "low"]),
];

/** What is held for one of them that is asked for by itself. */
async function heldAlone(url: string, body: object): Promise<number> {
  const reply = await stage.ask("POST", url, body);
  expect([reply.status, reply.text]).toEqual([400, expect.stringContaining("hold that counts")]);
  return (await lastAttempt(stage.tollgate))?.heldNanoUsd ?? Number.NaN;
}

async function heldTogether(url: string, bodies: readonly object[]): Promise<number> {
  const lines = bodies.map((body, place) => {
    return JSON.stringify({ custom_id: `${place}`, method: "POST", url, body });
  });
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", new File([lines.join("\n")], "in.jsonl"));
  const { tollgate, token } = stage;
  const headers = { authorization: `Bearer ${token}` };
  const upload = await fetch(`${tollgate.url}/v1/files`, { method: "POST", headers, body: form });
  expect([upload.status, await upload.json()]).toMatchObject([200, { id: "file-input" }]);
  const asked = { input_file_id: "file-input", endpoint: url, completion_window: "24h" };
  const reply = await stage.ask("POST", "/v1/batches", asked);
  expect([reply.status, reply.text]).toMatchObject([200, expect.stringContaining("batch_1")]);
  return (await lastAttempt(stage.tollgate))?.heldNanoUsd ?? Number.NaN;
}

describe("a batch holds no less than its lines alone", () => {
  test.each<[url: string, company: string, Drawn]>([
    ["/v1/chat/completions", "openai", CHAT],
    // Its models think past every limit.
    ["/v1/chat/completions", "alibaba", CHAT],
    ["/v1/completions", "openai", COMPLETIONS],
    ["/v1/responses", "openai", RESPONSES],
    ["/v1/embeddings", "openai", EMBEDDINGS],
    ["/v1/images/generations", "openai", IMAGES],
  ])("for %s at %s", async (url, company, drawn) => {
    await addModel(company);
    for (const seed of SEEDS) {
      const chance = dice(seed);
      const bodies = Array.from({ length: LINES }, () => {
        return { model: MODEL, ...Object.fromEntries(drawn(chance)) };
      });
      let alone = 0;
      for (const body of bodies) alone += await heldAlone(url, body);
      const together = await heldTogether(url, bodies);
      expect([seed, bodies, together >= alone, together]).toEqual([seed, bodies, true, together]);
    }
  });
});
