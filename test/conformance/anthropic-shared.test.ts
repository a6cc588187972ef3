/**
 * What Tollgate adds to streams of messages: comments in silence, numbers to come back by, one answer
 * for several clients, a second attempt for a late one. Names of events survive all of it.
 */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import {
  OVERLOADED,
  sse,
  started,
  TEXT_STREAM,
  THINKING_TOOLS_STREAM,
  upTo,
} from "./anthropic-answers.ts";
import { lastAttempts } from "./ledger-rows.ts";
import { readAll, readerOf, readUntil } from "./read-stream.ts";
import { type Recorded, startRecordedUpstream } from "./recorded-upstream.ts";
import { conformanceStageForFile, UPSTREAM_MODEL } from "./stage.ts";

const { provider, tenantId, through, token, tollgate, upstream } = await conformanceStageForFile(
  "anthropic",
  "/v1",
);
const spare = await startRecordedUpstream();
const second = await tollgate.addProvider({
  name: "second",
  dialect: "anthropic",
  baseUrl: `${spare.url}/v1`,
});
await tollgate.addPrice(second.id, UPSTREAM_MODEL);
const [target, next] = [provider, second].map(({ id: providerId }, priority) => {
  return { providerId, model: UPSTREAM_MODEL, weight: 1, priority };
});
if (target === undefined || next === undefined) throw new Error("there are two");
await tollgate.addRoute("kept", [target], { terms: { keepAliveMs: 20 } });
await tollgate.addRoute("kept-both", [target, next], { terms: { keepAliveMs: 20 } });
await tollgate.addRoute("resumable", [target], { terms: { resumable: true } });
await tollgate.addRoute("flight", [target], { terms: { singleFlight: { cost: "first" } } });
const hedge = { percentile: 95, delayMsMin: 10, percentMax: 100 };
await tollgate.addRoute("hedged", [target, next], { terms: { hedge } });

beforeEach(async () => {
  spare.forget();
  await freshProvider(tollgate, provider);
});
afterAll(() => spare.stop());

const path = "/v1/messages";
const COMMENT = ": keep-alive\n\n";

function bodyFor(model: string, members: object = {}): string {
  const messages = [{ role: "user", content: "hi" }];
  return JSON.stringify({ model, max_tokens: 64, messages, stream: true, ...members });
}

function streamed(pieces: Recorded["pieces"], end: Recorded["end"] = "close"): Recorded {
  return { headers: { "content-type": "text/event-stream; charset=utf-8" }, pieces, end };
}

function ask(model: string, members: object = {}, credential = token): Promise<Response> {
  const headers = { "x-api-key": credential };
  return fetch(`${tollgate.url}${path}`, {
    method: "POST",
    headers,
    body: bodyFor(model, members),
  });
}

test("comments are sent in silence, between events and never within one", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const [early, late] = gates.map(({ promise }) => promise);
  const half = THINKING_TOOLS_STREAM.indexOf("Both cities");
  const pieces = [THINKING_TOOLS_STREAM.slice(0, half), THINKING_TOOLS_STREAM.slice(half)];
  upstream.answer(streamed([early ?? "", pieces[0] ?? "", late ?? "", pieces[1] ?? ""]));
  const reader = readerOf(await ask("kept"));
  let text = await readUntil(reader, COMMENT);
  gates[0]?.resolve();
  text += await readUntil(reader, COMMENT);
  gates[1]?.resolve();
  text += await readAll(reader);
  expect(text.replaceAll(COMMENT, "")).toBe(THINKING_TOOLS_STREAM);
});

test("a failure behind the first comment is made good by another provider", async () => {
  const late = Promise.withResolvers<void>();
  upstream.answer(streamed([late.promise, sse([started(), OVERLOADED])]));
  spare.answer(streamed([TEXT_STREAM]));
  const reader = readerOf(await ask("kept-both"));
  const begun = await readUntil(reader, COMMENT);
  late.resolve();
  const text = begun + (await readAll(reader));
  expect([text.replaceAll(COMMENT, ""), spare.seen.length]).toEqual([TEXT_STREAM, 1]);
});

test("or told as an error event, in the provider's words", async () => {
  const silent = Promise.withResolvers<void>();
  const error = '{"type":"error","error":{"type":"invalid_request_error","message":"no"}}';
  upstream.answer(() => ({ ...streamed([silent.promise, sse([started(), error])]) }));
  const reader = readerOf(await ask("kept"));
  const begun = await readUntil(reader, COMMENT);
  silent.resolve();
  const text = begun + (await readAll(reader));
  expect(text.replaceAll(COMMENT, "")).toBe(`event: error\ndata: ${error}\n\n`);
});

