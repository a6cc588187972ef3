/**
 * Members by which a client lets a provider answer with another model than the one asked for, or bill the
 * same one dearer: no price that is known here is for that, so neither a hard budget nor a list of allowed
 * models would be kept (OpenRouter's `models`, `preset` and `provider`; Together's `safety_model`; xAI's
 * `deferred`; Alibaba's `enable_search`; `fallbacks`, `speed` and `inference_geo` of @anthropic-ai/sdk
 * 1.11; `service_tier` of openai-node 7.55 and of @google/genai, 2026-11).
 */
import { keptForLonger } from "./cache-ttl.ts";
import { listOf } from "./json-body.ts";
import { isObject, type JsonObject } from "./json.ts";

/** The first such member; `isOtherModel`: it names models of its own. */
export type BeyondPrice = { readonly member: string; readonly isOtherModel: boolean };

const OTHER_MODELS = ["models", "fallbacks", "preset", "safety_model"] as const;
const TIERS = ["service_tier", "serviceTier"] as const;

/** Members that are looked at here: each may come once, in one spelling. */
export const BEYOND_PRICE_MEMBERS = [
  ...OTHER_MODELS,
  "service_tier",
  "speed",
  "inference_geo",
  "provider",
  "deferred",
  "data_sources",
  "enable_search",
  "enable_code_interpreter",
  "extra_body",
  "tools",
  "plugins",
] as const;

/** Of a surface that keeps nothing of what it reads. */
export const NO_CACHE = { without: ["cache_write_1h"] } as const;

/** Tiers at the listed price or below; what nobody knows is taken for a dearer one. */
const ORDINARY_TIERS: ReadonlySet<string> = new Set([
  "auto",
  "default",
  "flex",
  "on_demand",
  "standard",
  "standard_only",
  "unspecified",
]);

/** Spread into a request: nothing, nearly always. `without`: what the request surely does without. */
export function beyondPrice(
  body: JsonObject,
  { without }: { readonly without: readonly string[] },
): { readonly beyondPrice?: BeyondPrice } {
  const other = OTHER_MODELS.find((member) => isSaid(body[member])) ?? helpedByOthers(body);
  if (other !== null) return { beyondPrice: { member: other, isOtherModel: true } };
  const tier = TIERS.find((member) => isDearTier(body[member]));
  const member = tier ?? dearerMember(body) ?? longerTime(body, without);
  return member === null ? {} : { beyondPrice: { member, isOtherModel: false } };
}

function isSaid(value: unknown): boolean {
  if (isObject(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

/** Other models that are asked for advice, pictures or answers to compare, and billed beside. */
function helpedByOthers(body: JsonObject): string | null {
  if (listOf(body["tools"]).some(asksModel)) return "tools";
  if (listOf(body["plugins"]).some(namesModel)) return "plugins";
  if (saysMore(body["extra_body"])) return "extra_body";
  // Who writes the drawing that a picture becomes.
  return namesModel(body["svg"]) ? "svg" : null;
}

/** What other gateways put in place of the body's own members; Google's servers read one of it alone. */
function saysMore(extra: unknown): boolean {
  return isSaid(extra) && !(isObject(extra) && Object.keys(extra).every((name) => name === GOOGLE));
}

const GOOGLE = "google";

/** A cache of Google's is input that the body does not show. */
function namesCache(extra: unknown): boolean {
  const google = isObject(extra) ? extra[GOOGLE] : null;
  return isObject(google) && isSaid(google["cached_content"] ?? google["cachedContent"]);
}

/** The client's own tools are described as it likes. */
function asksModel(tool: unknown): boolean {
  if (!isObject(tool)) return false;
  const { type } = tool;
  if (typeof type !== "string" || type === "function" || type === "custom") return false;
  const isAdvisor = /^(?:.*:)?advisor(?:_|$)/.test(type);
  return isAdvisor || [tool, tool["parameters"], tool["svg"]].some(namesModel);
}

function namesModel(value: unknown): boolean {
  if (!isObject(value)) return false;
  return Object.keys(value).some((name) => /(?:^|_)models?$/.test(name) && isSaid(value[name]));
}

/** Protocol buffers take numbers for the names of values, and name them `SERVICE_TIER_FLEX`. */
function isDearTier(tier: unknown): boolean {
  if (!isSaid(tier)) return false;
  if (typeof tier !== "string") return true;
  return !ORDINARY_TIERS.has(tier.toLowerCase().replace(/^service_tier_/, ""));
}

/** Nobody looks through a body that says nothing of it. */
function longerTime(body: JsonObject, without: readonly string[]): string | null {
  return !without.includes("cache_write_1h") && keptForLonger(body) ? "ttl" : null;
}

const ASKED = [
  // Chooses among servers of one model, each of which has a price of its own (OpenRouter).
  "provider",
  // What is found there becomes input, and no body shows how much (Azure; Alibaba, in several rounds).
  "data_sources",
  "enable_search",
  "enable_code_interpreter",
  // Whoever asks for the answer later is not us, and its usage is never seen (xAI).
  "deferred",
] as const;

function dearerMember(body: JsonObject): string | null {
  const { speed, inference_geo: place } = body;
  // Claude's: a number is how fast somebody else's voice speaks.
  if (typeof speed === "string" && speed !== "standard") return "speed";
  if (typeof place === "string" && place !== "global") return "inference_geo";
  const asked = ASKED.find((member) => isSaid(body[member]) && body[member] !== false);
  if (asked !== undefined) return asked;
  if (namesCache(body["extra_body"])) return "extra_body";
  const tools = listOf(body["tools"]);
  return tools.some(hasLargeContainer) || tools.some(paintsFinely) ? "tools" : null;
}

/** How pictures may be asked for that cost no more than others (OpenAI's image guide, 2026-11). */
const USUAL_PICTURES: Readonly<Record<string, ReadonlySet<unknown>>> = {
  quality: new Set(["auto", "low", "medium", "high"]),
  size: new Set(["auto", "1024x1024", "1024x1536", "1536x1024"]),
  output_format: new Set(["png", "webp", "jpeg"]),
};

function paintsFinely(tool: unknown): boolean {
  if (!isObject(tool) || tool["type"] !== "image_generation") return false;
  return Object.entries(USUAL_PICTURES).some(
    ([name, usual]) => isSaid(tool[name]) && !usual.has(tool[name]),
  );
}

/** A gigabyte is the container whose fee is listed; 64 of them cost 64 times as much (OpenAI, 2026-11). */
function hasLargeContainer(tool: unknown): boolean {
  if (!isObject(tool)) return false;
  return [tool["container"], tool["environment"]].some(
    (container) =>
      isObject(container) &&
      isSaid(container["memory_limit"]) &&
      container["memory_limit"] !== "1g",
  );
}
