/**
 * Edits and variations of pictures through Tollgate are those of the provider: forms and answers byte for
 * byte but for the model's value. Answers are shaped as the types of openai-node 7.55 say (2026-11).
 */
import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { cutAt, FORM_HEADERS, formBytes, inPieces, type Part } from "./multipart.ts";
import type { Recorded } from "./recorded-upstream.ts";
import { type Answered, conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

/** A nano-dollar a token of text, five of a picture read and forty of one made. */
const PRICE = {
  inputPicoUsd: 1_000,
  outputPicoUsd: 1_000,
  imageInputPicoUsd: 5_000,
  imageOutputPicoUsd: 40_000,
};
const { direct, through, upstream, tollgate, tenantId, provider } = await conformanceStageForFile(
  "openai",
  "/v1",
  PRICE,
);
await tollgate.addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId });
beforeEach(() => freshProvider(tollgate, provider));

const path = "/v1/images/edits";
const NOTHING = new Uint8Array(0);
const picture = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 11) % 256);

const form = (model: string, more: readonly Part[] = [], bytes = 2_000) =>
  formBytes([
    ["image[]", picture(bytes)],
    ["prompt", 'Grüße "🙂"\r\nin two lines'],
    ["image[]", picture(10)],
    ["model", model],
    ...more,
  ]);

const USAGE = {
  total_tokens: 5_000,
  input_tokens: 840,
  output_tokens: 4_160,
  input_tokens_details: { text_tokens: 40, image_tokens: 800 },
};
/** 40 of text, 800 of a picture read, 4,160 of one made. */
const USAGE_NANO_USD = 40 + 800 * 5 + 4_160 * 40;

const answerOf = (data: readonly object[], more: object = {}): string =>
  JSON.stringify({ created: 1_763_631_000, data, ...more });
const ANSWER = answerOf([{ b64_json: "aGk=", x_unknown: "🙂" }], { usage: USAGE });

