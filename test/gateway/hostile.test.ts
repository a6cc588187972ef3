/** Bad bodies and bad values: always the documented refusal, never the upstream, nothing left behind. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { LIMITS } from "../../src/base/limits.ts";
import { HELLO } from "../support/chat.ts";
import { startQuietGateway } from "./quiet.ts";

const { tollgate, token, expectQuiet } = await startQuietGateway();

afterEach(expectQuiet);

afterAll(() => tollgate.stop());

type Refused = {
  readonly status: number;
  readonly code: string;
  readonly param?: string | null;
};

function post(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream,
  path = "/v1/chat/completions",
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${tollgate.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, ...headers },
    body,
  });
}

/** The whole refusal: status, header, and a body of exactly the members that OpenAI's errors have. */
async function expectRefused(response: Response, { status, code, param }: Refused): Promise<void> {
  const { error, ...others } = JSON.parse(await response.text());
  expect({ status: response.status, header: response.headers.get("x-tollgate-error") }).toEqual({
    status,
    header: code,
  });
  expect(others).toEqual({});
  expect(error).toEqual({
    message: expect.any(String),
    type: "invalid_request_error",
    code,
    param: param === undefined ? expect.anything() : param,
  });
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
  expect(response.headers.has("x-should-retry")).toBe(false);
}

