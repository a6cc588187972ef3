/** Messages through Tollgate are those of the provider, byte for byte but for the model's name. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { formatUsd } from "../../src/base/units.ts";
import {
  CACHED_STREAM,
  LENGTH_STREAM,
  message,
  PLAIN_TEXT,
  REFUSAL_STREAM,
  SEARCH_STREAM,
  STRUCTURED_STREAM,
  TEXT_STREAM,
  THINKING_TOOLS_STREAM,
  UNKNOWN_STREAM,
} from "./anthropic-answers.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { cutAt, cutPlaces } from "./pieces.ts";
import { conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

const MICRO_USD = 1_000_000;
const price = {
  inputPicoUsd: 3 * MICRO_USD,
  outputPicoUsd: 15 * MICRO_USD,
  cachedInputPicoUsd: 0.3 * MICRO_USD,
  cacheWritePicoUsd: 3.75 * MICRO_USD,
  cacheWrite1hPicoUsd: 6 * MICRO_USD,
  toolCallPicoUsd: { web_search: 10_000 * MICRO_USD },
};
const stage = await conformanceStageForFile("anthropic", "/v1", price);
const { direct, through, tollgate, upstream } = stage;
const EVENT_STREAM = { "content-type": "text/event-stream; charset=utf-8" };

/** Odd spacing, number spelling and members that nobody knows: all of it must arrive. */
function bodyFor(model: string, members = ""): string {
  return `{"model" : "${model}", "max_tokens":1024,\n "messages":[{"role":"user","content":"hi"}],${members}"x_unknown":1.50}`;
}

const IMAGE = `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"${"iVBORw0KGgo=".repeat(40)}"}}`;
const TOOLS = `"tools":[{"name":"get_weather","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}],`;
const THINKING = `"thinking":{"type":"enabled","budget_tokens":1024},${TOOLS}`;
const SEARCHING = `"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":3}],`;
const CACHING = `"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral","ttl":"1h"}}],`;
const SCHEMA = `"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},`;

type Told = readonly [name: string, members: string, answer: string, costNanoUsd: number];

/** Costs by hand, in nano-dollars: 3,000 for each token of input, 15,000 for each of output. */
const STREAMS: readonly Told[] = [
  ["text", "", TEXT_STREAM, 25 * 3_000 + 15 * 15_000],
  [
    "thinking and two tools",
    THINKING,
    THINKING_TOOLS_STREAM,
    472 * 3_000 + 2_000 * 300 + 89 * 15_000,
  ],
  ["a search", SEARCHING, SEARCH_STREAM, 10_682 * 3_000 + 510 * 15_000 + 10_000_000],
  [
    "a cache",
    CACHING,
    CACHED_STREAM,
    10 * 3_000 + 1_000 * 300 + 200 * 3_750 + 100 * 6_000 + 3 * 15_000,
  ],
  ["a refusal", "", REFUSAL_STREAM, 18 * 3_000 + 5 * 15_000],
  ["a length stop", "", LENGTH_STREAM, 25 * 3_000 + 2 * 15_000],
  ["structured output", SCHEMA, STRUCTURED_STREAM, 25 * 3_000 + 12 * 15_000],
  ["events that nobody knows", "", UNKNOWN_STREAM, 25 * 3_000 + 4 * 15_000],
];

const PLAIN: readonly Told[] = [
  ["text", "", PLAIN_TEXT, 25 * 3_000 + 15 * 15_000],
  [
    "thinking and two tools",
    THINKING,
    message(
      [
        { type: "thinking", thinking: "Both.", signature: "EqQBCgIYAhIM" },
        { type: "tool_use", id: "toolu_01", name: "get_weather", input: { city: "Zürich" } },
        { type: "tool_use", id: "toolu_02", name: "get_weather", input: { city: "東京" } },
      ],
      "tool_use",
      { output_tokens: 60, output_tokens_details: { thinking_tokens: 9 } },
    ),
    25 * 3_000 + 60 * 15_000,
  ],
  [
    "an image",
    `"system":[${IMAGE}],`,
    message([{ type: "text", text: "A cat." }], "end_turn", { input_tokens: 1_600 }),
    1_600 * 3_000 + 15_000,
  ],
  ["a refusal", "", message([], "refusal", { output_tokens: 5 }), 25 * 3_000 + 5 * 15_000],
  ["nothing, to fill the cache", "", message([], "max_tokens", { output_tokens: 0 }), 25 * 3_000],
];

describe.each([...STREAMS])("a stream of %s", (_name, members, answer, costNanoUsd) => {
  test("has the provider's bytes and costs what its usage says", async () => {
    upstream.answer({ headers: EVENT_STREAM, pieces: [answer] });
    const relayed = await bothWays(`"stream":true,${members}`);
    expect(relayed.text).toBe(answer);
    expect(await lastAttempt(tollgate)).toMatchObject({
      outcome: "ok",
      amountNanoUsd: costNanoUsd,
      estimated: false,
    });
  });
});

