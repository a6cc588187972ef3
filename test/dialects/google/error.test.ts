/** Our errors in Google's words, and the names of models in its paths. */
import { expect, test } from "bun:test";
import { ERRORS, type ErrorCode } from "../../../src/base/error.ts";
import { readFailure } from "../../../src/dialects/catalogue.ts";
import { googleDialect } from "../../../src/dialects/google/dialect.ts";
import { ARRAY_FRAMING } from "../../../src/dialects/google/error.ts";
import { watchEvents } from "../../../src/dialects/google/event-stream.ts";
import { methodPath, renamed } from "../../../src/dialects/google/model-name.ts";
import type { ErrorReply } from "../../../src/dialects/reply-contract.ts";

const reply: ErrorReply = {
  code: "budget_exceeded",
  message: "The budget\nis used up.",
  type: "insufficient_quota",
  param: "model",
  requestId: "req_1",
  retryAfterS: 60,
};

const told = {
  error: {
    code: 429,
    message: "The budget\nis used up.",
    status: "RESOURCE_EXHAUSTED",
    details: [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: "BUDGET_EXCEEDED",
        domain: "tollgate",
        metadata: { request_id: "req_1", param: "model" },
      },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "60s" },
    ],
  },
};

const textOf = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? undefined);

test("an error has Google's shape as a body, as an event and as an element of an array", () => {
  const text = JSON.stringify(told);
  expect(googleDialect.errorBody(reply)).toBe(text);
  expect(textOf(googleDialect.errorEvent(reply))).toBe(`data: ${text}\n\n`);
  expect(ARRAY_FRAMING.errorBody(reply)).toBe(`[${text}]`);
  expect(textOf(ARRAY_FRAMING.errorPart(reply, false))).toBe(`[${text}]`);
  expect(textOf(ARRAY_FRAMING.errorPart(reply, true))).toBe(`,${text}]`);
});

test("every code of ours has a google.rpc status", () => {
  const statuses = (Object.keys(ERRORS) as ErrorCode[]).map((code) => {
    const body = JSON.parse(googleDialect.errorBody({ ...reply, code })) as typeof told;
    return [body.error.code === ERRORS[code].status, body.error.status] as const;
  });
  expect(statuses.filter(([isSame, status]) => !isSame || status === "UNKNOWN")).toEqual([]);
});

test("a refused credential has the reason that clients know", () => {
  const body = googleDialect.errorBody({ ...reply, code: "invalid_api_key" });
  expect(body).toContain('"reason":"API_KEY_INVALID"');
  const { kind } = readFailure(401, new Headers(), new TextEncoder().encode(body));
  expect(kind).toBe("credential_refused");
});

test("our own error event is an error to our own watch", () => {
  const watch = watchEvents();
  watch.push(googleDialect.errorEvent(reply));
  expect(watch.failure()).toEqual({ body: JSON.stringify(told), status: 429 });
});

test.each([
  ["pretty-printed", JSON.stringify(told, null, 2)],
  ["in a list", `[${JSON.stringify(told)}]\n`],
])("a refusal's body %s becomes the last part on one line", (_how, body) => {
  expect(textOf(googleDialect.errorEventOf(body))).toBe(`data: ${JSON.stringify(told)}\n\n`);
  expect(textOf(ARRAY_FRAMING.errorPartOf(body))).toBe(`[${JSON.stringify(told)}]`);
});

test.each(["<html>", '{"error":"no"}', '{"error":{"message":"no"}}', "{}"])(
  "a body that Google's clients would not take for an error is none: %s",
  (body) => {
    expect(googleDialect.errorEventOf(body)).toBeNull();
    expect(ARRAY_FRAMING.errorPartOf(body)).toBeNull();
  },
);

test.each([
  ["gemini-3-pro", "/models/gemini-3-pro:generateContent"],
  ["models/gemini-3-pro", "/models/gemini-3-pro:generateContent"],
  ["tunedModels/mine", "/tunedModels/mine:generateContent"],
  ["a/b c:countTokens?x#y", "/models/a/b%20c%3AcountTokens%3Fx%23y:generateContent"],
])("the path of %s leads to it and nowhere else", (model, path) => {
  expect(methodPath(model, "generateContent")).toBe(path);
});

test("a model that a body repeats keeps its form", () => {
  expect(renamed("public", "public", "upstream")).toBe("upstream");
  expect(renamed("models/public", "public", "upstream")).toBe("models/upstream");
  expect(renamed("models/public", "public", "tunedModels/mine")).toBe("tunedModels/mine");
});
