/** The input file of a batch is read line by line: what each may cost, and what is wrong with it. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { LIMITS } from "../../../../src/base/limits.ts";
import type { Verdict } from "../../../../src/base/verdict.ts";
import type { BatchFile } from "../../../../src/dialects/job-contract.ts";
import { BatchInput } from "../../../../src/dialects/openai/batches/input.ts";

const URL = "/v1/chat/completions";
const CHAT = { model: "smart", messages: [{ role: "user", content: "Grüße 🐟\u2028" }] };

const envelope = (members: object): string =>
  JSON.stringify({ custom_id: "1", method: "POST", url: URL, body: CHAT, ...members });
const lineOf = (body: object = {}, url = URL): string =>
  envelope({ url, body: { ...CHAT, ...body } });

function read(file: string | Uint8Array, places: readonly number[] = []): Verdict<BatchFile> {
  const bytes = typeof file === "string" ? new TextEncoder().encode(file) : new Uint8Array(file);
  const input = new BatchInput();
  let start = 0;
  for (const end of [...places.toSorted((one, other) => one - other), bytes.length]) {
    // A block that is filled again, as a reader's is.
    const piece = bytes.slice(start, end);
    const refused = input.push(piece);
    if (refused !== null) return refused;
    piece.fill(0x0a);
    start = end;
  }
  return input.end();
}

function fileOf(text: string): BatchFile {
  const file = read(text);
  if (!file.allowed) throw new Error(file.refusal.message);
  return file.value;
}

/** What the refusal says, and of which member. */
function problem(text: string | Uint8Array): readonly [message: string, param: string | undefined] {
  const file = read(text);
  if (file.allowed) throw new Error("it was taken");
  expect(file.refusal.code).toBe("invalid_request");
  return [file.refusal.message, file.refusal.param];
}

const bodyBytes = (body: object): number => Buffer.byteLength(JSON.stringify({ ...CHAT, ...body }));

const withTool = (type: string): string => lineOf({ tools: [{ type }] });

function withTools(from: number): string {
  return lineOf({
    tools: Array.from({ length: 32 }, (_, index) => ({ type: `t${from}x${index}x` })),
  });
}

function withFiles(from: number): string {
  const messages = Array.from({ length: 600 }, (_, index) => {
    return { role: "user", content: [{ type: "file", file_id: `file-${from + index}` }] };
  });
  return lineOf({ messages });
}