describe.each([...PLAIN])("a plain answer of %s", (_name, members, answer, costNanoUsd) => {
  test("has the provider's bytes and costs what its usage says", async () => {
    upstream.answer({ pieces: [answer] });
    const relayed = await bothWays(members);
    expect(relayed.text).toBe(answer);
    expect(relayed.headers.get("x-tollgate-cost-usd")).toBe(formatUsd(costNanoUsd));
    expect(await lastAttempt(tollgate)).toMatchObject({
      outcome: "ok",
      amountNanoUsd: costNanoUsd,
      estimated: false,
    });
  });
});

test("in any pieces, streams and plain answers have the same bytes as directly", async () => {
  const answers = [...STREAMS, ...PLAIN].map(([, , answer]) => answer);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...answers), cutPlaces, async (answer, places) => {
      const isStream = answer.startsWith("event:");
      upstream.answer({ headers: isStream ? EVENT_STREAM : {}, pieces: cutAt(answer, places) });
      const relayed = await bothWays(isStream ? '"stream":true,' : "");
      expect(relayed.text).toBe(answer);
    }),
    { numRuns: 30 },
  );
});

test("whatever else a client says, the provider sees it as it was said", async () => {
  const spaces = fc.constantFrom("", " ", "\n\t");
  const member = fc.tuple(fc.stringMatching(/^x_[a-z]{1,9}$/), spaces, fc.json(), spaces);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(member, { selector: ([name]) => name }), async (members) => {
      upstream.answer({ pieces: [PLAIN_TEXT] });
      const texts = members.map(([name, before, value, after]) => {
        return `${before}"${name}"${after}:${before}${value}${after},`;
      });
      await bothWays(texts.join(""));
    }),
    { numRuns: 30 },
  );
});

test("a stream whose characters are cut at every byte is whole", async () => {
  const every = Array.from({ length: 400 }, (_, place) => place);
  upstream.answer({ headers: EVENT_STREAM, pieces: cutAt(TEXT_STREAM, every) });
  expect((await bothWays('"stream":true,')).text).toBe(TEXT_STREAM);
});

test("headers and the query that only the provider reads arrive there", async () => {
  upstream.answer({ pieces: [PLAIN_TEXT] });
  const headers = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "interleaved-thinking-2025-05-14,aurora-2031-01-01",
  };
  const path = "/v1/messages?beta=true&x=%20";
  const account = { "anthropic-workspace-id": "wrkspc_theirs" };
  const asked = { path, headers: { ...headers, ...account }, body: bodyFor(PUBLIC_MODEL) };
  const { seen } = await through(asked);
  expect([seen?.path, seen?.headers]).toMatchObject([
    path,
    { ...headers, "x-api-key": "provider-secret" },
  ]);
  // Neither our access token nor what would choose another account of the credential's.
  expect(JSON.stringify(seen?.headers)).not.toMatch(/sk-tg-|wrkspc_theirs/);
});

test("a client that says no version gets the one that everybody uses", async () => {
  upstream.answer({ pieces: [PLAIN_TEXT] });
  const body = bodyFor(PUBLIC_MODEL);
  const plain = await through({ path: "/v1/messages", body });
  const versioned = await through({
    path: "/v1/messages",
    headers: { "anthropic-version": "2030-01-01" },
    body,
  });
  expect([plain, versioned].map(({ seen }) => seen?.headers["anthropic-version"])).toEqual([
    "2023-06-01",
    "2030-01-01",
  ]);
});

test("the access token is taken as a bearer credential as well", async () => {
  upstream.answer({ pieces: [PLAIN_TEXT] });
  const reply = await fetch(`${tollgate.url}/v1/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${stage.token}` },
    body: bodyFor(PUBLIC_MODEL),
  });
  expect([reply.status, await reply.text()]).toEqual([200, PLAIN_TEXT]);
  expect(upstream.seen.map(({ headers }) => headers["authorization"])).toEqual([undefined]);
});

/** Makes the request both ways and compares what the provider saw; answers with what came through. */
async function bothWays(members: string) {
  const path = "/v1/messages";
  const past = await direct({ path, body: bodyFor(UPSTREAM_MODEL, members) });
  const relayed = await through({ path, body: bodyFor(PUBLIC_MODEL, members) });
  expect(relayed.bytes).toEqual(past.bytes);
  expect(relayed.seen?.body).toEqual(past.seen?.body);
  expect([relayed.status, relayed.seen?.path]).toEqual([200, past.seen?.path]);
  expect(relayed.headers.get("content-type")).toBe(past.headers.get("content-type"));
  return relayed;
}