const NOT_JSON: Refused = { status: 400, code: "invalid_json", param: null };
const GOOD = JSON.stringify({ model: "small", messages: HELLO });
const open = (text: string, count: number): string => text.repeat(count);
const utf8 = (...bytes: number[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array([
    ...Buffer.from('{"model":"small","x":"'),
    ...bytes,
    ...Buffer.from('","messages":[{}]}'),
  ]);

describe("a body that is not JSON", () => {
  test.each([
    ["empty", ""],
    ["white space", " \n\t"],
    ["a word", "hello"],
    ["a form", "model=small&messages=hi"],
    ["HTML", "<html></html>"],
    ["single quotes", "{'model':'small'}"],
    ["a comma too many", '{"model":"small","messages":[{}],}'],
    ["no comma", '{"model":"small" "messages":[{}]}'],
    ["two objects", `${GOOD}${GOOD}`],
    ["an object and a word", `${GOOD} x`],
    ["brackets that do not match", '{"model":"small","messages":[{}}]'],
    ["a comment", '{"model":"small",/* */"messages":[{}]}'],
    ["NaN", '{"model":"small","messages":[{}],"x":NaN}'],
    ["a leading zero", '{"model":"small","messages":[{}],"x":01}'],
    ["a line break in a string", '{"model":"small","messages":[{}],"x":"\n"}'],
    ["a NUL in a string", '{"model":"small","messages":[{}],"x":"\u0000"}'],
    ["a NUL at the end", `${GOOD}\u0000`],
    ["a half escape", '{"model":"small","messages":[{}],"x":"\\u12"}'],
    ["a byte order mark", `\u{feff}${GOOD}`],
    ["UTF-16", Buffer.from(GOOD, "utf16le")],
    ["a lone continuation byte", utf8(0x80)],
    ["an overlong slash", utf8(0xc0, 0xaf)],
    ["half a surrogate pair in UTF-8", utf8(0xed, 0xa0, 0x80)],
    ["a code point past the last", utf8(0xf4, 0x90, 0x80, 0x80)],
    ["gzip", Bun.gzipSync(GOOD)],
    ["5 million open arrays", open("[", 5_000_000)],
    ["a million open objects", open('{"a":', 1_000_000)],
    ["129 levels of arrays", `{"x":${open("[", 129)}${open("]", 129)}}`],
    ["nesting in a member we do not know", `{"x":${open('{"y":[', 100)}${open("]}", 100)}}`],
    ["a million members", `{${Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":0`).join()}}`],
    ["a million values", `{"x":[${open("0,", 1_000_000)}0]}`],
  ])("%s is refused as such", async (_what, body) => {
    await expectRefused(await post(body as string), NOT_JSON);
  });

  test("every truncation of a good body is refused as such", async () => {
    for (let end = 0; end < GOOD.length; end += 1) {
      await expectRefused(await post(GOOD.slice(0, end)), NOT_JSON);
    }
  });

  test("whatever the bytes are, the answer is a refusal of the client's request", async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // A good body with a few bytes changed anywhere, which mostly stays nearly JSON.
      fc
        .array(fc.tuple(fc.nat(GOOD.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
        .map((changes) => {
          const changed = new Uint8Array(Buffer.from(GOOD));
          for (const [at, byte] of changes) changed[at] = byte;
          return changed;
        }),
    );
    const seen = new Set<number>();
    await fc.assert(
      fc.asyncProperty(bytes, async (body) => {
        const response = await post(new Uint8Array(body));
        seen.add(response.status);
        // A change within a text leaves a good body, which the upstream judges then.
        expect([200, 400, 404]).toContain(response.status);
        expect(JSON.parse(await response.text())).toBeObject();
      }),
      { numRuns: 500 },
    );
    expect(seen.has(400)).toBe(true);
    tollgate.upstream.reset();
  });
});

function invalid(param: string | null): Refused {
  return { status: 400, code: "invalid_request", param };
}

describe("a body that is JSON and no request", () => {
  test.each(["[]", "null", "1", '"text"', "true", `[${GOOD}]`])("%s", async (body) => {
    await expectRefused(await post(body), invalid(null));
    await expectRefused(await post(body, "/v1/embeddings"), invalid(null));
  });

  const wrongValues: readonly (readonly [string, readonly unknown[]])[] = [
    ["model", [null, 1, "", [], {}, true, "x".repeat(257), "é".repeat(129)]],
    ["messages", [null, "hi", {}, [], 1, true]],
    ["stream", ["true", 1, 0, [], {}]],
    ["stream_options", ["x", 1, [], true]],
    ["max_tokens", [0, -1, 1.5, "5", true, [], {}, 2 ** 31, 1e308]],
    ["max_completion_tokens", [0, -1, 1.5, "5", true, [], {}, 2 ** 31]],
    ["n", [0, -1, 1.5, "2", true, [], 129]],
  ];
  test.each(wrongValues)("every wrong kind of %s", async (name, values) => {
    for (const value of values) {
      const body = JSON.stringify({ model: "small", messages: HELLO, [name]: value });
      await expectRefused(await post(body), invalid(name));
    }
  });

  test.each([
    ["messages[1]", { messages: [{ role: "user", content: "hi" }, "hi"] }],
    ["messages[0]", { messages: [null] }],
    ["messages[0]", { messages: [[]] }],
    ["stream_options.include_usage", { stream: true, stream_options: { include_usage: 1 } }],
    ["model", { model: undefined }],
    ["messages", { messages: undefined }],
  ])("a wrong or missing %s", async (param, change) => {
    const body = JSON.stringify({ model: "small", messages: HELLO, ...change });
    await expectRefused(await post(body), invalid(param));
  });

  test.each(["model", "messages", "stream", "stream_options", "max_tokens", "n"])(
    "%s given twice, by name or by escape, since readers differ on which one counts",
    async (name) => {
      const values = { model: '"small"', messages: JSON.stringify(HELLO), [name]: "null" };
      const members = Object.entries(values).map(([key, value]) => `"${key}":${value}`);
      const escaped = name.replace("m", "\\u006d").replace("s", "\\u0073").replace("n", "\\u006e");
      for (const again of [name, escaped]) {
        const body = `{${members.join()},"${again}":null}`;
        await expectRefused(await post(body), invalid(name));
      }
    },
  );

  test("include_usage given twice", async () => {
    const options = '{"include_usage":true,"include_usage":false}';
    const body = `{"model":"small","messages":[{}],"stream":true,"stream_options":${options}}`;
    await expectRefused(await post(body), invalid("stream_options.include_usage"));
  });

  test("embeddings without a model or an input", async () => {
    for (const [body, param] of [
      [{ input: "x" }, "model"],
      [{ model: "embed" }, "input"],
      [{ model: "embed", input: null }, "input"],
      [{ model: 5, input: "x" }, "model"],
    ] as const) {
      await expectRefused(await post(JSON.stringify(body), "/v1/embeddings"), invalid(param));
    }
  });

  test.each(["", "abc", "0", "-1", "1.5", "NaN", "Infinity", "1 000"])(
    "x-tollgate-timeout-ms: %p",
    async (value) => {
      const headers = { "x-tollgate-timeout-ms": value };
      const response = await post(GOOD, "/v1/chat/completions", headers);
      await expectRefused(response, invalid("x-tollgate-timeout-ms"));
    },
  );

  test.each(["nobody", "small ", "Small", "upstream/", "/sim-small", "../small", "__proto__"])(
    "a model that does not exist: %p",
    async (model) => {
      const body = JSON.stringify({ model, messages: HELLO });
      await expectRefused(await post(body), {
        status: 404,
        code: "model_not_found",
        param: "model",
      });
    },
  );
});

/** `count` bytes in chunks, without a declared length. */
function chunked(count: number): ReadableStream {
  const chunk = new Uint8Array(1024 * 1024).fill(0x20);
  let left = count;
  return new ReadableStream({
    pull: (controller) => {
      controller.enqueue(chunk.subarray(0, Math.min(left, chunk.length)));
      left -= chunk.length;
      if (left <= 0) controller.close();
    },
  });
}

describe("a body of more than 20 MiB", () => {
  const TOO_LARGE: Refused = { status: 413, code: "body_too_large", param: null };
  const bytesMax = LIMITS.bodyBytesMax;

  test("is refused by its declared length, one byte past the bound and far past it", async () => {
    for (const length of [bytesMax + 1, 45 * 1024 * 1024]) {
      await expectRefused(await post(new Uint8Array(length)), TOO_LARGE);
    }
  });

  test("is refused as soon as that much has come when no length is declared", async () => {
    for (const length of [bytesMax + 1, 45 * 1024 * 1024]) {
      await expectRefused(await post(chunked(length)), TOO_LARGE);
    }
  });

  test("is not refused for its size up to the bound", async () => {
    await expectRefused(await post(new Uint8Array(bytesMax).fill(0x20)), NOT_JSON);
    await expectRefused(await post(chunked(bytesMax)), NOT_JSON);
  });
});

test("a valid body of 19 MiB with an inline image reaches the upstream whole", async () => {
  const url = `data:image/png;base64,${"iVBORw0K".repeat((19 * 1024 * 1024) / 8)}`;
  const content = [
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url } },
  ];
  const body = JSON.stringify({ model: "small", messages: [{ role: "user", content }] });
  const response = await post(body);
  await response.text();
  expect(response.status).toBe(200);
  const received = tollgate.upstream.requests().at(-1);
  expect(received?.bodyBytes).toBe(body.length + "sim-".length);
  tollgate.upstream.reset();
});
