/**
 * A request for every surface that a provider would take, so that what is refused is refused for who asks
 * and not for what. A surface without one fails the test of all routes.
 */
import type { Surface } from "../../../src/dialects/surfaces.ts";

export type Sample = {
  readonly body: string | FormData;
  readonly headers?: Readonly<Record<string, string>>;
};

const json = (body: object, headers: Readonly<Record<string, string>> = {}): Sample => ({
  body: JSON.stringify(body),
  headers: { "content-type": "application/json", ...headers },
});

function form(parts: Readonly<Record<string, string | File>>): Sample {
  const body = new FormData();
  for (const [name, part] of Object.entries(parts)) body.append(name, part);
  return { body };
}
const CONTENT = { role: "user", parts: [{ text: "hi" }] };

/** By the model's public name. */
export const SAMPLES: Readonly<Partial<Record<Surface, (model: string) => Sample>>> = {
  chat: (model) => json({ model, messages: [{ role: "user", content: "hi" }] }),
  embeddings: (model) => json({ model, input: "hi" }),
  responses: (model) => json({ model, input: "hi" }),
  response_compact: (model) => json({ model, input: "hi" }),
  response_input_tokens: (model) => json({ model, input: "hi" }),
  response: () => json({}),
  response_delete: () => json({}),
  response_cancel: () => json({}),
  response_input_items: () => json({}),
  completions: (model) => json({ model, prompt: "hi" }),
  moderations: (model) => json({ model, input: "hi" }),
  image_generations: (model) => json({ model, prompt: "a cat" }),
  speech: (model) => json({ model, input: "hi", voice: "alloy" }),
  rerank: (model) => json({ model, query: "hi", documents: ["a", "b"] }),
  messages: (model) => json({ model, max_tokens: 5, messages: [{ role: "user", content: "hi" }] }),
  generate_content: () => json({ contents: [CONTENT] }),
  stream_generate_content: () => json({ contents: [CONTENT] }),
  count_content_tokens: () => json({ contents: [CONTENT] }),
  embed_content: () => json({ content: CONTENT }),
  batch_embed_contents: (model) =>
    json({ requests: [{ model: `models/${model}`, content: CONTENT }] }),
  count_tokens: (model) => json({ model, messages: [{ role: "user", content: "hi" }] }),
  transcriptions: (model) => form({ file: new File(["RIFF"], "a.wav"), model }),
  translations: (model) => form({ file: new File(["RIFF"], "a.wav"), model }),
  image_edits: (model) => form({ image: new File(["PNG"], "a.png"), prompt: "hi", model }),
  files: (model) => ({
    ...form({ file: new File(["hi"], "a.txt"), purpose: "user_data" }),
    headers: { "x-tollgate-model": model },
  }),
  batches: () =>
    json({ input_file_id: "object-2", endpoint: "/v1/embeddings", completion_window: "24h" }),
  batch: () => json({}),
  batch_cancel: () => json({}),
  file: () => json({}),
  file_delete: () => json({}),
  file_content: () => json({}),
  conversations: (model) => json({ items: [] }, { "x-tollgate-model": model }),
  conversation: () => json({}),
  conversation_update: () => json({ metadata: {} }),
  conversation_delete: () => json({}),
  conversation_items: () => json({}),
  conversation_items_create: () => json({ items: [] }),
  conversation_item: () => json({}),
  conversation_item_delete: () => json({}),
  image_variations: (model) => form({ image: new File(["PNG"], "a.png"), model }),
};
