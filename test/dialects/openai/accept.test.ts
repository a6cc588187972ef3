/** What the gateway refuses of a client's body, and what it reads from one that it takes. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Surface } from "../../../src/dialects/surfaces.ts";
import { codecOf } from "../../../src/dialects/catalogue.ts";
import { NOWHERE } from "../nowhere.ts";

const encoder = new TextEncoder();
const messages = '[{"role":"user","content":"hi"}]';

function accept(surface: Surface, body: string | Uint8Array<ArrayBuffer>): unknown {
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  const verdict = codecOf(surface).accept(bytes, NOWHERE);
  return verdict.allowed ? verdict.value : verdict.refusal;
}

/** A chat body with these members beside `model` and `messages`. */
function chatWith(members: string): string {
  return `{"model":"m","messages":${messages},${members}}`;
}

function wrongNumber(name: string, max: number): string {
  return `'${name}' must be an integer from 1 to ${max}.`;
}

describe("a chat body is refused as not JSON", () => {
  const text = "The request body is not valid JSON.";
  test.each([
    ["nothing", "", text],
    ["white space", " \n", text],
    ["half an object", '{"model":"m","messages":[', text],
    ["a trailing comma", `{"model":"m","messages":${messages},}`, text],
    ["single quotes", `{'model':'m'}`, text],
    ["NaN", chatWith('"n":NaN'), text],
    ["a leading zero", chatWith('"n":01'), text],
    ["a control character in a string", chatWith('"user":"a\nb"'), text],
    ["a wrong escape", chatWith('"user":"\\x41"'), text],
    ["brackets that do not match", chatWith('"tools":[}'), text],
    ["something behind the end", `${chatWith('"n":1')}{}`, text],
    ["a byte order mark", `\uFEFF${chatWith('"n":1')}`, text],
    ["a form", "model=m&messages=hi", text],
    [
      "deep nesting",
      chatWith(`"x":${"[".repeat(5_000_000)}${"]".repeat(5_000_000)}`),
      `The request body is nested deeper than ${LIMITS.jsonDepthMax} levels.`,
    ],
    [
      "a flood of [",
      "[".repeat(20_000_000),
      `The request body is nested deeper than ${LIMITS.jsonDepthMax} levels.`,
    ],
    [
      "a million members",
      chatWith(Array.from({ length: 1_000_000 }, (_, index) => `"k${index}":1`).join(",")),
      "The request body holds too many members or values.",
    ],
    [
      "millions of empty arrays",
      chatWith(`"x":[${"[],".repeat(3_000_000)}[]]`),
      "The request body holds too many members or values.",
    ],
  ])("%s", (_, body, message) => {
    expect(accept("chat", body)).toEqual({ code: "invalid_json", message });
  });

  test("broken UTF-8", () => {
    const bytes = encoder.encode(chatWith('"user":"abc"'));
    bytes[bytes.length - 3] = 0xff;
    expect(accept("chat", bytes)).toEqual({ code: "invalid_json", message: text });
  });

  test("UTF-16", () => {
    const bytes = new Uint8Array(Buffer.from(chatWith('"n":1'), "utf16le"));
    expect(accept("chat", bytes)).toEqual({ code: "invalid_json", message: text });
  });
});

