/**
 * Which case of the suite each surface shows: by one of its examples, which every test of
 * `every-surface.test.ts` runs; else it says why there is none. A surface that does neither fails.
 */
import { expect, test } from "bun:test";
import { codecOf } from "../../src/dialects/catalogue.ts";
import { accessOf, SURFACE_NAMES, type Surface } from "../../src/dialects/surfaces.ts";
import type { Content, Example } from "./example.ts";
import { EXAMPLES } from "./examples.ts";

type Case =
  | Content
  | "text_or_bytes"
  | "streamed"
  | "usage"
  | "unicode_split"
  | "unknown_members"
  | "request_body";

/** The request's or the answer's text. */
const said = ({ body, answer }: Example): string =>
  new TextDecoder().decode(answer) + new TextDecoder().decode(body?.("m") ?? new Uint8Array(0));

const shows =
  (content: Content) =>
  (example: Example): boolean =>
    example.shows?.includes(content) === true;

const CASES: Readonly<Record<Case, (example: Example) => boolean>> = {
  text_or_bytes: () => true,
  streamed: ({ kind }) => kind !== "json",
  tools: shows("tools"),
  parallel_tools: shows("parallel_tools"),
  refusal: shows("refusal"),
  length_stop: shows("length_stop"),
  structured_output: shows("structured_output"),
  image_input: shows("image_input"),
  usage: ({ costNanoUsd }) => costNanoUsd > 0,
  unicode_split: (example) => /[\u{80}-\u{10ffff}]/u.test(said(example)),
  unknown_members: (example) => /x_unknown|unknown|"x"/u.test(said(example)),
  request_body: ({ body }) => body !== null,
};

type Reasons = Readonly<Partial<Record<Case, string>>>;

const NO_CHAT: Reasons = {
  tools: "no model chats here",
  parallel_tools: "no model chats here",
  refusal: "no model chats here",
  length_stop: "no model chats here",
  structured_output: "no model chats here",
};
const PLAIN_ONLY: Reasons = { streamed: "answers are one JSON body" };
const NO_PICTURES: Reasons = { image_input: "takes no pictures" };
const FREE: Reasons = { usage: "free" };
const OWNED: Reasons = {
  ...NO_CHAT,
  ...NO_PICTURES,
  ...FREE,
  request_body: "the path says all",
};

const SPOKEN: Reasons = { ...NO_CHAT, ...NO_PICTURES };

/** Why a surface has no example of a case. */
const WITHOUT: Readonly<Record<Surface, Reasons>> = {
  chat: {},
  completions: {
    ...NO_PICTURES,
    tools: "a prompt has none",
    parallel_tools: "a prompt has none",
    refusal: "an answer is text alone",
    structured_output: "an answer is text alone",
  },
  embeddings: { ...NO_CHAT, ...PLAIN_ONLY, ...NO_PICTURES },
  moderations: { ...NO_CHAT, ...PLAIN_ONLY },
  image_generations: { ...NO_CHAT, ...NO_PICTURES },
  image_edits: NO_CHAT,
  image_variations: { ...NO_CHAT, ...PLAIN_ONLY },
  speech: SPOKEN,
  transcriptions: SPOKEN,
  translations: { ...SPOKEN, ...PLAIN_ONLY },
  rerank: { ...NO_CHAT, ...PLAIN_ONLY, ...NO_PICTURES },
  files: { ...NO_CHAT, ...PLAIN_ONLY, ...NO_PICTURES, ...FREE },
  batches: {
    ...NO_CHAT,
    ...PLAIN_ONLY,
    ...NO_PICTURES,
    usage: "what it costs is known when it has ended",
  },
  batch: { ...OWNED, ...PLAIN_ONLY },
  batch_cancel: { ...OWNED, ...PLAIN_ONLY },
  file: { ...OWNED, ...PLAIN_ONLY },
  file_delete: { ...OWNED, ...PLAIN_ONLY },
  file_content: { ...OWNED, unknown_members: "bytes of any type" },
  responses: {},
  response_compact: { ...NO_CHAT, ...PLAIN_ONLY },
  response_input_tokens: { ...NO_CHAT, ...PLAIN_ONLY, ...FREE },
  response: OWNED,
  response_delete: { ...OWNED, ...PLAIN_ONLY },
  response_cancel: { ...OWNED, ...PLAIN_ONLY },
  response_input_items: { ...OWNED, ...PLAIN_ONLY },
  conversations: { ...NO_CHAT, ...PLAIN_ONLY, ...NO_PICTURES, ...FREE },
  conversation: { ...OWNED, ...PLAIN_ONLY },
  conversation_update: { ...NO_CHAT, ...PLAIN_ONLY, ...NO_PICTURES, ...FREE },
  conversation_delete: { ...OWNED, ...PLAIN_ONLY },
  conversation_items: { ...OWNED, ...PLAIN_ONLY },
  conversation_items_create: { ...NO_CHAT, ...PLAIN_ONLY, ...FREE },
  conversation_item: { ...OWNED, ...PLAIN_ONLY },
  conversation_item_delete: { ...OWNED, ...PLAIN_ONLY },
  messages: {},
  count_tokens: { ...NO_CHAT, ...PLAIN_ONLY, ...NO_PICTURES, ...FREE },
  generate_content: { streamed: "another path streams" },
  stream_generate_content: {},
  count_content_tokens: { ...NO_CHAT, ...PLAIN_ONLY, ...NO_PICTURES, ...FREE },
  embed_content: { ...NO_CHAT, ...PLAIN_ONLY, ...NO_PICTURES },
  batch_embed_contents: { ...NO_CHAT, ...PLAIN_ONLY, ...NO_PICTURES },
};

const cases = Object.keys(CASES) as Case[];

test.each(SURFACE_NAMES)("%s shows every case, or says why it has none", (surface) => {
  const shown = cases.filter((name) => EXAMPLES[surface].some(CASES[name]));
  const excused = cases.filter((name) => WITHOUT[surface][name] !== undefined);
  // Neither missing nor excused although it is shown.
  expect([...shown, ...excused].toSorted()).toEqual(cases.toSorted());
});

function isAbout(surface: Surface): boolean {
  return accessOf(surface) === "owned" || codecOf(surface).ofFile !== undefined;
}

test("what is about an object says which, and nothing else does", () => {
  const told = SURFACE_NAMES.filter((surface) => EXAMPLES[surface].some(({ kept }) => kept));
  expect(told).toEqual(SURFACE_NAMES.filter(isAbout));
});
