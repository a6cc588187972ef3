/**
 * The classification of failures, through the real gateway against a scripted upstream that answers in the
 * words of real companies: how often each provider is asked, what the client gets, what it costs, and what
 * the provider's breaker makes of it.
 */
import { beforeEach, describe, expect, test } from "bun:test";
import type { FailureKind } from "../../src/dialects/failure-contract.ts";
import { type FailureFixture, failuresOf, textOf } from "../dialects/failure-fixtures.ts";
import { chat, errorOf, eventsOf } from "../support/chat.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { twoProvidersForFile } from "./two-providers.ts";

const { tollgate, token, first, second, attemptsOf } = await twoProvidersForFile();

/** What is to come of a refusal, written down apart from the code that decides it. */
type Expected = {
  /** Who answers: the provider that refused, verbatim, or the next one. */
  readonly answers: "itself" | "next";
  readonly isFree: boolean;
  /**
   * counted: enough of them open the breaker. rests: the provider is left alone for a while. credential:
   * what the credential is worth is no business of the breaker's.
   */
  readonly breaker: "counted" | "rests" | "untouched" | "credential";
};

const OWN_FAULT: Expected = { answers: "itself", isFree: true, breaker: "untouched" };
const NOT_HERE: Expected = { answers: "next", isFree: true, breaker: "untouched" };
const NOT_WITH_THIS: Expected = { answers: "next", isFree: true, breaker: "credential" };
const BUSY: Expected = { answers: "next", isFree: true, breaker: "rests" };
const BROKEN: Expected = { answers: "next", isFree: false, breaker: "counted" };

const BY_KIND: Readonly<Record<FailureKind, Expected>> = {
  context_too_long: OWN_FAULT,
  content_filtered: { ...OWN_FAULT, isFree: false },
  invalid_request: OWN_FAULT,
  request_too_large: OWN_FAULT,
  over_account_limit: NOT_HERE,
  model_unknown: NOT_HERE,
  not_permitted: NOT_HERE,
  credential_refused: NOT_WITH_THIS,
  credit_exhausted: NOT_WITH_THIS,
  throttled: BUSY,
  overloaded: BUSY,
  server_error: BROKEN,
};

/** Where the words say nothing that the status does not. */
const BY_STATUS: Readonly<Record<number, Expected>> = {
  400: OWN_FAULT,
  408: BROKEN,
  422: OWN_FAULT,
  429: BUSY,
  500: BROKEN,
  502: BROKEN,
  503: BROKEN,
  504: BROKEN,
};

function expectedOf({ kind, status }: FailureFixture): Expected {
  const expected = kind === null ? BY_STATUS[status ?? 0] : BY_KIND[kind];
  if (expected === undefined) throw new Error(`nobody says what becomes of ${status}`);
  return expected;
}

function scriptOf({ status, headers = {}, body }: FailureFixture): string {
  const told = Object.entries({ "content-type": "application/json; charset=utf-8", ...headers });
  return [
    `status=${status}`,
    `body=${encodeURIComponent(textOf(body))}`,
    ...told.map(([name, value]) => `header=${encodeURIComponent(`${name}:${value}`)}`),
  ].join("&");
}

const freshFirst = (): Promise<void> =>
  freshProvider(tollgate, { ...first.row, timeoutsMs: second.row.timeoutsMs });
// Nothing here is about clocks.
beforeEach(freshFirst);

const isAskedOnce = (failure: FailureFixture): boolean =>
  ["untouched", "credential"].includes(expectedOf(failure).breaker);
const requests = (): number[] => [first, second].map(({ upstream }) => upstream.stats().requests);
const health = () => tollgate.gateway.directory.providerHealth(first.row.id);
const askTwelveTimes = async (failure: FailureFixture): Promise<void> => {
  first.upstream.script(scriptOf(failure));
  second.upstream.script("tokens=3");
  for (let count = 0; count < 12; count++) await chat(tollgate.url, { token });
};
const saying = (error: object): string => JSON.stringify({ error });
const asEvent = (body: string): string =>
  `header=content-type%3Atext%2Fevent-stream&body=${encodeURIComponent(`data: ${body}\n\n`)}`;
const asAnswer = (body: string): string => `status=200&body=${encodeURIComponent(body)}`;
const COMPANIES = ["openai", "azure", "anthropic", "google", "bedrock", "relays"] as const;
const withStatus = (company: string): (readonly [string, FailureFixture])[] =>
  failuresOf(company)
    .filter(({ status }) => status !== null)
    .map((failure) => [failure.what, failure] as const);