describe("a chat body is refused as a request", () => {
  const tokens = 2_147_483_647;
  test.each<[string, string, string | undefined]>([
    ["[1]", "The request body must be a JSON object.", undefined],
    ['"text"', "The request body must be a JSON object.", undefined],
    ["null", "The request body must be a JSON object.", undefined],
    ["{}", "Missing required parameter: 'model'.", "model"],
    ['{"__proto__":{"model":"m"}}', "Missing required parameter: 'model'.", "model"],
    ['{"model":null}', "Missing required parameter: 'model'.", "model"],
    ['{"model":7}', "'model' must be a string.", "model"],
    ['{"model":["m"]}', "'model' must be a string.", "model"],
    ['{"model":""}', "'model' must not be empty.", "model"],
    [`{"model":"${"é".repeat(129)}"}`, "'model' must not be longer than 256 bytes.", "model"],
    ['{"model":"m"}', "Missing required parameter: 'messages'.", "messages"],
    ['{"model":"m","messages":null}', "Missing required parameter: 'messages'.", "messages"],
    ['{"model":"m","messages":"hi"}', "'messages' must be an array.", "messages"],
    ['{"model":"m","messages":{}}', "'messages' must be an array.", "messages"],
    ['{"model":"m","messages":[]}', "'messages' must not be empty.", "messages"],
    ['{"model":"m","messages":[{},"hi"]}', "'messages[1]' must be an object.", "messages[1]"],
    ['{"model":"m","messages":[[]]}', "'messages[0]' must be an object.", "messages[0]"],
    [chatWith('"stream":"true"'), "'stream' must be a boolean.", "stream"],
    [chatWith('"stream":1'), "'stream' must be a boolean.", "stream"],
    [chatWith('"stream_options":[]'), "'stream_options' must be an object.", "stream_options"],
    [chatWith('"stream_options":true'), "'stream_options' must be an object.", "stream_options"],
    [
      chatWith('"stream_options":{"include_usage":"yes"}'),
      "'stream_options.include_usage' must be a boolean.",
      "stream_options.include_usage",
    ],
    ...[
      "0",
      "-1",
      "1.5",
      '"5"',
      "true",
      "[]",
      "1e309",
      "-0",
      "2147483648",
      "9007199254740993",
    ].flatMap((value): [string, string, string][] => [
      [chatWith(`"max_tokens":${value}`), wrongNumber("max_tokens", tokens), "max_tokens"],
      [
        chatWith(`"max_completion_tokens":${value}`),
        wrongNumber("max_completion_tokens", tokens),
        "max_completion_tokens",
      ],
    ]),
    [chatWith('"n":0'), wrongNumber("n", 128), "n"],
    [chatWith('"n":129'), wrongNumber("n", 128), "n"],
    [chatWith('"n":"2"'), wrongNumber("n", 128), "n"],
    [chatWith('"model":"other"'), "'model' is given more than once.", "model"],
    [chatWith('"mod\\u0065l":"other"'), "'model' is given more than once.", "model"],
    [chatWith('"Model":"other"'), "'model' is spelled otherwise: \"Model\".", "model"],
    [chatWith('"m\\u004fdel":"other"'), "'model' is spelled otherwise: \"mOdel\".", "model"],
    [chatWith('"meſſages":[{}]'), "'messages' is spelled otherwise: \"meſſages\".", "messages"],
    [chatWith('"messages":[{}]'), "'messages' is given more than once.", "messages"],
    [chatWith('"stream":false,"stream":true'), "'stream' is given more than once.", "stream"],
    [chatWith('"user":"a","user":"b"'), "'user' is given more than once.", "user"],
    [chatWith('"n":1,"n":128'), "'n' is given more than once.", "n"],
    [
      chatWith('"max_tokens":1,"max_tokens":9'),
      "'max_tokens' is given more than once.",
      "max_tokens",
    ],
    [
      chatWith('"stream_options":{"include_usage":true,"include\\u005fusage":false}'),
      "'stream_options.include_usage' is given more than once.",
      "stream_options.include_usage",
    ],
  ])("%s", (body, message, param) => {
    expect(accept("chat", body)).toEqual({
      code: "invalid_request",
      message,
      ...(param === undefined ? {} : { param }),
    });
  });

  test.each([
    ['{"model":"m"}', "Missing required parameter: 'input'.", "input"],
    ['{"model":"m","input":null}', "Missing required parameter: 'input'.", "input"],
    ['{"input":"hi"}', "Missing required parameter: 'model'.", "model"],
    ['{"model":"m","input":"a","input":"b"}', "'input' is given more than once.", "input"],
  ])("as is one of embeddings: %s", (body, message, param) => {
    expect(accept("embeddings", body)).toEqual({ code: "invalid_request", message, param });
  });
});

/** A chat of text alone; what the model makes of it, only its provider knows. */
const PLAIN = { without: ["audio_input", "image_input", "cache_write_1h"], toolCallsMax: {} };

