/** Answers whose provider says too little, too much or nothing about what they used. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { ProviderRow } from "../../src/store/contract.ts";
import { chat, type ChatReply } from "../support/chat.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** Every token costs 1,000 nano-dollars, read or written. */
const TOKEN_NANO_USD = 1_000;
/** "hello" and "user" and the template around them, by OpenAI's newest encoding. */
const HELLO_TOKENS = 8;

let tollgate: TestGateway;
let provider: ProviderRow;
let tenantId: string;
let token: string;

beforeAll(async () => {
  tollgate = await startTestGateway();
  tenantId = (await tollgate.addTenant()).id;
  token = (await tollgate.addToken(tenantId)).token;
  provider = await tollgate.addProvider();
  for (const model of ["sim-small", "sim-embed"]) {
    await tollgate.addPrice(provider.id, model, { inputPicoUsd: 1_000_000 });
    const target = { providerId: provider.id, model, weight: 1, priority: 0 };
    await tollgate.addRoute(model === "sim-small" ? "small" : model, [target]);
  }
});

beforeEach(async () => {
  tollgate.upstream.reset();
  await freshProvider(tollgate, provider);
  // Started here, so that no test is about how long that takes.
  await tollgate.gateway.tokenCounter.count({ body: null, output: "" });
});

afterAll(() => tollgate.stop());

const ask = (body: object, script: string): Promise<ChatReply> =>
  chat(tollgate.url, { token, script, body: { max_tokens: 200, ...body } });

/** The newest request's only posting, once it is there. */
async function posted() {
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  await tollgate.store.flush();
  const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
  const detail = await tollgate.store.requestDetail(rows[0]?.id ?? "");
  const attempts = detail?.attempts ?? [];
  expect(attempts.map(({ postings }) => postings.length)).toEqual([1]);
  const posting = attempts[0]?.postings[0];
  expect(posting?.estimated).toBe(rows[0]?.estimated ?? false);
  expect(posting?.amountNanoUsd).toBeLessThanOrEqual(attempts[0]?.attempt.heldNanoUsd ?? 0);
  return posting;
}

const counted = (inputTokens: number, outputTokens: number) => ({
  kind: "settle",
  estimated: true,
  inputTokens,
  outputTokens,
  amountNanoUsd: (inputTokens + outputTokens) * TOKEN_NANO_USD,
});

/** What the counting thread itself says; that it counts right is shown by its own tests. */
async function tokensOf(text: string): Promise<number> {
  const answer = await tollgate.gateway.tokenCounter.count({ body: null, output: text });
  return answer?.outputTokens ?? Number.NaN;
}

function textOf({ text }: ChatReply): string {
  if (text.startsWith("{")) return JSON.parse(text).choices[0].message.content;
  const events = text.split("\n\n").filter((event) => event.startsWith("data: {"));
  return events
    .map((event) => JSON.parse(event.slice(6)).choices?.[0]?.delta.content ?? "")
    .join("");
}