describe("what the lines of a file can cost", () => {
  test("is summed up over all of them", () => {
    const image = {
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: "data:image/png;base64,QUJD" } },
            { type: "file", file: { file_id: "file-1" } },
          ],
        },
      ],
    };
    const bodies = [
      { max_tokens: 100, n: 2, modalities: ["text"] },
      { ...image, modalities: ["text"] },
      { n: 3, modalities: ["text"], service_tier: "priority", web_search_options: {} },
      { max_completion_tokens: 7, modalities: ["text"], web_search_options: {} },
      { max_tokens: 2 ** 31 - 1, modalities: ["text"], models: ["another"] },
    ];
    const file = bodies.map((body) => lineOf(body)).join("\n");
    const sizes = bodies.map(bodyBytes);
    const inlineBytes = "data:image/png;base64,QUJD".length;
    sizes[1] = (sizes[1] ?? 0) - inlineBytes;
    expect(fileOf(file)).toEqual({
      model: "smart",
      modelSpans: expect.any(Array),
      objects: [{ kind: "file", id: "file-1", param: "messages[0]" }],
      bounds: {
        surface: "chat",
        lines: 5,
        textBytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
        images: 1,
        unsizedLines: 1,
        lineTextBytesMax: Math.max(...sizes),
        lineImagesMax: 1,
        // No answer is longer than any model's.
        outputTokensMax: 200 + 7 + 2_097_152,
        unlimitedChoices: 1 + 3,
        choices: 2 + 1 + 1 + 1 + 3,
        generates: true,
        without: ["audio_output", "image_output", "cache_write_1h"],
        toolCallsMax: { web_search: 20 },
        unitsMax: {},
        beyondPrice: { member: "models", isOtherModel: true },
        endUser: null,
      },
    });
  });

  test.each<[users: (string | undefined)[], endUser: BatchFile["bounds"]["endUser"]]>([
    [["ann", "ann"], { id: "ann" }],
    [["ann", undefined], "several"],
    [[undefined, "ann"], "several"],
    [["ann", "bob", "ann"], "several"],
    [[undefined, undefined], null],
  ])("whose lines are for %j is for %j", (users, endUser) => {
    const lines = users.map((user) => lineOf(user === undefined ? {} : { user }));
    expect(fileOf(lines.join("\n")).bounds.endUser).toEqual(endUser);
  });

  test("is beyond any price by a line that names other models, whatever stands in those before it", () => {
    const lines = [
      { service_tier: "priority" },
      { models: ["dear"] },
      { service_tier: "priority" },
    ];
    const file = lines.map((more) => {
      return envelope({
        body: { model: "m", messages: [{ role: "user", content: "a" }], ...more },
      });
    });
    expect(fileOf(file.join("\n")).bounds.beyondPrice).toEqual({
      member: "models",
      isOtherModel: true,
    });
  });

  test("follows the surface that they are for", () => {
    const prompt = { model: "draw", prompt: "a fish", n: 4, quality: "low" };
    const drawing = envelope({ url: "/v1/images/generations", body: prompt });
    expect(fileOf(`${drawing}\n${drawing}`).bounds).toMatchObject({
      surface: "image_generations",
      unitsMax: { images: 8 },
      unlimitedChoices: 0,
    });
    const embedding = envelope({ url: "/v1/embeddings", body: { model: "e", input: "a" } });
    expect(fileOf(embedding).bounds).toMatchObject({ surface: "embeddings", generates: false });
    const others = {
      "/v1/completions": { model: "m", prompt: "a" },
      "/v1/moderations": { model: "m", input: "a" },
      "/v1/responses": { model: "m", input: "a", previous_response_id: "resp_1" },
    };
    const surfaces = Object.entries(others).map(
      ([url, body]) => fileOf(envelope({ url, body })).bounds.surface,
    );
    expect(surfaces).toEqual(["completions", "moderations", "responses"]);
    // As Azure's guide has it.
    expect(fileOf(envelope({ url: "/chat/completions" })).bounds.surface).toBe("chat");
  });

  test("is the same in any pieces, with the models where they stand", () => {
    const lines = [lineOf({ n: 2 }), "", lineOf(), `${lineOf({ max_tokens: 3 })}\r`, " \t"];
    const text = lines.join("\n");
    const bytes = Buffer.from(text);
    const whole = fileOf(text);
    const { modelSpans } = whole;
    expect(modelSpans).toHaveLength(6);
    for (let at = 0; at < modelSpans.length; at += 2) {
      expect(bytes.subarray(modelSpans[at], modelSpans[at + 1]).toString()).toBe('"smart"');
    }
    expect(fileOf(`${text}\n`)).toEqual(whole);
    const places = fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 });
    fc.assert(
      fc.property(places, (cut) => {
        expect(read(text, cut)).toEqual({ allowed: true, value: whole });
      }),
    );
    const everywhere = Array.from(bytes, (_, place) => place);
    expect(read(text, everywhere)).toEqual({ allowed: true, value: whole });
  });
});