describe("a body that is taken", () => {
  test("is read as far as the gateway needs it", () => {
    const body = chatWith('"stream":true,"n":3,"max_tokens":10,"max_completion_tokens":1.0e2');
    const bytes = encoder.encode(body);
    expect(accept("chat", bytes)).toEqual({
      surface: "chat",
      bytes,
      model: "m",
      stream: true,
      endUserId: null,
      usageAsked: false,
      outputTokensMax: 100,
      choices: 3,
      generates: true,
      textBytes: bytes.length,
      images: 0,
      hasUnsized: false,
      modalities: ["text"],
      offersTools: false,
      ...PLAIN,
    });
  });

  test("may spell null for what it leaves out, and hold members that nobody knows", () => {
    const nulls =
      '"stream":null,"stream_options":null,"max_tokens":null,"max_completion_tokens":null';
    const bytes = encoder.encode(chatWith(`${nulls},"n":null,"temperature":"hot","x_new":[{}]`));
    expect(accept("chat", bytes)).toEqual({
      surface: "chat",
      bytes,
      model: "m",
      stream: false,
      endUserId: null,
      usageAsked: false,
      outputTokensMax: null,
      choices: 1,
      generates: true,
      textBytes: bytes.length,
      images: 0,
      hasUnsized: false,
      modalities: ["text"],
      offersTools: false,
      ...PLAIN,
    });
  });

  test("asks for usage only in a stream", () => {
    const asked = '"stream_options":{"include_usage":true}';
    expect(accept("chat", chatWith(`"stream":true,${asked}`))).toMatchObject({ usageAsked: true });
    expect(accept("chat", chatWith(asked))).toMatchObject({ usageAsked: false });
    expect(
      accept("chat", chatWith('"stream":true,"stream_options":{"include_usage":null}')),
    ).toMatchObject({ usageAsked: false });
  });

  test("counts images apart from text, inline ones by their length", () => {
    const inline = `data:image/png;base64,${"A".repeat(10_000)}`;
    const parts = [
      { type: "text", text: "what is this?" },
      { type: "image_url", image_url: { url: inline, detail: "low" } },
      { type: "image_url", image_url: inline },
      { type: "image_url", image_url: { url: "https://example.com/a.png" } },
      { type: "input_text", image_url: { url: inline } },
      { type: "image_url", image_url: { url: "data:text/plain,all of this is text" } },
      { type: "image_url" },
      "image_url",
    ];
    const bytes = encoder.encode(
      JSON.stringify({ model: "m", messages: [{ content: parts }, { content: inline }, {}] }),
    );
    expect(accept("chat", bytes)).toMatchObject({
      images: 4,
      textBytes: bytes.length - 2 * inline.length,
    });
  });

  test("of embeddings generates nothing, whatever else it says", () => {
    const bytes = encoder.encode(
      '{"input":[[1,2,3]],"model":"e","stream":true,"n":7,"max_tokens":1}',
    );
    expect(accept("embeddings", bytes)).toEqual({
      surface: "embeddings",
      bytes,
      model: "e",
      stream: false,
      endUserId: null,
      usageAsked: false,
      outputTokensMax: null,
      choices: 1,
      generates: false,
      textBytes: bytes.length,
      images: 0,
      hasUnsized: false,
      modalities: ["text"],
      offersTools: false,
      without: ["audio_input", "image_input", "audio_output", "image_output", "cache_write_1h"],
      toolCallsMax: {},
    });
  });

  test("never throws, whatever the bytes are", () => {
    const valid = encoder.encode(chatWith('"stream":true,"stream_options":{},"n":2,"x":"é\\n"'));
    const mutated = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = valid.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const codes = fc.oneof(mutated, fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(codes, fc.constantFrom<Surface>("chat", "embeddings"), (bytes, surface) => {
        const verdict = codecOf(surface).accept(bytes, NOWHERE);
        const code = verdict.allowed ? "allowed" : verdict.refusal.code;
        expect(["allowed", "invalid_json", "invalid_request"]).toContain(code);
        if (verdict.allowed) JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
      }),
      { numRuns: 3_000 },
    );
  });
});
