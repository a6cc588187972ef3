/** The small parts of the OpenAI dialect, and the catalogue that finds it. */
import { expect, test } from "bun:test";
import { chatCodec } from "../../../src/dialects/openai/chat.ts";
import { codecOf, DIALECTS, dialectOf } from "../../../src/dialects/catalogue.ts";
import type { ErrorReply } from "../../../src/dialects/reply-contract.ts";
import { SURFACE_NAMES, SURFACES } from "../../../src/dialects/surfaces.ts";
import { openaiDialect } from "../../../src/dialects/openai/dialect.ts";

const reply: ErrorReply = {
  code: "budget_exceeded",
  message: "The budget\nis used up.",
  type: "insufficient_quota",
  param: null,
  requestId: "req_1",
};
const body =
  '{"error":{"message":"The budget\\nis used up.","type":"insufficient_quota","code":"budget_exceeded","param":null}}';

test("an error has OpenAI's shape as a body and as an event", () => {
  expect(openaiDialect.errorBody(reply)).toBe(body);
  expect(new TextDecoder().decode(openaiDialect.errorEvent(reply))).toBe(`data: ${body}\n\n`);
});

test("our own error event is an error to our own watch", () => {
  const watch = chatCodec.watch({ usageAsked: false, choices: 1 });
  watch.push(openaiDialect.errorEvent(reply));
  expect(watch.failure()).toEqual({ body, status: null });
});

test("every surface has its own codec, and the dialect that the table says", () => {
  for (const [name, dialect] of Object.entries(DIALECTS)) expect(dialect.name).toBe(name);
  for (const surface of SURFACE_NAMES) {
    expect(codecOf(surface).surface).toBe(surface);
    expect(dialectOf(surface).name).toBe(SURFACES[surface].dialect);
  }
});

test("no two surfaces share a path and a method", () => {
  const paths = Object.values(SURFACES).flatMap(({ method, paths: all }) =>
    all.map((path) => `${method} ${path}`),
  );
  expect(new Set(paths).size).toBe(paths.length);
});
