/**
 * Vercel's `ai` with its provider for compatible companies: the same assertions against each company, and
 * through Tollgate, to which a company is a row of the catalogue.
 */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  APICallError,
  embedMany,
  generateImage,
  generateText,
  isStepCount,
  Output,
  streamText,
  tool,
  type ToolSet,
} from "ai";
import { describe, expect, test } from "bun:test";
import { STATUS_CODES } from "node:http";
import { z } from "zod";
import { lastAttempt, lastAttempts } from "../conformance/ledger-rows.ts";
import { CREDENTIAL } from "../conformance/stage.ts";
import { failuresOf, textOf } from "../dialects/failure-fixtures.ts";
import {
  answerAs,
  askedOf,
  begunStream,
  COMPATIBLE_COMPANIES,
  type CompatibleCompany,
  INPUT,
  type Shape,
  streamed,
  STRUCTURED,
  TEXTS,
  THOUGHTS,
  type Tokens,
  wordsOf,
} from "./compatible-answers.ts";
import { type CompatibleWorld, compatibleWorldsForFile } from "./compatible-worlds.ts";
import { failureOf } from "./worlds.ts";

/** What Together serves beside chats, and a server that takes forms with pictures. */
const INSTRUCT = { id: "together", model: "instruct", price: { outputPicoUsd: 880_000 } };
const EMBED = { id: "together", model: "embed", price: { inputPicoUsd: 20_000 } };
const FLUX = { id: "together", model: "flux", price: { imagePicoUsd: 2_700_000_000 } };
const EDITOR = { id: "localai", model: "editor", price: { imagePicoUsd: 1_000_000_000 } };

const { each, tollgate } = await compatibleWorldsForFile([
  ...COMPATIBLE_COMPANIES,
  INSTRUCT,
  EMBED,
  FLUX,
  EDITOR,
]);
const [, [, through]] = each as [(typeof each)[0], (typeof each)[1]];

const companies = COMPATIBLE_COMPANIES.map((one) => [one.id, one] as const);
const [GROQ] = COMPATIBLE_COMPANIES as [CompatibleCompany];
const city = z.object({ city: z.string() });
const tools: ToolSet = {
  get_weather: tool({ inputSchema: city, execute: (input) => `sunny in ${input.city}` }),
  get_time: tool({ inputSchema: city, execute: () => "noon" }),
};
const CALLS = [
  { toolName: "get_weather", input: INPUT },
  { toolName: "get_time", input: INPUT },
];
const PICTURE = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const PICTURE_TEXT = Buffer.from(PICTURE).toString("base64");

function clientOf(world: CompatibleWorld, id: string, includeUsage = true) {
  const { apiKey, baseUrlOf } = world;
  const baseURL = baseUrlOf(id);
  return createOpenAICompatible({
    name: id,
    baseURL,
    apiKey,
    includeUsage,
    supportsStructuredOutputs: true,
  });
}

function askFor(world: CompatibleWorld, { id, model }: CompatibleCompany, includeUsage = true) {
  const chat = clientOf(world, id, includeUsage).chatModel(world.nameOf(model));
  return { model: chat, prompt: "Say something.", maxRetries: 0 };
}

/** The counts that a client is told. */
function tokensOf(usage: Awaited<ReturnType<typeof generateText>>["usage"]): Tokens {
  return [
    usage.inputTokens ?? 0,
    usage.outputTokens ?? 0,
    usage.inputTokenDetails.cacheReadTokens ?? 0,
    usage.outputTokenDetails.reasoningTokens ?? 0,
  ];
}

