/**
 * Checks a client's body as far as the gateway depends on it, and no further: the provider decides about
 * everything else, in its own words.
 */
import { allow, type Verdict } from "../../base/verdict.ts";
import { beyondPrice, NO_CACHE } from "../beyond-price.ts";
import type { ClientRequest, Place } from "../contract.ts";
import type { TokenKindApart } from "../usage-contract.ts";
import { readJsonBody, type Refused, repeated, wrong } from "../json-body.ts";
import { scanObject, type ScannedObject } from "../json-scan.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { Surface } from "../surfaces.ts";
import { addContents, type Held, nothingHeld } from "./contents.ts";
import {
  CACHED_CONTENT,
  CANDIDATE_COUNT,
  CONFIG_NAMES,
  COUNTED_REQUEST,
  GENERATION_CONFIG,
  GENERATION_NAMES,
  MAX_OUTPUT_TOKENS,
  MODEL_CONFIG,
  type Name,
  objectsOf,
  RESPONSE_MODALITIES,
  ROUTING_CONFIG,
  SYSTEM_INSTRUCTION,
  valueOf,
} from "./members.ts";
import { refuseModel, refuseOtherModel } from "./model-name.ts";
import { refuseQuery } from "./query.ts";
import { toolsOf } from "./tools.ts";

const tokensMax = 2 ** 31 - 1;
const candidatesMax = 128;

type Bytes = Uint8Array<ArrayBuffer>;

/** `stream`: as the path says; `forms`: how its answers may be asked for. */
export function acceptGeneration(
  surface: Surface,
  { stream, forms }: { readonly stream: boolean; readonly forms: readonly string[] },
  bytes: Bytes,
  place: Place,
): Verdict<ClientRequest> {
  const read = readBody(bytes, place, forms, GENERATION_NAMES);
  if (!read.allowed) return read;
  const { body, scan, model } = read.value;
  const config = valueOf(body, GENERATION_CONFIG) ?? {};
  if (!isObject(config)) return wrong("'generationConfig' must be an object.", "generationConfig");
  const refused =
    refuseOtherModel(body["model"], model, "model") ??
    refuseRepeatedIn(bytes, scan, GENERATION_CONFIG, CONFIG_NAMES) ??
    refuseNumber(config, MAX_OUTPUT_TOKENS, tokensMax) ??
    refuseNumber(config, CANDIDATE_COUNT, candidatesMax);
  if (refused !== null) return refused;
  const held = heldBy(body);
  const { offersTools, toolCallsMax, readsUnsized, isBeyondPrice } = toolsOf(body);
  const chosen = [ROUTING_CONFIG, MODEL_CONFIG].find((name) => isObject(valueOf(config, name)));
  return allow({
    ...common(surface, bytes, model, held),
    stream,
    outputTokensMax: numberIn(config, MAX_OUTPUT_TOKENS),
    choices: numberIn(config, CANDIDATE_COUNT) ?? 1,
    generates: true,
    hasUnsized: held.hasUnsized || readsUnsized || (valueOf(body, CACHED_CONTENT) ?? null) !== null,
    offersTools,
    without: without(held, outputKinds(config)),
    toolCallsMax,
    ...(isBeyondPrice ? { beyondPrice: { member: "tools", isOtherModel: false } } : null),
    ...beyondPrice(body, NO_CACHE),
    ...(chosen === undefined
      ? null
      : { beyondPrice: { member: `generationConfig.${chosen[0]}`, isOtherModel: true } }),
  });
}

/** The tokens of contents, or of a whole generation. */
export function acceptCount(surface: Surface, bytes: Bytes, place: Place): Verdict<ClientRequest> {
  const read = readBody(bytes, place, JSON_ONLY, [COUNTED_REQUEST, ["model", "model"]]);
  if (!read.allowed) return read;
  const { body, model } = read.value;
  const counted = valueOf(body, COUNTED_REQUEST);
  const inner = isObject(counted) ? counted : {};
  const refused =
    refuseOtherModel(body["model"], model, "model") ??
    refuseOtherModel(inner["model"], model, "generateContentRequest.model");
  if (refused !== null) return refused;
  const held = heldBy(body);
  addContents(inner["contents"], held);
  addContents(valueOf(inner, SYSTEM_INSTRUCTION), held);
  return allow({ ...common(surface, bytes, model, held), ...NOTHING_MADE });
}

/** One content, or those of a batch. */
export function acceptEmbedding(
  surface: Surface,
  bytes: Bytes,
  place: Place,
): Verdict<ClientRequest> {
  const names: readonly Name[] = [
    ["model", "model"],
    ["content", "content"],
    ["requests", "requests"],
  ];
  const read = readBody(bytes, place, JSON_ONLY, names);
  if (!read.allowed) return read;
  const { body, model } = read.value;
  const requests = objectsOf(body["requests"]);
  const otherAt = requests.findIndex(({ model: other }) => isOther(other, model));
  const refused =
    refuseOtherModel(body["model"], model, "model") ??
    refuseOtherModel(requests[otherAt]?.["model"], model, `requests[${otherAt}].model`);
  if (refused !== null) return refused;
  const held = nothingHeld();
  addContents(body["content"], held);
  for (const { content } of requests) addContents(content, held);
  return allow({ ...common(surface, bytes, model, held), ...NOTHING_MADE });
}

