/** Failures as the official `openai` client tells them: the same class, status and code either way. */
import { describe, expect, test } from "bun:test";
import OpenAI, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  UnprocessableEntityError,
} from "openai";
import { CHAT_MODEL, failureOf, scripted, worldsForFile } from "./worlds.ts";

const { each } = await worldsForFile();
const model = CHAT_MODEL;
const messages = [{ role: "user" as const, content: "Say something." }];

/** Each status with its class, and the type and code that the provider gives it. */
const STATUSES = [
  [400, BadRequestError, "invalid_request_error", null],
  [401, AuthenticationError, "invalid_request_error", "invalid_api_key"],
  [403, PermissionDeniedError, "invalid_request_error", "unsupported_country_region_territory"],
  [404, NotFoundError, "invalid_request_error", "model_not_found"],
  [409, ConflictError, "invalid_request_error", null],
  [422, UnprocessableEntityError, "invalid_request_error", null],
  [429, RateLimitError, "requests", "rate_limit_exceeded"],
  [500, InternalServerError, "server_error", null],
  [503, InternalServerError, "service_unavailable_error", "service_unavailable"],
] as const;

describe.each(each)("%s", (_name, { baseURL, apiKey, upstream }) => {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

  test.each(STATUSES)("the provider's %d raises its class with its own words", async (...row) => {
    const [status, errorClass, type, code] = row;
    // Without a wait, so that Tollgate's own attempts at a status worth repeating take no time.
    const script = scripted(`status=${status}&retry_after=0`);
    for (const stream of [false, true]) {
      const failure = await failureOf(
        client.chat.completions.create({ model, messages, stream }, script),
      );
      expect(failure).toBeInstanceOf(errorClass);
      expect(failure).toMatchObject({
        status,
        type,
        code,
        param: null,
        message: `${status} Simulated answer with status ${status}.`,
        requestID: expect.stringMatching(/^req_/),
      });
    }
  });

  test("the provider's own code and param survive", async () => {
    const error = {
      message: "This model's maximum context length is 8192 tokens.",
      type: "invalid_request_error",
      param: "messages",
      code: "context_length_exceeded",
    };
    const body = encodeURIComponent(JSON.stringify({ error }));
    const failure = await failureOf(
      client.chat.completions.create({ model, messages }, scripted(`status=400&body=${body}`)),
    );
    expect(failure).toBeInstanceOf(BadRequestError);
    expect(failure).toMatchObject({ ...error, message: `400 ${error.message}` });
    expect(upstream.stats().requests).toBe(1);
  });

  test.each([
    ["no message", { model, messages: [] }, "messages"],
    ["a stream that is no boolean", { model, messages, stream: "yes" }, "stream"],
    ["a limit of zero", { model, messages, max_tokens: 0 }, "max_tokens"],
    ["129 choices", { model, messages, n: 129 }, "n"],
  ])("a request with %s is refused with the member's name", async (_what, body, param) => {
    const failure = await failureOf(
      client.chat.completions.create(body as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming),
    );
    expect(failure).toBeInstanceOf(BadRequestError);
    expect(failure).toMatchObject({ status: 400, type: "invalid_request_error", param });
  });

  test("an unknown model is not found, in a lookup and in a call", async () => {
    const unknown = "sim-nobody-has-this";
    for (const asked of [
      client.models.retrieve(unknown),
      client.chat.completions.create({ model: unknown, messages }),
    ]) {
      const failure = await failureOf(asked);
      expect(failure).toBeInstanceOf(NotFoundError);
      expect(failure).toMatchObject({ status: 404, code: "model_not_found" });
    }
  });

  test("a provider that fails twice and then answers is survived by the client's own retries", async () => {
    const patient = new OpenAI({ baseURL, apiKey, maxRetries: 2 });
    const answer = await patient.chat.completions.create(
      { model, messages },
      scripted("fail_times=2&status=500&retry_after=0&tokens=1"),
    );
    expect(answer.choices[0]?.message.content).toBe("lorem");
    expect(upstream.stats().byStatus).toEqual({ "200": 1, "500": 2 });
  });

  test("a stream that is cut after its first words raises after these words", async () => {
    const stream = await client.chat.completions.create(
      { model, messages, stream: true },
      scripted("tokens=50&token_delay_ms=10&cut_at=2000"),
    );
    const words: string[] = [];
    const failure = await failureOf(
      (async () => {
        for await (const chunk of stream) words.push(chunk.choices[0]?.delta.content ?? "");
      })(),
    );
    expect(words.slice(0, 3)).toEqual(["", "lorem", " ipsum"]);
    expect(failure).toBeInstanceOf(Error);
    expect(upstream.stats()).toMatchObject({ requests: 1, cut: 1 });
  });

  test("an error event in the stream raises with what it says", async () => {
    const stream = await client.chat.completions.create(
      { model, messages, stream: true },
      scripted("tokens=9&error_after=2"),
    );
    const failure = await failureOf(Array.fromAsync(stream));
    expect(failure).toBeInstanceOf(APIError);
    expect(failure).toMatchObject({ type: "server_error" });
  });

  test("leaving the loop mid-stream closes the provider's connection", async () => {
    const stream = await client.chat.completions.create(
      { model, messages, stream: true },
      scripted("tokens=1000&token_delay_ms=20"),
    );
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content === "lorem") break;
    }
    const stats = await upstream.until(({ closedEarly }) => closedEarly === 1);
    expect(stats).toMatchObject({ requests: 1, completed: 0, inFlight: 0 });
  });

  test("aborting before the answer closes the provider's connection and raises", async () => {
    const controller = new AbortController();
    const asked = client.chat.completions.create(
      { model, messages },
      { ...scripted("headers_delay_ms=60000"), signal: controller.signal },
    );
    const failed = failureOf(asked);
    await upstream.until(({ inFlight }) => inFlight === 1);
    controller.abort();
    expect(await failed).toBeInstanceOf(APIUserAbortError);
    const stats = await upstream.until(({ closedEarly }) => closedEarly === 1);
    expect(stats).toMatchObject({ requests: 1, completed: 0, inFlight: 0 });
  });
});