describe.each(each)("%s", (_name, world) => {
  const { upstream } = world;
  const bodiesSeen = (): unknown[] => upstream.seen.map(askedOf);

  describe.each(companies)("%s", (_id, company) => {
    const ask = askFor(world, company);
    const [thought, text] = wordsOf(company);

    test("text, thoughts and the usage as it is worded", async () => {
      upstream.answer(answerAs(company));
      const told = await generateText({ ...ask, maxOutputTokens: 1_000 });
      expect([told.reasoningText ?? "", told.text, told.finishReason]).toEqual([
        thought,
        text,
        "stop",
      ]);
      expect(told.usage.raw as unknown).toEqual(company.usage);
      expect(tokensOf(told.usage)).toEqual(company.told);
      expect(bodiesSeen()).toEqual([
        {
          model: company.model,
          max_tokens: 1_000,
          messages: [{ role: "user", content: "Say something." }],
        },
      ]);
      expect(upstream.seen[0]?.headers["authorization"]).toBe(`Bearer ${CREDENTIAL}`);
    });

    test("a stream with its usage", async () => {
      upstream.answer(answerAs(company));
      const told = streamText(ask);
      const parts = await Array.fromAsync(told.textStream);
      expect(parts).toEqual([...(thought === "" ? THOUGHTS : []), ...TEXTS]);
      expect([(await told.reasoningText) ?? "", await told.finishReason]).toEqual([
        thought,
        "stop",
      ]);
      expect((await told.usage).raw as unknown).toEqual(company.usage);
      expect(tokensOf(await told.usage)).toEqual(company.told);
    });

    test("a stream that asks for no usage is told it where the company always tells it", async () => {
      upstream.answer(answerAs(company));
      const told = streamText(askFor(world, company, false));
      expect(await told.text).toBe(text);
      const always = company.usageIn === "finish" || company.usageIn === "choice";
      expect((await told.usage).raw as unknown).toEqual(always ? company.usage : undefined);
    });

    test("parallel tools are called, answered and put into words", async () => {
      upstream.answer(answerAs(company));
      const told = await generateText({ ...ask, tools, stopWhen: isStepCount(3) });
      const [first] = told.steps;
      expect(first?.toolCalls.map(({ toolName, input }) => ({ toolName, input }))).toEqual(CALLS);
      expect(first?.toolResults.map(({ output }) => output)).toEqual(["sunny in Köln", "noon"]);
      expect([told.text, upstream.seen.length]).toEqual([text, 2]);
      // What was thought before the calls goes back in the member that this client has for it.
      const replayed = thought === "" ? {} : { reasoning_content: thought };
      expect(upstream.seen.map(askedOf)[1]?.messages.slice(1)).toMatchObject([
        { role: "assistant", ...replayed, tool_calls: [{ id: "call_0" }, { id: "call_1" }] },
        { role: "tool", tool_call_id: "call_0", content: "sunny in Köln" },
        { role: "tool", tool_call_id: "call_1", content: "noon" },
      ]);
    });

    test("parallel tool calls, streamed", async () => {
      upstream.answer(answerAs(company));
      const told = streamText({ ...ask, tools });
      const calls = await told.toolCalls;
      expect(calls.map(({ toolName, input }) => ({ toolName, input }))).toEqual(CALLS);
      expect(await told.finishReason).toBe("tool-calls");
      expect(tokensOf(await told.usage)).toEqual(company.told);
    });

    test("structured output parses into its schema", async () => {
      upstream.answer(answerAs(company));
      const schema = z.object({ city: z.string(), days: z.number() });
      const output = Output.object({ schema });
      expect((await generateText({ ...ask, output })).output).toEqual(STRUCTURED);
      expect(upstream.seen.map(askedOf)[0]?.response_format).toMatchObject({
        type: "json_schema",
        json_schema: { strict: true, schema: { required: ["city", "days"] } },
      });
    });

    test("a stream that is cut after its first words fails and is never taken for a whole one", async () => {
      const come = Promise.withResolvers<void>();
      upstream.answer(streamed([begunStream(company), come.promise], "cut"));
      const told = streamText({ ...ask, onError: () => undefined });
      const kinds: string[] = [];
      const raised = await failureOf(
        (async () => {
          for await (const part of told.fullStream) {
            if (part.type === "text-delta" && part.text === TEXTS[0]) come.resolve();
            kinds.push(part.type === "finish" ? `finish: ${part.finishReason}` : part.type);
          }
        })(),
      );
      expect(kinds).toContain("text-delta");
      expect(kinds).not.toContain("finish: stop");
      expect(raised !== undefined || kinds.includes("error")).toBe(true);
    });
  });

  test("a picture goes in as it is", async () => {
    upstream.answer(answerAs(GROQ));
    const { model, maxRetries } = askFor(world, GROQ);
    const image = { type: "file" as const, mediaType: "image/png", data: PICTURE };
    const content = [{ type: "text" as const, text: "What is it?" }, image];
    await generateText({ model, maxRetries, messages: [{ role: "user", content }] });
    const url = `data:image/png;base64,${PICTURE_TEXT}`;
    const parts = [
      { type: "text", text: "What is it?" },
      { type: "image_url", image_url: { url } },
    ];
    expect(bodiesSeen()).toEqual([
      { model: GROQ.model, messages: [{ role: "user", content: parts }] },
    ]);
  });

  test.each(failuresOf("relays").filter(({ status }) => status !== null))(
    "the refusal of $what ($status) is the company's own",
    async ({ status, body }) => {
      const responseBody = textOf(body);
      upstream.answer({
        status: status ?? 0,
        headers: { "retry-after": "0" },
        pieces: [responseBody],
      });
      const failure = await failureOf(generateText(askFor(world, GROQ)));
      expect(failure).toBeInstanceOf(APICallError);
      const [message, isRetryable] = [wordsFor(status ?? 0, body), isWaitedFor(status ?? 0)];
      expect(failure).toMatchObject({ statusCode: status, responseBody, message, isRetryable });
    },
  );

  test("how long to wait after a 429 is told as the company tells it", async () => {
    const error = { message: "Rate limit reached", type: "tokens", code: "rate_limit_exceeded" };
    const told = { "retry-after": "37" };
    upstream.answer({ status: 429, headers: told, pieces: [JSON.stringify({ error })] });
    // Who cannot wait that long says so: else Tollgate would wait for it, and ask again.
    const headers = { "x-tollgate-timeout-ms": "20000" };
    const failure = await failureOf(generateText({ ...askFor(world, GROQ), headers }));
    expect(failure).toMatchObject({ statusCode: 429, data: { error }, responseHeaders: told });
    expect(upstream.seen).toHaveLength(1);
  });

  test("a 429 that is over at once is survived with the client's own retries", async () => {
    const refused = { status: 429, headers: { "retry-after": "0" }, pieces: ["{}"] };
    const answer = answerAs(GROQ);
    upstream.answer((seen) => (upstream.seen.length === 1 ? refused : answer(seen)));
    const { text } = await generateText({ ...askFor(world, GROQ), maxRetries: 1 });
    expect([text, upstream.seen.length]).toEqual([TEXTS.join(""), 2]);
  });

  test("an error in the middle of a stream reaches the caller in the company's words", async () => {
    const openrouter = companyOf("openrouter");
    const error = { code: 502, message: "Provider disconnected" };
    const choices = [{ index: 0, delta: { content: "" }, finish_reason: "error" }];
    const event = `data: ${JSON.stringify({ id: "gen-invented", error, choices })}\n\n`;
    upstream.answer(streamed([`${begunStream(openrouter)}${event}data: [DONE]\n\n`]));
    const errors: unknown[] = [];
    const told = streamText({
      ...askFor(world, openrouter),
      onError: (one) => void errors.push(one.error),
    });
    expect(await Array.fromAsync(told.textStream)).toEqual([TEXTS[0]]);
    expect(errors).toMatchObject([{ ...error, data: error }]);
  });

  test("an abort mid-stream closes the company's connection", async () => {
    upstream.answer(streamed([begunStream(GROQ)], "hang"));
    const controller = new AbortController();
    const told = streamText({ ...askFor(world, GROQ), abortSignal: controller.signal });
    for await (const part of told.textStream) if (part === TEXTS[0]) controller.abort();
    await upstream.quiet();
    expect(upstream.seen).toHaveLength(1);
  });

  test("a completion, plain and streamed", async () => {
    const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
    const labels = { id: "cmpl-invented", created: 1_785_500_400, model: "instruct" };
    const said = (text: string, finish_reason: string | null, more: Shape = {}) =>
      JSON.stringify({ ...labels, choices: [{ index: 0, text, finish_reason }], ...more });
    upstream.answer((seen) =>
      askedOf(seen).stream === true
        ? streamed([
            `data: ${said("Grüße", null)}\n\n`,
            `data: ${said(" 🙂", "stop", { usage })}\n\ndata: [DONE]\n\n`,
          ])
        : { pieces: [said("Grüße 🙂", "stop", { usage })] },
    );
    const model = clientOf(world, "together").completionModel(world.nameOf("instruct"));
    const ask = { model, prompt: "Say something.", maxOutputTokens: 9, maxRetries: 0 };
    const plain = await generateText(ask);
    const stream = streamText(ask);
    for (const text of [plain.text, await stream.text]) expect(text).toBe("Grüße 🙂");
    for (const told of [plain.usage, await stream.usage])
      expect(told.raw as unknown).toEqual(usage);
    expect(bodiesSeen()).toMatchObject([
      { model: "instruct", prompt: "user:\nSay something.\n\nassistant:\n", stop: ["\nuser:"] },
      { model: "instruct", max_tokens: 9, stream: true },
    ]);
  });

  test("embeddings of several texts", async () => {
    const data = [[0.5], [-1]].map((embedding, index) => ({ index, embedding }));
    const usage = { prompt_tokens: 7, total_tokens: 7 };
    upstream.answer({ pieces: [JSON.stringify({ object: "list", data, usage })] });
    const model = clientOf(world, "together").embeddingModel(world.nameOf("embed"));
    const told = await embedMany({ model, values: ["one", "two"], maxRetries: 0 });
    expect([told.embeddings, told.usage.tokens]).toEqual([[[0.5], [-1]], 7]);
    expect(bodiesSeen()).toEqual([
      { model: "embed", input: ["one", "two"], encoding_format: "float" },
    ]);
  });

  test("pictures, made and edited", async () => {
    const data = [{ b64_json: PICTURE_TEXT }, { b64_json: PICTURE_TEXT }];
    upstream.answer({ pieces: [JSON.stringify({ created: 1_785_500_400, data })] });
    const prompt = "ein Leuchtturm";
    const providerOptions = { together: { response_format: "b64_json", steps: 4 } };
    const made = await generateImage({
      model: clientOf(world, "together").imageModel(world.nameOf("flux")),
      prompt,
      n: 2,
      size: "1024x1024",
      providerOptions,
      maxRetries: 0,
    });
    expect(made.images.map(({ uint8Array }) => uint8Array)).toEqual([PICTURE, PICTURE]);
    expect(bodiesSeen()).toEqual([
      { model: "flux", prompt, n: 2, size: "1024x1024", response_format: "b64_json", steps: 4 },
    ]);
    const edited = await generateImage({
      model: clientOf(world, "localai").imageModel(world.nameOf("editor")),
      prompt: { text: "mit Möwen", images: [PICTURE] },
      n: 2,
      maxRetries: 0,
    });
    expect(edited.images.map(({ base64 }) => base64)).toEqual([PICTURE_TEXT, PICTURE_TEXT]);
    const { path, headers, body } = upstream.seen[1] ?? { path: null, headers: {}, body: "" };
    expect(path).toBe("/v1/images/edits");
    const form = await new Response(body, { headers }).formData();
    const picture = new Uint8Array(await (form.get("image") as File).arrayBuffer());
    expect([form.get("model"), form.get("prompt"), form.get("n"), picture]).toEqual([
      "editor",
      "mit Möwen",
      "2",
      PICTURE,
    ]);
  });
});

