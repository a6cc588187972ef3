/** The kinds of input that a body holds, and whether it offers tools. */
import { expect, test } from "bun:test";
import { codecOf } from "../../../src/dialects/catalogue.ts";
import type { Modality } from "../../../src/dialects/contract.ts";
import type { Surface } from "../../../src/dialects/surfaces.ts";
import { NOWHERE } from "../nowhere.ts";

function acceptedOf(surface: Surface, body: object) {
  const accepted = codecOf(surface).accept(new TextEncoder().encode(JSON.stringify(body)), NOWHERE);
  if (!accepted.allowed) throw new Error(accepted.refusal.message);
  return accepted.value;
}

const user = (content: unknown) => ({ role: "user", content });
const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };

test.each<[readonly object[], readonly Modality[]]>([
  [[user("hi")], ["text"]],
  [[user([{ type: "text", text: "hi" }])], ["text"]],
  [[user([{ text: "without a type" }])], ["text"]],
  [[user([image])], ["image"]],
  [
    [user("look"), user([image])],
    ["image", "text"],
  ],
  [[user([{ type: "image", source: {} }])], ["image"]],
  [[user([{ type: "input_audio", input_audio: {} }])], ["audio"]],
  [
    [user("go on"), { role: "assistant", audio: { id: "audio_1" } }],
    ["audio", "text"],
  ],
  [[user([{ type: "file", file: { file_id: "f" } }])], ["file"]],
  [[user([{ type: "constructor" }, { type: 7 }])], ["file"]],
  [[user([image, { type: "text", text: "x" }, { type: "video_url" }])], ["file", "image", "text"]],
])("messages %j hold %j", (messages, modalities) => {
  const request = acceptedOf("chat", { model: "m", messages });
  expect(request.modalities.toSorted()).toEqual([...modalities]);
});

test.each<[unknown, readonly Modality[]]>([
  ["hi", ["text"]],
  [["hi", "there"], ["text"]],
  [[1, 2, 3], ["text"]],
  [[[1], [2]], ["text"]],
  [[{ type: "image_url", image_url: { url: "x" } }], ["image"]],
])("input %j of embeddings is %j", (input, modalities) => {
  expect(acceptedOf("embeddings", { model: "m", input }).modalities).toEqual([...modalities]);
});

test.each([
  [{}, false],
  [{ tools: [] }, false],
  [{ tools: null }, false],
  [{ tools: [{ type: "function", function: { name: "f" } }] }, true],
  [{ tools: [{ type: "web_search" }] }, true],
  [{ functions: [{ name: "f" }] }, true],
])("%j offers tools: %j", (more, offers) => {
  const body = { model: "m", messages: [user("hi")], ...more };
  expect(acceptedOf("chat", body).offersTools).toBe(offers);
});
