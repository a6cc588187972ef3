/** Which requests ask for the same answer each time: embeddings, and chats without chance in them. */
import { expect, test } from "bun:test";
import { codecOf } from "../../../src/dialects/catalogue.ts";
import type { Surface } from "../../../src/dialects/surfaces.ts";
import { NOWHERE } from "../nowhere.ts";

function isDeterministic(surface: Surface, members: object): boolean {
  const messages = [{ role: "user", content: "hello" }];
  const body = { model: "m", input: "hello", messages, ...members };
  const accepted = codecOf(surface).accept(new TextEncoder().encode(JSON.stringify(body)), NOWHERE);
  if (!accepted.allowed) throw new Error(accepted.refusal.message);
  return codecOf(surface).isDeterministic(accepted.value);
}

test.each([
  ["chat", {}, false],
  ["chat", { temperature: 0 }, true],
  ["chat", { temperature: 0, stream: true }, true],
  ["chat", { temperature: 0.01 }, false],
  ["chat", { temperature: null }, false],
  ["chat", { temperature: "0" }, false],
  ["chat", { seed: 7 }, true],
  ["chat", { seed: 0, temperature: 1 }, true],
  ["chat", { seed: null }, false],
  ["chat", { seed: "7" }, false],
  ["embeddings", {}, true],
] as const)("%s with %j: %p", (surface, members, expected) => {
  expect(isDeterministic(surface, members)).toBe(expected);
});
