/** The small parts of the OpenAI dialect, and the catalogue that finds it. */
import { expect, test } from "bun:test";
import { DIALECTS, dialectNamed } from "../../../src/dialects/catalogue.ts";
import type { ErrorReply } from "../../../src/dialects/contract.ts";
import { openaiDialect } from "../../../src/dialects/openai/dialect.ts";

const reply: ErrorReply = {
  code: "budget_exceeded",
  message: "The budget\nis used up.",
  type: "insufficient_quota",
  param: null,
};
const body =
  '{"error":{"message":"The budget\\nis used up.","type":"insufficient_quota","code":"budget_exceeded","param":null}}';

test("an error has OpenAI's shape as a body and as an event", () => {
  expect(openaiDialect.errorBody(reply)).toBe(body);
  expect(new TextDecoder().decode(openaiDialect.errorEvent(reply))).toBe(`data: ${body}\n\n`);
});

test("our own error event is an error to our own watch", () => {
  const watch = openaiDialect.watch({ usageAsked: false, choices: 1 });
  watch.push(openaiDialect.errorEvent(reply));
  expect(watch.failure()).toEqual({ body, status: null });
});

test("paths and credentials are those of OpenAI", () => {
  expect(openaiDialect.path("chat")).toBe("/chat/completions");
  expect(openaiDialect.path("embeddings")).toBe("/embeddings");
  expect(openaiDialect.credentialHeaders("secret")).toEqual({ authorization: "Bearer secret" });
});

test("the catalogue knows every dialect by its own name and nothing else", () => {
  for (const [name, dialect] of Object.entries(DIALECTS)) {
    expect(dialect.name).toBe(name);
    expect(dialectNamed(name)).toBe(dialect);
  }
  expect(dialectNamed("toString")).toBeUndefined();
  expect(dialectNamed("OpenAI")).toBeUndefined();
});