const event = (type: string, told: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...told })}\n\n`;
const PARTIAL = event("image_edit.partial_image", {
  b64_json: "aG".repeat(3_000),
  partial_image_index: 0,
});
const COMPLETED = event("image_edit.completed", { b64_json: "aGk=".repeat(3_000), usage: USAGE });
const SSE = { "content-type": "text/event-stream" };

/** What the tenant's budget has posted, when nothing is held any more. */
async function postedNanoUsd(): Promise<number> {
  await until(async () => (await budgets())[0]?.heldNanoUsd === 0);
  return (await budgets())[0]?.postedNanoUsd ?? Number.NaN;
}

function budgets() {
  return tollgate.gateway.directory.budgetStates(tenantId);
}

/** What asking costs, and how it is answered. */
async function ask(
  recorded: Recorded,
  more: readonly Part[] = [],
  model = PUBLIC_MODEL,
): Promise<{ readonly nanoUsd: number; readonly answer: Answered }> {
  const before = await postedNanoUsd();
  upstream.answer(recorded);
  const answer = await through({ path, headers: FORM_HEADERS, body: form(model, more) });
  return { nanoUsd: (await postedNanoUsd()) - before, answer };
}

test.each(["/v1/images/edits", "/v1/images/variations"])(
  "a form to %s and its answer have the direct ones' bytes in any pieces, but for the model's value",
  async (to) => {
    const places = fc.array(fc.nat({ max: 9_000 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(places, places, fc.boolean(), async (sent, answered, streams) => {
        const bytes = new TextEncoder().encode(streams ? PARTIAL + COMPLETED : ANSWER);
        upstream.answer({ headers: streams ? SSE : {}, pieces: cutAt(bytes, answered) });
        const more: Part[] = streams ? [["stream", "true"]] : [];
        const asked = { path: to, headers: FORM_HEADERS };
        const pieces = (model: string) => inPieces(cutAt(form(model, more), sent));
        const past = await direct({ ...asked, body: pieces(UPSTREAM_MODEL) });
        const relayed = await through({ ...asked, body: pieces(PUBLIC_MODEL) });
        expect([relayed.text, relayed.status]).toEqual([past.text, 200]);
        const [seen, seenPast] = [relayed.seen?.body ?? NOTHING, past.seen?.body ?? NOTHING];
        expect([Buffer.compare(seen, seenPast), relayed.seen?.path]).toEqual([0, to]);
      }),
      { numRuns: 15 },
    );
  },
);

describe("what is charged", () => {
  test("is the tokens that the usage tells, of text and of pictures apart", async () => {
    expect((await ask({ pieces: [ANSWER] })).nanoUsd).toBe(USAGE_NANO_USD);
    const streamed = { headers: SSE, pieces: [PARTIAL, COMPLETED] };
    expect((await ask(streamed, [["stream", "true"]])).nanoUsd).toBe(USAGE_NANO_USD);
  });

  test("is all of it where several pictures are streamed", async () => {
    const streamed = { headers: SSE, pieces: [PARTIAL, COMPLETED, PARTIAL, COMPLETED] };
    const { nanoUsd, answer } = await ask(streamed, [
      ["stream", "true"],
      ["n", "2"],
    ]);
    expect([nanoUsd, answer.text]).toEqual([2 * USAGE_NANO_USD, streamed.pieces.join("")]);
  });

  test("is something where a stream breaks off before its last picture", async () => {
    const streamed = { headers: SSE, pieces: [PARTIAL, COMPLETED] };
    const { nanoUsd, answer } = await ask(streamed, [
      ["stream", "true"],
      ["n", "2"],
    ]);
    expect(answer.text).toContain('"code":"upstream_error"');
    expect(nanoUsd).toBeGreaterThanOrEqual(USAGE_NANO_USD);
  });
});

describe("pictures that are paid by the picture", () => {
  beforeAll(() =>
    tollgate
      .addPrice(provider.id, "dall-e-2", { outputPicoUsd: 0, imagePicoUsd: 20_000_000 })
      .then(() => undefined),
  );

  test.each([
    ["base64", [{ b64_json: "aGk=" }, { b64_json: "aGk=" }], 2],
    ["addresses", [{ url: "https://a" }, { url: "https://b" }, { url: "https://c" }], 3],
    [
      "both keys, one of them null",
      [
        { url: null, b64_json: "aGk=" },
        { b64_json: "aGk=", url: null },
      ],
      2,
    ],
    ["a text that looks like a key", [{ url: "https://a", revised_prompt: 'the "url": "x"' }], 1],
  ])("cost as many as came, by %s", async (_what, data, pictures) => {
    const more: Part[] = [["n", "3"]];
    const { nanoUsd } = await ask({ pieces: [answerOf(data)] }, more, "recorded/dall-e-2");
    expect(nanoUsd).toBe(pictures * 20_000);
  });

  test("are held for as many as are asked for", async () => {
    const poor = await tollgate.addToken(tenantId);
    const scope = { scopeType: "token", scopeId: poor.row.id, tenantId } as const;
    await tollgate.addBudget({ ...scope, amountNanoUsd: 59_999 });
    upstream.answer({ pieces: [answerOf([{ url: "https://a" }])] });
    const headers = { ...FORM_HEADERS, authorization: `Bearer ${poor.token}` };
    const asked = { path, headers };
    const three = await through({ ...asked, body: form("recorded/dall-e-2", [["n", "3"]]) });
    const two = await through({ ...asked, body: form("recorded/dall-e-2", [["n", "2"]]) });
    expect([three.status, two.status, upstream.seen.length]).toEqual([429, 200, 1]);
  });
});

/** What is held for an edit with these fields. */
async function heldFor(fields: string): Promise<number> {
  upstream.answer({ pieces: [ANSWER] });
  const body = form(PUBLIC_MODEL, [...new URLSearchParams(fields)]);
  await through({ path, headers: FORM_HEADERS, body });
  return (await lastAttempt(tollgate))?.heldNanoUsd ?? Number.NaN;
}

test.each([
  ["output_format=png", 1],
  ["output_format=gif", 9],
  ["output_format=gif&frame_count=16", 16],
  ["output_format=gif&frame_count=2&n=3", 6],
  // Written by a second model.
  ["output_format=svg", 5],
])("what is held grows with what a picture is made of: %s", async (fields, times) => {
  const beside = (await heldFor(fields)) - (await heldFor(""));
  expect(Math.round(beside / (32_768 * 40)) + 1).toBe(times);
});

test.each([["0"], ["17"], ["1.5"], ["all"]])("%s frames cannot be asked for", async (frames) => {
  const { answer } = await ask({ pieces: [ANSWER] }, [["frame_count", frames]]);
  const error = { code: "invalid_request", param: "frame_count" };
  expect([JSON.parse(answer.text), upstream.seen.length]).toMatchObject([{ error }, 0]);
});

test.each([["0"], ["1.5"], ["two"], ["129"]])("%s pictures cannot be asked for", async (n) => {
  const { answer } = await ask({ pieces: [ANSWER] }, [["n", n]]);
  expect(JSON.parse(answer.text)).toMatchObject({ error: { code: "invalid_request", param: "n" } });
  expect(upstream.seen).toEqual([]);
});

test("the error of a provider that fails within its stream comes as it is", async () => {
  const failure = event("error", {
    error: { message: "moderation", code: "moderation_blocked" },
  });
  const recorded = { headers: SSE, pieces: [PARTIAL, failure] };
  const { answer } = await ask(recorded, [["stream", "true"]]);
  expect(answer.text).toBe(PARTIAL + failure);
});

test("the end user is the one that a body of JSON with the same members would name", async () => {
  await ask({ pieces: [ANSWER] }, [
    ["safety_identifier", "s-1"],
    ["user", "u-1"],
  ]);
  await tollgate.store.flush();
  const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
  expect(rows).toMatchObject([{ endUserId: "u-1" }]);
});