describe.each(COMPANIES)("refusals in the manner of %s", (company) => {
  test.each(withStatus(company))("%s", async (_what, failure) => {
    first.upstream.script(scriptOf(failure));
    second.upstream.script("tokens=3");
    const { answers, isFree } = expectedOf(failure);
    for (const stream of [false, true]) {
      first.upstream.reset();
      second.upstream.reset();
      const reply = await chat(tollgate.url, { token, body: { stream } });
      const [attempt, next] = await attemptsOf(reply.headers.get("x-request-id"));
      expect(attempt).toMatchObject({
        model: "sim-small",
        kind: isFree ? "void" : "settle",
        status: failure.status,
        isFree,
      });
      if (answers === "itself") {
        expect([reply.status, reply.text]).toEqual([failure.status ?? 0, textOf(failure.body)]);
        expect(reply.headers.get("content-type")).toBe("application/json; charset=utf-8");
        expect(reply.headers.has("x-tollgate-error")).toBe(false);
        expect(requests()).toEqual([1, 0]);
      } else {
        expect([reply.status, reply.headers.get("x-tollgate-provider")]).toEqual([200, "second"]);
        expect(next).toMatchObject({ model: "sim-large", outcome: "ok", isFree: false });
        expect(requests()).toEqual([1, 1]);
      }
      // A provider that rests is not asked again: what it says to a stream needs it fresh.
      await freshFirst();
    }
  });

  test.each(withStatus(company).filter(([, failure]) => isAskedOnce(failure)))(
    "%s: with nobody else to ask it comes back verbatim after one attempt",
    async (_what, failure) => {
      first.upstream.script(scriptOf(failure));
      const reply = await chat(tollgate.url, { token, body: { model: "alone" } });
      expect([reply.status, reply.text]).toEqual([failure.status ?? 0, textOf(failure.body)]);
      expect(requests()).toEqual([1, 0]);
    },
  );
});

describe("what the provider's actor makes of it", () => {
  /** One for each cause and status; a rest that is short or ends at a date is over before it is seen. */
  const each = new Map(
    COMPANIES.flatMap(withStatus)
      .filter(([, { retry_after_ms: restMs = 60_000 }]) => restMs > 25_000)
      .map((told) => [`${told[1].kind} ${told[1].status}`, told[1]]),
  );
  const of = (breaker: Expected["breaker"]) =>
    [...each].filter(([, failure]) => expectedOf(failure).breaker === breaker);

  test.each(of("counted"))("%s: ten in a row open its breaker", async (_what, failure) => {
    await askTwelveTimes(failure);
    expect([first.upstream.stats().requests, health().breaker]).toEqual([10, "open"]);
  });

  test.each(of("rests"))("%s: it is not asked while it rests", async (_what, failure) => {
    first.upstream.script(scriptOf(failure));
    second.upstream.script("tokens=3");
    await chat(tollgate.url, { token });
    await chat(tollgate.url, { token });
    expect([first.upstream.stats().requests, health().breaker]).toEqual([1, "closed"]);
    expect(health().availableAtMs).not.toBeNull();
  });

  test.each(of("untouched"))("%s: it is asked as before", async (_what, failure) => {
    await askTwelveTimes(failure);
    expect([first.upstream.stats().requests, health().breaker]).toEqual([12, "closed"]);
    expect(health().availableAtMs).toBeNull();
  });

  test.each(of("credential"))("%s: its breaker stays closed", async (_what, failure) => {
    await askTwelveTimes(failure);
    expect(health().breaker).toBe("closed");
  });
});

describe("an error within an answer that was 200", () => {
  const context = saying({
    message: "prompt is too long: 208310 tokens > 200000 maximum",
    type: "invalid_request_error",
  });
  const credit = saying({ message: "Insufficient credits. Add more.", code: 402 });
  const failed = saying({ message: "The server had an error.", type: "server_error" });
  const overloaded = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}';
  const bare = '{"object":"error","message":"Internal","type":"InternalServerError","code":500}';

  test.each([
    ["that is the request's own fault", context, 400, "context_too_long", true],
    ["that names its status", saying({ message: "Bad", code: 422 }), 422, "status_422", true],
  ])("%s comes back verbatim with the status it has elsewhere", async (...told) => {
    const [, body, status, outcome, isFree] = told;
    for (const stream of [false, true]) {
      first.upstream.reset();
      first.upstream.script(stream ? asEvent(body) : asAnswer(body));
      const reply = await chat(tollgate.url, { token, body: { stream } });
      expect([reply.status, reply.text]).toEqual([status, body]);
      expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
        { outcome, status, isFree },
      ]);
      expect(requests()).toEqual([1, 0]);
    }
  });

  test.each([
    ["no credit", credit, "status_402", 402, true],
    ["a failure", failed, "error_event", null, false],
    ["an overload", overloaded, "overloaded", null, false],
    ["a failure in a relay's bare words", bare, "status_500", 500, false],
  ])("%s is passed by, and the next one serves", async (...told) => {
    const [, body, outcome, status, isFree] = told;
    for (const stream of [false, true]) {
      first.upstream.script(stream ? asEvent(body) : asAnswer(body));
      second.upstream.script("tokens=3");
      const reply = await chat(tollgate.url, { token, body: { stream } });
      expect(reply.headers.get("x-tollgate-provider")).toBe("second");
      if (stream) expect(eventsOf(reply.text).at(-1)).toBe("[DONE]");
      expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
        { outcome, status, isFree },
        { outcome: "ok" },
      ]);
      await freshFirst();
    }
  });

  test("with nobody else to ask, a failure without a status is told as ours", async () => {
    first.upstream.script(asAnswer(failed));
    const reply = await chat(tollgate.url, { token, body: { model: "alone" } });
    expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([502, "upstream_error"]);
    expect(errorOf(reply)).toMatchObject({ code: "upstream_error", type: "server_error" });
  });

  test("an answer that has choices is an answer, whatever stands beside them", async () => {
    const body =
      '{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}],"error":{"code":500}}';
    first.upstream.script(asAnswer(body));
    const reply = await chat(tollgate.url, { token });
    expect([reply.status, reply.text]).toEqual([200, body]);
  });
});