const JSON_ONLY = ["json"];

const NOTHING_MADE = {
  stream: false,
  outputTokensMax: null,
  choices: 1,
  generates: false,
  offersTools: false,
  toolCallsMax: {},
} as const;

type ReadBody = {
  readonly body: JsonObject;
  readonly scan: ScannedObject;
  readonly model: string;
};

function readBody(
  bytes: Bytes,
  { model, query }: Place,
  forms: readonly string[],
  names: readonly Name[],
): Verdict<ReadBody> {
  const name = model ?? "";
  const refused = refuseModel(name) ?? refuseQuery(query, forms);
  if (refused !== null) return refused;
  const read = readJsonBody(bytes, [...new Set(names.flat())]);
  if (!read.allowed) return read;
  const { body, scan } = read.value;
  return refuseBoth(scan, names, "") ?? allow({ body, scan, model: name });
}

/** Two spellings of one member are one member twice: readers differ on which of the two counts. */
function refuseBoth(
  { members }: ScannedObject,
  names: readonly Name[],
  within: string,
): Refused | null {
  const both = names.find(
    ([camelCase, snakeCase]) =>
      camelCase !== snakeCase && members.has(camelCase) && members.has(snakeCase),
  );
  return both === undefined ? null : repeated(within + both[0]);
}

function refuseRepeatedIn(
  bytes: Bytes,
  { members }: ScannedObject,
  [camelCase, snakeCase]: Name,
  names: readonly Name[],
): Refused | null {
  const span = (members.get(camelCase) ?? members.get(snakeCase))?.value;
  if (span === undefined) return null;
  const inner = scanObject(bytes.subarray(span.start, span.end), names.flat());
  if (inner.kind !== "object") return null;
  const within = `${camelCase}.`;
  return inner.repeated === null
    ? refuseBoth(inner, names, within)
    : repeated(within + inner.repeated);
}

/** Protocol buffers take whole numbers as text, too. */
function refuseNumber(config: JsonObject, name: Name, max: number): Refused | null {
  if ((valueOf(config, name) ?? null) === null) return null;
  const value = numberIn(config, name);
  if (value !== null && Number.isInteger(value) && value >= 1 && value <= max) return null;
  const param = `generationConfig.${name[0]}`;
  return wrong(`'${param}' must be an integer from 1 to ${max}.`, param);
}

function numberIn(config: JsonObject, name: Name): number | null {
  const value = valueOf(config, name);
  if (typeof value === "string" && /^\d{1,10}$/u.test(value)) return Number(value);
  return typeof value === "number" ? value : null;
}

function heldBy(body: JsonObject): Held {
  const held = nothingHeld();
  addContents(body["contents"], held);
  addContents(valueOf(body, SYSTEM_INSTRUCTION), held);
  return held;
}

function isOther(value: unknown, model: string): boolean {
  return refuseOtherModel(value, model, "model") !== null;
}

function common(surface: Surface, bytes: Bytes, model: string, held: Held) {
  return {
    surface,
    bytes,
    model,
    // There is no member in which clients say for whom they ask.
    endUserId: null,
    // Usage comes with every answer, and nothing of it is taken out.
    usageAsked: true,
    textBytes: bytes.length - held.inlineBytes,
    images: held.images,
    hasUnsized: held.hasUnsized,
    modalities: held.modalities.size === 0 ? TEXT_ONLY : [...held.modalities],
    without: without(held, []),
  };
}

const TEXT_ONLY = ["text"] as const;

/** What a model makes that is not told, only its provider knows: models of pictures make them unasked. */
function outputKinds(config: JsonObject): readonly TokenKindApart[] {
  const told = valueOf(config, RESPONSE_MODALITIES);
  const modalities = Array.isArray(told) ? told : [told];
  const isTold = modalities.every((one) => one === "TEXT" || one === "AUDIO" || one === "IMAGE");
  if (!isTold || modalities.length === 0) return ["audio_output", "image_output"];
  return [
    ...(modalities.includes("AUDIO") ? (["audio_output"] as const) : []),
    ...(modalities.includes("IMAGE") ? (["image_output"] as const) : []),
  ];
}

const KINDS_APART = [
  "audio_input",
  "image_input",
  "audio_output",
  "image_output",
] as const satisfies readonly TokenKindApart[];

/** Google's caches are written by calls of their own, never by these. */
function without(held: Held, made: readonly TokenKindApart[]): readonly TokenKindApart[] {
  const surely = KINDS_APART.filter((kind) => !held.kinds.has(kind) && !made.includes(kind));
  return [...surely, "cache_write_1h"];
}