test("numbered events keep their names, and who comes back gets the rest", async () => {
  const late = Promise.withResolvers<void>();
  const begun = upTo(TEXT_STREAM, "Grüße");
  upstream.answer(streamed([begun, late.promise, TEXT_STREAM.slice(begun.length)]));
  const first = await ask("resumable");
  const id = first.headers.get("request-id") ?? "";
  const reader = readerOf(first);
  const seen = await readUntil(reader, "Grüße");
  await reader.cancel();
  late.resolve();
  const count = seen.split("\n\n").length - 1;
  const rest = await fetch(`${tollgate.url}${path}`, {
    method: "POST",
    headers: { "x-api-key": token, "last-event-id": `${id}:${count}` },
    body: "{}",
  });
  const whole = seen + (await rest.text());
  expect(whole.replaceAll(/^id: .*\n/gm, "")).toBe(TEXT_STREAM);
  const numbers = [...whole.matchAll(/^id: (.*)\nevent: \w+\ndata: /gm)].map(([, own]) => own);
  expect(numbers).toEqual(
    TEXT_STREAM.split("\n\n")
      .slice(0, -1)
      .map((_, place) => `${id}:${place + 1}`),
  );
  expect(upstream.seen.length).toBe(1);
});

test("a key asks for one answer, whoever comes with it", async () => {
  upstream.answer(streamed([TEXT_STREAM]));
  const headers = { "idempotency-key": "key 1" };
  const asked = { path, headers, body: bodyFor("flight") };
  const replies = [await through(asked), await through(asked)];
  expect(replies.map(({ text }) => text)).toEqual([TEXT_STREAM, TEXT_STREAM]);
  const told = replies.map(({ headers: own }) => own.get("x-tollgate-idempotency"));
  expect([told, upstream.seen.length]).toEqual([[null, "replayed"], 1]);
  const ids = replies.map(({ headers: own }) => own.get("request-id"));
  expect(new Set(ids).size).toBe(2);
  const other = await through({ ...asked, body: bodyFor("flight", { x: 1 }) });
  expect([other.status, JSON.parse(other.text).error.type]).toEqual([422, "invalid_request_error"]);
});

test("equal requests without chance share one attempt while it runs, and others do not", async () => {
  const late = Promise.withResolvers<void>();
  const begun = upTo(TEXT_STREAM, "Grüße");
  upstream.answer(streamed([begun, late.promise, TEXT_STREAM.slice(begun.length)]));
  const sure = { temperature: 0 };
  const replies = await Promise.all([ask("flight", sure), ask("flight", sure), ask("flight")]);
  late.resolve();
  const texts = await Promise.all(replies.map((reply) => reply.text()));
  expect(new Set(texts)).toEqual(new Set([TEXT_STREAM]));
  expect(upstream.seen.length).toBe(2);
});

test("who shares an answer is told of their own request and rates alone", async () => {
  const limited = await tollgate.addToken(tenantId);
  const scope = { scopeType: "token", scopeId: limited.row.id, tenantId } as const;
  await tollgate.addLimit({ ...scope, requestsPerMinute: 60, tokensPerMinute: 100_000 });
  const late = Promise.withResolvers<void>();
  upstream.answer(streamed([late.promise, TEXT_STREAM]));
  const sure = { temperature: 0 };
  const first = ask("flight", sure, limited.token);
  await until(() => upstream.seen.length === 1);
  const other = ask("flight", sure);
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 2);
  late.resolve();
  const told = (await Promise.all([first, other])).map(({ headers }) => {
    const names = [...headers.keys()].filter((name) => name.includes("ratelimit"));
    return { rates: names.length, id: headers.get("request-id") };
  });
  // A limit, what is left and when it is whole again: of two kinds in ours, of four in Anthropic's.
  expect(told.map(({ rates }) => rates)).toEqual([18, 0]);
  expect([new Set(told.map(({ id }) => id)).size, upstream.seen.length]).toEqual([2, 1]);
});

test("a late answer gets a second attempt, and the first one is given up", async () => {
  upstream.answer(streamed([], "hang"));
  spare.answer(streamed([TEXT_STREAM]));
  const reply = await ask("hedged");
  expect([await reply.text(), reply.headers.get("x-tollgate-provider")]).toEqual([
    TEXT_STREAM,
    "second",
  ]);
  await until(() => upstream.inFlight() === 0);
  const attempts = await lastAttempts(tollgate);
  const outcomes = new Set(attempts.map(({ outcome }) => outcome));
  expect([attempts.length, outcomes]).toEqual([2, new Set(["hedge_lost", "ok"])]);
});
