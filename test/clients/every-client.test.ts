/**
 * What every client must see directly and through Tollgate alike: words, pictures that go in, streams that
 * fail or break off, refusals, waits, and connections that close when it leaves.
 */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { type Seen, startRecordedUpstream } from "../conformance/recorded-upstream.ts";
import { CREDENTIAL } from "../conformance/stage.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway } from "../support/gateway.ts";
import { ANSWERS, type Language, TEXT, WORD } from "./every-client-answers.ts";
import { EVERY_CLIENT, MODELS, type Place } from "./every-client.ts";
import { expectAtRest, failureOf } from "./worlds.ts";

const upstream = await startRecordedUpstream();
const tollgate = await startTestGateway();
const tenantId = (await tollgate.addTenant()).id;
const { token } = await tollgate.addToken(tenantId);
await addBudget(tenantId, 5_000_000_000_000);
const poorTenantId = (await tollgate.addTenant()).id;
const poor = await tollgate.addToken(poorTenantId);
await addBudget(poorTenantId, 0);
const DIALECTS = [
  ["openai", MODELS.chat],
  ["anthropic", MODELS.messages],
  ["google", MODELS.gemini],
] as const;
const providers = await Promise.all(
  DIALECTS.map(async ([dialect, model]) => {
    const provider = await tollgate.addProvider({
      name: dialect,
      dialect,
      baseUrl: `${upstream.url}/v1`,
      credentialSealed: CREDENTIAL,
    });
    await tollgate.addPrice(provider.id, model, { inputPicoUsd: 1_000_000 });
    await tollgate.addRoute(model, [{ providerId: provider.id, model, weight: 1, priority: 0 }]);
    return provider;
  }),
);

beforeEach(async () => {
  upstream.forget();
  // Fresh breakers and no cooldown: failures of one test say nothing about the next.
  for (const provider of providers) await freshProvider(tollgate, provider);
});
afterAll(async () => {
  await expectAtRest(tollgate, tenantId);
  await tollgate.stop();
  await upstream.stop();
});

const DIRECT: Place = { url: upstream.url, apiKey: CREDENTIAL };
const THROUGH: Place = { url: tollgate.url, apiKey: token };
const worlds = [
  ["directly", DIRECT],
  ["through Tollgate", THROUGH],
] as const;
const clients = EVERY_CLIENT.map((client) => [client.name, client] as const);
const PICTURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]).toString("base64");
const SSE = { "content-type": "text/event-stream" };

async function addBudget(owner: string, amountNanoUsd: number): Promise<void> {
  const scope = { scopeType: "tenant", scopeId: owner, tenantId: owner } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd, window: "total" });
}

/** Answers whole or as a stream, whichever is asked for. */
function answerIn(language: Language): void {
  const { plain, begun, rest } = ANSWERS[language];
  upstream.answer(({ path, body }) => {
    const asked = new TextDecoder().decode(body);
    const isStream = asked.includes('"stream":true') || path.includes("alt=sse");
    return isStream ? { headers: SSE, pieces: [begun, rest] } : { pieces: [plain] };
  });
}

/** Words until the stream ends or fails, and with what. */
async function readOf(words: AsyncIterable<string>, onWord: () => void = () => undefined) {
  let text = "";
  const failure = await failureOf(
    (async () => {
      for await (const word of words) {
        text += word;
        if (text === WORD) onWord();
      }
    })(),
  );
  return { text, failure };
}