describe("a file is refused, with the line and the member", () => {
  const good = lineOf();
  const urls =
    "/v1/chat/completions, /v1/completions, /v1/embeddings, /v1/images/generations, " +
    "/v1/moderations, /v1/responses";
  const twice = (member: string): string => good.replace("{", `{"${member}":null,`);

  test.each<[what: string, line: string, message: string, param: string | undefined]>([
    ["no JSON", "{", "It is not valid JSON.", undefined],
    ["cut within its body", good.slice(0, -3), "It is not valid JSON.", undefined],
    ["a byte order mark", `\ufeff${good}`, "It is not valid JSON.", undefined],
    ["two in one", good + good, "It is not valid JSON.", undefined],
    [
      "a lone carriage return",
      good.replace(",", ",\r"),
      "A carriage return stands within it.",
      undefined,
    ],
    ["a list", `[${good}]`, "It must be a JSON object.", undefined],
    ["a body twice", twice("body"), "'body' is given more than once.", "body"],
    ["a url twice", twice("url"), "'url' is given more than once.", "url"],
    ["a url escaped", twice("\\u0075rl"), "'url' is given more than once.", "url"],
    ["a url spelled otherwise", twice("URL"), "'url' is spelled otherwise: \"URL\".", "url"],
    ["no body", envelope({ body: undefined }), "Missing required parameter: 'body'.", "body"],
    ["a method", envelope({ method: "GET" }), "'method' must be \"POST\".", "method"],
    ["a url", envelope({ url: "/v1/files" }), `'url' must be one of ${urls}.`, "url"],
    ["half a url", envelope({ url: "chat/completions" }), `'url' must be one of ${urls}.`, "url"],
    [
      "a url of sound",
      envelope({ url: "/v1/audio/speech" }),
      `'url' must be one of ${urls}.`,
      "url",
    ],
    ["no url", envelope({ url: 7 }), `'url' must be one of ${urls}.`, "url"],
    [
      "a body of text",
      envelope({ body: "a" }),
      "In 'body': The request body must be a JSON object.",
      "body",
    ],
    [
      "a body without messages",
      envelope({ body: { model: "smart" } }),
      "In 'body': Missing required parameter: 'messages'.",
      "body.messages",
    ],
    [
      "a model twice",
      good.replace('"model"', '"model":"other","model"'),
      "In 'body': 'model' is given more than once.",
      "body.model",
    ],
    [
      "a stream",
      lineOf({ stream: true }),
      "'body.stream' must not be true in a batch.",
      "body.stream",
    ],
    [
      "a background response",
      envelope({ url: "/v1/responses", body: { model: "m", background: true } }),
      "'body.background' must not be true in a batch.",
      "body.background",
    ],
    [
      "no model where there is a default",
      envelope({ url: "/v1/moderations", body: { input: "a" } }),
      "Missing required parameter: 'body.model'.",
      "body.model",
    ],
  ])("%s", (_, line, message, param) => {
    expect(problem(`\n${line}\n`)).toEqual([`Line 2: ${message}`, param]);
  });

  test("where it is not all for one surface and one model", () => {
    const model = `Line 2: 'body.model' must be "smart", as in the lines before.`;
    expect(problem(`${good}\n${lineOf({ model: "other" })}`)).toEqual([model, "body.model"]);
    const embedding = envelope({ url: "/v1/embeddings", body: { model: "smart", input: "a" } });
    const url = `Line 2: 'url' must be ${URL}, as in the lines before.`;
    expect(problem(`${good}\n${embedding}`)).toEqual([url, "url"]);
  });

  test("where it holds nothing, or no text", () => {
    expect(problem("")).toEqual(["The file holds no requests.", "file"]);
    expect(problem(" \n\r\n\t")).toEqual(["The file holds no requests.", "file"]);
    const broken = Buffer.from(good.replace("🐟", "?"));
    broken[broken.indexOf("?")] = 0xff;
    expect(problem(broken)[0]).toBe("Line 1: In 'body': The request body is not valid JSON.");
  });

  test("where it holds more than a batch can have", () => {
    const many = `${good}\n`.repeat(LIMITS.batchLinesMax);
    expect(fileOf(many).bounds.lines).toBe(LIMITS.batchLinesMax);
    expect(problem(many + good)).toEqual([
      "Line 50001: A batch may have 50000 requests at most.",
      "file",
    ]);
    const long = good.replace("Gr", "x".repeat(LIMITS.bodyBytesMax));
    expect(problem(long)).toEqual([
      `Line 1: It is longer than ${LIMITS.bodyBytesMax} bytes.`,
      "file",
    ]);
    expect(fileOf(`${withTools(1)}\n${withTools(1)}`).bounds.toolCallsMax).toMatchObject({
      t1x0x: 20,
    });
    expect(problem(`${withTools(1)}\n${withTools(2)}`)).toEqual([
      "Line 2: The lines use more than 32 tools of the provider's.",
      "body.tools",
    ]);
    // They are remembered with the file.
    expect(Object.keys(fileOf(withTool("t".repeat(64))).bounds.toolCallsMax)).toHaveLength(1);
    expect(problem(withTool("t".repeat(65)))).toEqual([
      "Line 1: A tool of the provider's has a name of 64 characters at most.",
      "body.tools",
    ]);
    expect(fileOf(`${withFiles(0)}\n${withFiles(400)}`).objects).toHaveLength(1_000);
    expect(problem(`${withFiles(0)}\n${withFiles(401)}`)).toEqual([
      "Line 2: The lines name more than 1000 objects that a provider keeps.",
      "body",
    ]);
  });
});
