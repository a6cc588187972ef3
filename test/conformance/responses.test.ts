/** Responses through Tollgate are those of the provider, byte for byte but for the model's name. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { formatUsd } from "../../src/base/units.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { cutAt, cutPlaces } from "./pieces.ts";
import {
  LENGTH_STREAM,
  PLAIN,
  REFUSAL_STREAM,
  SEARCH_STREAM,
  STRUCTURED_STREAM,
  TEXT_STREAM,
  TOOLS_STREAM,
  UNKNOWN_STREAM,
} from "./responses-answers.ts";
import { type Answered, conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

const MICRO_USD = 1_000_000;
const { direct, through, tollgate, upstream } = await conformanceStageForFile("openai", "/v1", {
  inputPicoUsd: 3 * MICRO_USD,
  outputPicoUsd: 15 * MICRO_USD,
  cachedInputPicoUsd: 0.3 * MICRO_USD,
  toolCallPicoUsd: { web_search: 10_000 * MICRO_USD },
});
const EVENT_STREAM = { "content-type": "text/event-stream; charset=utf-8" };
const PATH = "/v1/responses";

/** Odd spacing, number spelling and members that nobody knows: all of it must arrive. */
function bodyFor(model: string, members: string): string {
  return `{"model" : "${model}",\n "input":"hi",${members}"metadata":{"a":"b"},"x_unknown":1.50}`;
}

const IMAGE = `data:image/png;base64,${"iVBORw0KGgo=".repeat(40)}`;
const SEEING = `"input":[{"role":"user","content":[{"type":"input_image","image_url":"${IMAGE}"}]}],`;
const TOOLS = `"tools":[{"type":"function","name":"get_weather","parameters":{"type":"object"}}],`;
const SEARCHING = `"tools":[{"type":"web_search"}],"max_tool_calls":3,`;
const SCHEMA = `"text":{"format":{"type":"json_schema","name":"answer","schema":{}}},`;

type Told = readonly [name: string, members: string, answer: string, costNanoUsd: number];

/** Costs by hand, in nano-dollars: 3,000 for each token of input, 15,000 for each of output. */
const STREAMS: readonly Told[] = [
  ["text", "", TEXT_STREAM, 25 * 3_000 + 15 * 15_000],
  ["reasoning and two tools", TOOLS, TOOLS_STREAM, 272 * 3_000 + 200 * 300 + 89 * 15_000],
  ["a search", SEARCHING, SEARCH_STREAM, 10_682 * 3_000 + 510 * 15_000 + 10_000_000],
  ["a refusal", "", REFUSAL_STREAM, 18 * 3_000 + 5 * 15_000],
  ["a length stop", '"max_output_tokens":16,', LENGTH_STREAM, 25 * 3_000 + 16 * 15_000],
  ["structured output", SCHEMA, STRUCTURED_STREAM, 25 * 3_000 + 15 * 15_000],
  ["events that nobody knows", "", UNKNOWN_STREAM, 25 * 3_000 + 4 * 15_000],
];

const PLAINS: readonly Told[] = [
  ["text", "", JSON.stringify(PLAIN.text, null, 2), 25 * 3_000 + 15 * 15_000],
  ["two tools", TOOLS, JSON.stringify(PLAIN.tools), 272 * 3_000 + 200 * 300 + 89 * 15_000],
  [
    "a search, and a page that was opened",
    SEARCHING,
    JSON.stringify(PLAIN.search),
    10_682 * 3_000 + 510 * 15_000 + 10_000_000,
  ],
  ["a refusal", "", JSON.stringify(PLAIN.refusal), 18 * 3_000 + 5 * 15_000],
  ["a length stop", "", JSON.stringify(PLAIN.length), 25 * 3_000 + 16 * 15_000],
  ["what nobody knows", "", JSON.stringify(PLAIN.unknown), 25 * 3_000 + 15 * 15_000],
];

/** Past Tollgate and through it; the provider must have seen the same both times. */
async function bothWays(members: string, input = ""): Promise<Answered> {
  const body = (model: string): string =>
    input === "" ? bodyFor(model, members) : `{"model":"${model}",${input}"x":1.50}`;
  const past = await direct({ path: PATH, body: body(UPSTREAM_MODEL) });
  const relayed = await through({ path: PATH, body: body(PUBLIC_MODEL) });
  expect(relayed.seen?.body).toEqual(past.seen?.body);
  expect([relayed.status, relayed.seen?.path]).toEqual([past.status, past.seen?.path]);
  expect(relayed.bytes).toEqual(past.bytes);
  return relayed;
}

describe.each([...STREAMS])("a stream of %s", (_name, members, answer, costNanoUsd) => {
  test("has the provider's bytes and costs what its usage says", async () => {
    upstream.answer({ headers: EVENT_STREAM, pieces: [answer] });
    expect((await bothWays(`"stream":true,${members}`)).text).toBe(answer);
    expect(await lastAttempt(tollgate)).toMatchObject({
      outcome: "ok",
      amountNanoUsd: costNanoUsd,
      estimated: false,
    });
  });
});

describe.each([...PLAINS])("a plain answer of %s", (_name, members, answer, costNanoUsd) => {
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

test("an image goes to the provider as it is, and is paid as the provider counts it", async () => {
  upstream.answer({ pieces: [JSON.stringify(PLAIN.image)] });
  await bothWays("", SEEING);
  expect(await lastAttempt(tollgate)).toMatchObject({ amountNanoUsd: 1_600 * 3_000 + 15_000 });
});

test("in any pieces, streams and plain answers have the same bytes as directly", async () => {
  const answers = [...STREAMS, ...PLAINS].map(([, , answer]) => answer);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...answers), cutPlaces, async (answer, places) => {
      const isStream = answer.startsWith("event:");
      upstream.answer({ headers: isStream ? EVENT_STREAM : {}, pieces: cutAt(answer, places) });
      expect((await bothWays(isStream ? '"stream":true,' : "")).text).toBe(answer);
    }),
    { numRuns: 30 },
  );
});

test("a stream whose characters are cut at every byte is whole", async () => {
  const every = Array.from({ length: 3_000 }, (_, place) => place);
  upstream.answer({ headers: EVENT_STREAM, pieces: cutAt(TEXT_STREAM, every) });
  expect((await bothWays('"stream":true,')).text).toBe(TEXT_STREAM);
});

test("a refusal of the provider comes as it is, and is asked for once", async () => {
  const error = { message: "Bad.", type: "invalid_request_error", param: "input", code: null };
  upstream.answer({ status: 400, pieces: [JSON.stringify({ error })] });
  expect((await bothWays("")).status).toBe(400);
  expect(upstream.seen.length).toBe(2);
});