describe("a provider that reports nothing", () => {
  test.each([false, true])(
    "is charged what is counted in its answer (stream: %p)",
    async (stream) => {
      const reply = await ask({ stream }, "tokens=30&omit_usage=1");
      expect(await posted()).toMatchObject(counted(HELLO_TOKENS, await tokensOf(textOf(reply))));
    },
  );

  test("and whose stream is cut is charged what came", async () => {
    const reply = await ask(
      { stream: true },
      "tokens=30&omit_usage=1&token_delay_ms=5&cut_at=3000",
    );
    const text = textOf(reply);
    expect(text).not.toBe("");
    expect(await posted()).toMatchObject(counted(HELLO_TOKENS, await tokensOf(text)));
  });

  test("and whose client leaves is charged what came", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const response = await fetch(`${tollgate.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "x-sim-script": "tokens=99&token_delay_ms=10" },
      body: JSON.stringify({
        model: "small",
        messages: [{ role: "user", content: "hello" }],
        stream: true,
        max_tokens: 200,
      }),
      signal,
    });
    await response.body?.getReader().read();
    controller.abort();
    const posting = await posted();
    expect(posting).toMatchObject({ estimated: true, inputTokens: HELLO_TOKENS });
    expect(posting?.outputTokens).toBeGreaterThan(0);
  });

  test("is charged for tokens that were given as numbers, and for nothing generated", async () => {
    const response = await fetch(`${tollgate.url}/v1/embeddings`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "x-sim-script": "omit_usage=1" },
      body: JSON.stringify({ model: "sim-embed", input: [[1, 2, 3], [4]] }),
    });
    await response.text();
    expect(await posted()).toMatchObject(counted(4, 0));
  });

  test.each([false, true])(
    "and writes 200,000 characters without a break is counted all the same (stream: %p)",
    async (stream) => {
      const script = "tokens=1&token_bytes=200000&omit_usage=1";
      const reply = await ask({ stream, max_tokens: 100_000 }, script);
      expect(textOf(reply)).toHaveLength(200_000);
      const outputTokens = await tokensOf(textOf(reply));
      const posting = await posted();
      expect(posting).toMatchObject({ estimated: true, inputTokens: HELLO_TOKENS, outputTokens });
      // Far more than the model's maximum, for which it was held: that is all that is charged.
      expect(posting?.amountNanoUsd).toBeGreaterThan(4_000 * TOKEN_NANO_USD);
      expect(posting?.amountNanoUsd).toBeLessThan(outputTokens * TOKEN_NANO_USD);
    },
  );
});

describe("a provider that reports", () => {
  test.each([false, true])("zero is believed: nothing is charged (stream: %p)", async (stream) => {
    await ask({ stream }, "tokens=30&prompt_tokens=0&completion_tokens=0&total_tokens=0");
    expect(await posted()).toMatchObject({ kind: "settle", estimated: false, amountNanoUsd: 0 });
  });

  test("twice is believed the last time", async () => {
    const [early, late] = [9, 7].map((output) => {
      const usage = { prompt_tokens: 5, completion_tokens: output };
      return `data: ${JSON.stringify({ choices: [], usage })}\n\n`;
    });
    const text = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "a" }, finish_reason: "stop" }] })}\n\n`;
    const body = encodeURIComponent(`${text}${early}${late}data: [DONE]\n\n`);
    await ask({ stream: true }, `header=content-type%3Atext%2Fevent-stream&body=${body}`);
    expect(await posted()).toMatchObject({
      estimated: false,
      outputTokens: 7,
      amountNanoUsd: 12 * TOKEN_NANO_USD,
    });
  });

  test("on every chunk and is cut before the end is charged the last report, flagged", async () => {
    const choices = [{ index: 0, delta: { content: "a" }, finish_reason: null }];
    const events = [1, 2, 3].map((output) => {
      const usage = { prompt_tokens: 5, completion_tokens: output };
      return `data: ${JSON.stringify({ choices, usage })}\n\n`;
    });
    const body = encodeURIComponent(events.join(""));
    await ask({ stream: true }, `header=content-type%3Atext%2Fevent-stream&body=${body}`);
    expect(await posted()).toMatchObject(counted(5, 3));
  });
});

test("a company that refuses to be asked for usage is asked by clients alone", async () => {
  await freshProvider(tollgate, { ...provider, terms: { ...provider.terms, company: "mistral" } });
  const script = "tokens=3&refuse_stream_options=1";
  const served = await ask({ stream: true }, script);
  expect([served.status, served.text.includes("[DONE]")]).toEqual([200, true]);
  expect(await posted()).toMatchObject(counted(HELLO_TOKENS, await tokensOf(textOf(served))));
  const asking = { stream: true, stream_options: { include_usage: true } };
  const refused = await ask(asking, script);
  expect([refused.status, JSON.parse(refused.text).error.param]).toEqual([400, "stream_options"]);
});

test("a counting thread that is gone costs the exact count, never the request", async () => {
  const asked = ask({ stream: true }, "tokens=30&omit_usage=1&token_delay_ms=5");
  await tollgate.upstream.until(({ requests }) => requests === 1);
  // Whatever waits for it when it goes is answered by bytes.
  const stopping = setInterval(() => tollgate.gateway.tokenCounter.stop(), 1);
  const reply = await asked;
  clearInterval(stopping);
  expect(reply.text).toContain("[DONE]");
  const bytes = JSON.stringify({
    model: "small",
    messages: [{ role: "user", content: "hello" }],
    max_tokens: 200,
    stream: true,
  }).length;
  const output = Math.max(30, Math.ceil(textOf(reply).length / 4));
  expect(await posted()).toMatchObject(counted(Math.ceil(bytes / 3), output));
});