describe.each(worlds)("%s", (_name, place) => {
  describe.each(clients)("%s", (_client, { language, ask, stream }) => {
    const { begun, failure: failing, failureText, plain, refusal } = ANSWERS[language];

    test("has an answer and a stream", async () => {
      answerIn(language);
      expect(await ask(place)).toBe(TEXT);
      const { text, failure } = await readOf(stream(place));
      expect([text.slice(0, WORD.length), text.slice(-2), failure]).toEqual([
        WORD,
        "🙂",
        undefined,
      ]);
    });

    test("is refused in the provider's words, and asks once", async () => {
      upstream.answer({ status: 400, pieces: [refusal("Not like this.")] });
      const failures = [await failureOf(ask(place)), (await readOf(stream(place))).failure];
      for (const failure of failures) {
        expect(failure).toBeInstanceOf(Error);
        expect(String(failure)).toContain("Not like this.");
      }
      expect(upstream.seen).toHaveLength(2);
    });

    test("survives a provider that is back at once, with its own retries", async () => {
      const refused = { status: 503, headers: { "retry-after": "0" }, pieces: [refusal("Later.")] };
      upstream.answer(() => (upstream.seen.length === 1 ? refused : { pieces: [plain] }));
      expect(await ask(place, { retries: 1 })).toBe(TEXT);
      expect(upstream.seen).toHaveLength(2);
    });

    test("is told of a failure in the middle of a stream, after the words before it", async () => {
      upstream.answer({ headers: SSE, pieces: [begun, failing] });
      const { text, failure } = await readOf(stream(place));
      expect([text, failure]).toEqual([WORD, expect.any(Error)]);
      expect(String(failure)).toContain(failureText);
    });

    test("never takes a stream that is cut for a whole one", async () => {
      const come = Promise.withResolvers<void>();
      upstream.answer({ headers: SSE, pieces: [begun, come.promise], end: "cut" });
      const { text, failure } = await readOf(stream(place), come.resolve);
      expect([text, failure]).toEqual([WORD, expect.any(Error)]);
    });

    test("closes the provider's connection when it is aborted before the answer", async () => {
      const controller = new AbortController();
      const asked = Promise.withResolvers<void>();
      upstream.answer(() => {
        asked.resolve();
        return { pieces: [], after: new Promise(() => undefined) };
      });
      const failed = failureOf(ask(place, { signal: controller.signal }));
      await asked.promise;
      controller.abort();
      expect(await failed).toBeInstanceOf(Error);
      await upstream.quiet();
      expect(upstream.seen).toHaveLength(1);
    });

    test("closes the provider's connection when it is aborted in the middle of a stream", async () => {
      const controller = new AbortController();
      upstream.answer({ headers: SSE, pieces: [begun], end: "hang" });
      const words = stream(place, { signal: controller.signal });
      const { text } = await readOf(words, () => controller.abort());
      expect(text).toBe(WORD);
      await upstream.quiet();
      expect(upstream.seen).toHaveLength(1);
    });
  });
});

/** What is told by whoever makes the connection. */
const OF_CONNECTION = new Set([
  "host",
  "content-length",
  "accept-encoding",
  "authorization",
  "x-api-key",
  "x-goog-api-key",
]);
const USAGE_ASKED = ',"stream_options":{"include_usage":true}';

/** A request but for who asks, and for usage, which Tollgate asks for where a client does not. */
function readByProvider({ method, path, headers, body }: Seen) {
  const told = Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name));
  const text = new TextDecoder().decode(body).replace(USAGE_ASKED, "");
  return { method, path, headers: Object.fromEntries(told), text };
}

describe.each(clients)("%s", (name, { heedsRefusals, language, ask, stream }) => {
  const statusMember = name.startsWith("ai, ") ? "statusCode" : "status";

  test("is read by the provider as if nobody were in between, a picture included", async () => {
    answerIn(language);
    for (const place of [DIRECT, THROUGH]) {
      await ask(place, { picture: PICTURE });
      await readOf(stream(place, { picture: PICTURE }));
    }
    const seen = upstream.seen.map(readByProvider);
    expect(seen.slice(2)).toEqual(seen.slice(0, 2));
    expect(seen.map(({ text }) => text.includes(PICTURE))).toEqual([true, true, true, true]);
  });

  test.each([
    ["an access token that is none", "sk-tg-nonsense", 401, "The access token is malformed"],
    ["a budget that is used up", poor.token, 429, "The budget of 0.00 USD"],
  ])("%s is told once, as its own kind of error", async (_what, apiKey, status, text) => {
    const before = await refusedSoFar();
    const failure = await failureOf(
      ask({ ...THROUGH, apiKey }, { retries: heedsRefusals ? 2 : 0 }),
    );
    expect(failure).toBeInstanceOf(Error);
    expect(failure).toMatchObject({ [statusMember]: status });
    expect(String(failure)).toContain(text);
    // A stranger has no requests.
    expect((await refusedSoFar()) - before).toBe(status === 401 ? 0 : 1);
    expect(upstream.seen).toEqual([]);
  });
});

async function refusedSoFar(): Promise<number> {
  await tollgate.store.flush();
  const page = { limit: 1_000, cursor: null };
  return (await tollgate.store.requestPage({ tenantId: poorTenantId }, page)).rows.length;
}
