/** What a body says about everything that has a price beside text: in doubt, that it has it. */
import { expect, test } from "bun:test";
import { codecOf } from "../../../src/dialects/catalogue.ts";
import type { ClientRequest } from "../../../src/dialects/contract.ts";
import { NOWHERE } from "../nowhere.ts";

function read(body: object | string): ClientRequest {
  const text = typeof body === "string" ? body : JSON.stringify({ model: "m", ...body });
  const verdict = codecOf("chat").accept(new TextEncoder().encode(text), NOWHERE);
  if (!verdict.allowed) throw new Error(verdict.refusal.message);
  return verdict.value;
}

const messages = [{ role: "user", content: "hi" }];
const part = (type: string) => ({ messages: [{ role: "user", content: [{ type }] }] });
const INPUT = ["audio_input", "image_input"];

test.each<readonly [string, object | string, readonly string[]]>([
  ["text alone, output unknown", { messages }, [...INPUT, "cache_write_1h"]],
  [
    "text alone that asks for text",
    { messages, modalities: ["text"] },
    [...INPUT, "audio_output", "image_output", "cache_write_1h"],
  ],
  [
    "sound is asked for",
    { messages, modalities: ["text", "audio"] },
    [...INPUT, "image_output", "cache_write_1h"],
  ],
  ["a picture", part("image_url"), ["audio_input", "cache_write_1h"]],
  ["sound", part("input_audio"), ["cache_write_1h"]],
  ["a file", part("file"), ["cache_write_1h"]],
  ["a part that nobody knows", part("hologram"), ["cache_write_1h"]],
  [
    "an earlier answer of sound",
    { messages: [{ audio: { id: "a" } }] },
    ["image_input", "cache_write_1h"],
  ],
  [
    "words with the letters of ttl",
    { messages: [{ content: "a little bottle" }] },
    [...INPUT, "cache_write_1h"],
  ],
  ["a cache for an hour", { messages, cache_control: { type: "ephemeral", ttl: "1h" } }, INPUT],
  ["the same, escaped", '{"model":"m","messages":[{"content":"a"}],"x":{"\\u0074tl":"1h"}}', INPUT],
])("%s", (_what, body, without) => {
  expect<readonly string[]>(read(body).without).toEqual(without);
});

test.each([
  [
    "the client's own tools",
    { tools: [{ type: "function", function: { name: "web_search" } }] },
    {},
  ],
  [
    "a search that the client bounds",
    { tools: [{ type: "web_search_20250305", max_uses: 3 }] },
    { web_search: 3 },
  ],
  ["a search without a bound", { web_search_options: {} }, { web_search: 10 }],
  ["OpenRouter's plugin", { plugins: [{ id: "web" }] }, { web_search: 10 }],
  ["OpenRouter's model name", { model: "m:online" }, { web_search: 10 }],
  [
    "xAI's live search",
    { search_parameters: { mode: "auto", max_search_results: 4 } },
    { live_search_source: 4 },
  ],
  ["xAI's live search, turned off", { search_parameters: { mode: "off" } }, {}],
])("calls of tools: %s", (_what, body, toolCallsMax) => {
  expect(read({ messages, ...body }).toolCallsMax).toEqual(toolCallsMax);
});
