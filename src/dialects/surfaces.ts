/**
 * Every way into the client API, as one table: which path is which surface, in which wire language its
 * bodies are, and how what it gives is paid. Routes are mounted from it and from nothing else, so a
 * path that is not here does not exist, and none can be without a meter.
 */

import type { DialectName } from "../base/dialect.ts";

/** What is counted of what a surface gives where it is not tokens. */
export type Unit = "images" | "audio_seconds" | "characters" | "search_units";

/**
 * How a surface is paid. free: it costs nothing, at any provider or, beside another meter, where no price is
 * known, so it needs no price and holds nothing; whoever may spend nothing more is refused all the same.
 */
export type Meter = "tokens" | Unit | "free";

/**
 * Who may be asked. exchange: a model's candidates, by its route. owned: the provider and credential
 * that keep the object in the path, and only for the tenant that made it.
 */
export type Access = "exchange" | "owned";

export type SurfaceSpec = {
  readonly dialect: DialectName;
  readonly method: "GET" | "POST" | "DELETE";
  /** `{model}`: the model's name, which may hold slashes; `{id}`: an object's id, `{item_id}`: one within it. */
  readonly paths: readonly string[];
  /** What a model can be paid by there; one that has a price for none of them is not served. */
  readonly meters: readonly Meter[];
  readonly access: Access;
};

/** What is done with an object of OpenAI's that a provider keeps. */
const OWNED = { dialect: "openai", meters: ["free"], access: "owned" } as const;

export const SURFACES = {
  chat: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/chat/completions"],
    meters: ["tokens"],
    access: "exchange",
  },
  embeddings: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/embeddings"],
    meters: ["tokens"],
    access: "exchange",
  },
  completions: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/completions"],
    meters: ["tokens"],
    access: "exchange",
  },
  moderations: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/moderations"],
    // OpenAI asks nothing for it, Mistral as much per token as its price says (2026-11).
    meters: ["tokens", "free"],
    access: "exchange",
  },
  image_generations: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/images/generations"],
    meters: ["images", "tokens"],
    access: "exchange",
  },
  speech: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/audio/speech"],
    meters: ["characters", "tokens"],
    access: "exchange",
  },
  rerank: {
    dialect: "openai",
    method: "POST",
    // Cohere's client of today asks on the second path; its older one and all others on the first.
    paths: ["/v1/rerank", "/v2/rerank"],
    meters: ["search_units", "tokens"],
    access: "exchange",
  },
  messages: {
    dialect: "anthropic",
    method: "POST",
    paths: ["/v1/messages"],
    meters: ["tokens"],
    access: "exchange",
  },
  count_tokens: {
    dialect: "anthropic",
    method: "POST",
    paths: ["/v1/messages/count_tokens"],
    meters: ["free"],
    access: "exchange",
  },
  transcriptions: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/audio/transcriptions"],
    meters: ["tokens", "audio_seconds"],
    access: "exchange",
  },
  translations: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/audio/translations"],
    meters: ["tokens", "audio_seconds"],
    access: "exchange",
  },
  image_edits: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/images/edits"],
    meters: ["tokens", "images"],
    access: "exchange",
  },
  image_variations: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/images/variations"],
    meters: ["tokens", "images"],
    access: "exchange",
  },
  files: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/files"],
    meters: ["free"],
    access: "exchange",
  },
  file: { ...OWNED, method: "GET", paths: ["/v1/files/{id}"] },
  file_delete: { ...OWNED, method: "DELETE", paths: ["/v1/files/{id}"] },
  file_content: { ...OWNED, method: "GET", paths: ["/v1/files/{id}/content"] },
  batches: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/batches"],
    // Those of the surface that its lines are for.
    meters: ["tokens", "images"],
    access: "exchange",
  },
  batch: { ...OWNED, method: "GET", paths: ["/v1/batches/{id}"] },
  batch_cancel: { ...OWNED, method: "POST", paths: ["/v1/batches/{id}/cancel"] },
  responses: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/responses"],
    meters: ["tokens"],
    access: "exchange",
  },
  response_compact: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/responses/compact"],
    meters: ["tokens"],
    access: "exchange",
  },
  response_input_tokens: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/responses/input_tokens"],
    meters: ["free"],
    access: "exchange",
  },
  response: { ...OWNED, method: "GET", paths: ["/v1/responses/{id}"] },
  response_delete: { ...OWNED, method: "DELETE", paths: ["/v1/responses/{id}"] },
  response_cancel: { ...OWNED, method: "POST", paths: ["/v1/responses/{id}/cancel"] },
  response_input_items: { ...OWNED, method: "GET", paths: ["/v1/responses/{id}/input_items"] },
  conversations: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/conversations"],
    meters: ["free"],
    access: "exchange",
  },
  conversation: { ...OWNED, method: "GET", paths: ["/v1/conversations/{id}"] },
  conversation_update: { ...OWNED, method: "POST", paths: ["/v1/conversations/{id}"] },
  conversation_delete: { ...OWNED, method: "DELETE", paths: ["/v1/conversations/{id}"] },
  conversation_items: { ...OWNED, method: "GET", paths: ["/v1/conversations/{id}/items"] },
  conversation_items_create: { ...OWNED, method: "POST", paths: ["/v1/conversations/{id}/items"] },
  conversation_item: { ...OWNED, method: "GET", paths: ["/v1/conversations/{id}/items/{item_id}"] },
  conversation_item_delete: {
    ...OWNED,
    method: "DELETE",
    paths: ["/v1/conversations/{id}/items/{item_id}"],
  },
  generate_content: {
    dialect: "google",
    method: "POST",
    paths: ["/v1/models/{model}:generateContent", "/v1beta/models/{model}:generateContent"],
    meters: ["tokens"],
    access: "exchange",
  },
  stream_generate_content: {
    dialect: "google",
    method: "POST",
    paths: [
      "/v1/models/{model}:streamGenerateContent",
      "/v1beta/models/{model}:streamGenerateContent",
    ],
    meters: ["tokens"],
    access: "exchange",
  },
  count_content_tokens: {
    dialect: "google",
    method: "POST",
    paths: ["/v1/models/{model}:countTokens", "/v1beta/models/{model}:countTokens"],
    meters: ["free"],
    access: "exchange",
  },
  embed_content: {
    dialect: "google",
    method: "POST",
    paths: ["/v1/models/{model}:embedContent", "/v1beta/models/{model}:embedContent"],
    meters: ["tokens"],
    access: "exchange",
  },
  batch_embed_contents: {
    dialect: "google",
    method: "POST",
    paths: ["/v1/models/{model}:batchEmbedContents", "/v1beta/models/{model}:batchEmbedContents"],
    meters: ["tokens"],
    access: "exchange",
  },
} as const satisfies Readonly<Record<string, SurfaceSpec>>;

export type Surface = keyof typeof SURFACES;

export function isSurface(name: string): name is Surface {
  return Object.hasOwn(SURFACES, name);
}

/** In the order of the table. */
export const SURFACE_NAMES: readonly Surface[] = Object.keys(SURFACES).filter(isSurface);

export function specOf(surface: Surface): SurfaceSpec {
  return SURFACES[surface];
}

export function accessOf(surface: Surface): Access {
  return SURFACES[surface].access;
}

/** Its success means that what its path names is kept no longer; an item is only taken out of its object. */
export function forgetsObject(surface: Surface): boolean {
  const { method, paths } = specOf(surface);
  return method === "DELETE" && paths.every((path) => path.endsWith("{id}"));
}

export function metersOf(surface: Surface): readonly Meter[] {
  return SURFACES[surface].meters;
}