/** The words of a body in OpenAI's form; other forms this client does not read. */
function wordsFor(status: number, body: unknown): string {
  const known = z.object({
    error: z.object({ message: z.string(), type: z.string().nullish() }),
  });
  const read = known.safeParse(body);
  return read.success ? read.data.error.message : (STATUS_CODES[status] ?? "");
}

function isWaitedFor(status: number): boolean {
  return [408, 409, 429].includes(status) || status >= 500;
}

function companyOf(id: string): CompatibleCompany {
  return COMPATIBLE_COMPANIES.find((one) => one.id === id) ?? GROQ;
}

describe("the ledger has what a company is to be paid", () => {
  test.each(companies)("%s: plain, streamed, and streamed without asking", async (_id, company) => {
    through.upstream.answer(answerAs(company));
    const [inputTokens, outputTokens, cachedInputTokens, reasoningTokens] = company.booked;
    const booked = {
      inputTokens,
      outputTokens,
      cachedInputTokens,
      reasoningTokens,
      amountNanoUsd: company.costNanoUsd,
      estimated: false,
      kind: "settle",
      outcome: "ok",
    };
    await generateText(askFor(through, company));
    expect(await lastAttempts(tollgate)).toMatchObject([booked]);
    await streamText(askFor(through, company)).consumeStream();
    expect(await lastAttempts(tollgate)).toMatchObject([booked]);
    await streamText(askFor(through, company, false)).consumeStream();
    expect(await lastAttempts(tollgate)).toMatchObject([booked]);
  });

  test("embeddings by their tokens, pictures by their number", async () => {
    const data = [{ index: 0, embedding: [0.5], b64_json: PICTURE_TEXT }];
    const usage = { prompt_tokens: 7, total_tokens: 7 };
    through.upstream.answer({ pieces: [JSON.stringify({ data, usage })] });
    const client = clientOf(through, "together");
    await embedMany({ model: client.embeddingModel(through.nameOf("embed")), values: ["one"] });
    expect(await lastAttempt(tollgate)).toMatchObject({
      inputTokens: 7,
      amountNanoUsd: 7 * 20,
      estimated: false,
    });
    const pictures = [...data, ...data, ...data];
    through.upstream.answer({ pieces: [JSON.stringify({ data: pictures })] });
    const model = client.imageModel(through.nameOf("flux"));
    await generateImage({ model, prompt: "ein Leuchtturm", n: 3 });
    expect(await lastAttempt(tollgate)).toMatchObject({
      amountNanoUsd: 3 * 2_700_000,
      estimated: false,
    });
  });
});

describe("what Tollgate itself says is the client's own kind of error", () => {
  const embed = (): Promise<unknown> => {
    const model = clientOf(through, GROQ.id).embeddingModel(through.nameOf(GROQ.model));
    return embedMany({ model, values: ["one"], maxRetries: 0 });
  };
  const chat = (world: CompatibleWorld, model: string) => (): Promise<unknown> =>
    generateText(askFor(world, { ...GROQ, model }));
  const stranger = { ...through, apiKey: "sk-tg-nonsense" };

  test.each([
    ["an access token that is none", chat(stranger, GROQ.model), 401, "invalid_api_key"],
    ["a model that nobody has", chat(through, "unknown"), 404, "model_not_found"],
    ["a surface that the company does not have", embed, 404, "model_not_found"],
  ])("%s", async (_what, ask, statusCode, code) => {
    const failure = await failureOf(ask());
    expect(failure).toBeInstanceOf(APICallError);
    expect(failure).toMatchObject({ statusCode, isRetryable: false, data: { error: { code } } });
    expect(through.upstream.seen).toEqual([]);
  });
});
