/** A file of what came of a batch says what each request cost, however its bytes are cut. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { LIMITS } from "../../../../src/base/limits.ts";
import { BatchOutput } from "../../../../src/dialects/openai/batches/output.ts";
import type { OutputLine } from "../../../../src/dialects/job-contract.ts";
import type { Surface } from "../../../../src/dialects/surfaces.ts";

const CHAT = {
  id: "chatcmpl-1",
  object: "chat.completion",
  choices: [
    { index: 0, message: { role: "assistant", content: "Grüße 🐟 \u2028" }, finish_reason: "stop" },
  ],
  usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
};

const lineOf = (response: unknown, error: unknown = null): string =>
  JSON.stringify({ id: "batch_req_1", custom_id: "1", response, error });
const answered = (body: unknown): string => lineOf({ status_code: 200, request_id: "req_1", body });

type Read = Omit<OutputLine, "output"> & { readonly text: string; readonly tokens: number };

function read(
  file: string | Uint8Array,
  surface: Surface = "chat",
  places: readonly number[] = [],
): Read[] {
  const bytes = typeof file === "string" ? new TextEncoder().encode(file) : file;
  const output = new BatchOutput(surface);
  const lines: OutputLine[] = [];
  let start = 0;
  for (const end of [...places.toSorted((one, other) => one - other), bytes.length]) {
    // A block that is filled again, as a reader's may be.
    const piece = bytes.slice(start, end);
    lines.push(...output.push(piece));
    piece.fill(0x0a);
    start = end;
  }
  return [...lines, ...output.end()].map(({ output: { text, tokens }, ...line }) => {
    return { ...line, text: text(), tokens };
  });
}

const CHAT_READ: Read = {
  isAnswered: true,
  usage: {
    inputTokens: 12,
    outputTokens: 5,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    details: null,
  },
  made: [],
  text: "Grüße 🐟 \u2028",
  tokens: 4,
};
const FAILED: Read = { isAnswered: false, usage: null, made: [], text: "", tokens: 0 };
const UNREAD: Read = { ...FAILED, isAnswered: true };

describe("a line of a batch's output", () => {
  test("says what its answer used, made and wrote, by its surface", () => {
    expect(read(answered(CHAT))).toEqual([CHAT_READ]);
    const response = {
      id: "resp_1",
      object: "response",
      status: "completed",
      output: [
        { id: "ws_1", type: "web_search_call", action: { type: "search" } },
        { id: "msg_1", type: "message", content: [{ type: "output_text", text: "Hi" }] },
      ],
      usage: { input_tokens: 3, output_tokens: 2 },
    };
    expect(read(answered(response), "responses")).toEqual([
      {
        isAnswered: true,
        usage: {
          inputTokens: 3,
          outputTokens: 2,
          cachedInputTokens: 0,
          reasoningTokens: 0,
          details: expect.objectContaining({ toolCalls: { web_search: 1 } }),
        },
        made: [
          { kind: "response", id: "resp_1" },
          { kind: "item", id: "ws_1" },
          { kind: "item", id: "msg_1" },
        ],
        text: "Hi",
        tokens: 1,
      },
    ]);
    const picture = { data: [{ b64_json: "QUJD" }, { b64_json: "QUJD" }] };
    const [{ usage } = UNREAD] = read(answered(picture), "image_generations");
    expect(usage?.details?.units).toEqual({ images: 2 });
    const embedded = { data: [], usage: { prompt_tokens: 7, total_tokens: 7 } };
    const [embedding = UNREAD] = read(answered(embedded), "embeddings");
    expect(embedding.usage).toMatchObject({ inputTokens: 7, outputTokens: 0 });
  });

  test("costs nothing where its request failed", () => {
    const failures = [
      lineOf({ status_code: 429, body: { error: { message: "slow down" } } }),
      lineOf({ status_code: 400, body: CHAT }),
      lineOf(null, { code: "batch_expired", message: "too late" }),
      answered({ error: { message: "lost it", code: 502 } }),
      '{"custom_id":"1","error":{"code":"invalid"}}',
    ];
    expect(read(failures.join("\n"))).toEqual(failures.map(() => FAILED));
  });

  test("was perhaps answered where it says nothing that can be read", () => {
    const odd = [
      "not JSON",
      "[1]",
      "{}",
      '{"error":{"message":"try later"}}',
      lineOf(null),
      lineOf({ status_code: 200 }),
      lineOf({ status_code: 200, body: "text" }),
      answered({ choices: [], usage: { prompt_tokens: -1, completion_tokens: 2 } }),
      answered(CHAT).slice(0, -1),
    ];
    expect(read(odd.join("\n"))).toEqual(odd.map(() => UNREAD));
  });

  test("counts what it wrote where nothing was reported", () => {
    const { usage: _, ...silent } = CHAT;
    expect(read(answered(silent))).toEqual([{ ...CHAT_READ, usage: null }]);
  });
});

describe("a batch's output", () => {
  const file = [
    answered(CHAT),
    "",
    `  ${lineOf(null, { code: "batch_expired" })}\r`,
    " \t\r",
    answered(CHAT),
  ].join("\n");
  const lines = [CHAT_READ, FAILED, CHAT_READ];

  test("says the same in any pieces, with or without a last newline", () => {
    expect(read(file)).toEqual(lines);
    expect(read(`${file}\n`)).toEqual(lines);
    expect(read("")).toEqual([]);
    const places = fc.array(fc.nat({ max: Buffer.byteLength(file) }), { maxLength: 12 });
    fc.assert(fc.property(places, (cut) => expect(read(file, "chat", cut)).toEqual(lines)));
    const everywhere = Array.from({ length: Buffer.byteLength(file) }, (_, place) => place);
    expect(read(file, "chat", everywhere)).toEqual(lines);
  });

  test("reads on behind a line that is too long, of which nothing is kept", () => {
    const output = new BatchOutput("chat");
    const block = new Uint8Array(1024 * 1024).fill(0x20);
    const texts: boolean[] = [];
    for (let bytes = 0; bytes <= LIMITS.answerBytesMax + block.length; bytes += block.length) {
      texts.push(...output.push(block).map(({ isAnswered }) => isAnswered));
    }
    expect(texts).toEqual([]);
    const [long, next] = output.push(new TextEncoder().encode(`\n${answered(CHAT)}\n`));
    expect(long).toMatchObject({ isAnswered: true, usage: null, made: [] });
    expect(next?.usage).toEqual(CHAT_READ.usage);
    expect(output.end()).toEqual([]);
  });
});
