/**
 * Members by which a client lets a provider answer with another model than the one asked for, or bill the
 * same one dearer: no price that is known here is for that, so neither a hard budget nor a list of allowed
 * models would be kept (OpenRouter's `models`; `fallbacks` and `speed` of @anthropic-ai/sdk 1.11;
 * `service_tier` of openai-node 7.55 and of @google/genai, 2026-11).
 */
import { listOf } from "./json-body.ts";
import { isObject, type JsonObject } from "./json.ts";

/** The first such member; `isOtherModel`: it names models of its own. */
export type BeyondPrice = { readonly member: string; readonly isOtherModel: boolean };

const OTHER_MODELS = ["models", "fallbacks"] as const;
const TIERS = ["service_tier", "serviceTier"] as const;

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

/** Spread into a request: nothing, nearly always. */
export function beyondPrice(body: JsonObject): { readonly beyondPrice?: BeyondPrice } {
  for (const member of OTHER_MODELS) {
    if (isSaid(body[member])) return { beyondPrice: { member, isOtherModel: true } };
  }
  if (listOf(body["tools"]).some(isAdvisor)) {
    return { beyondPrice: { member: "tools", isOtherModel: true } };
  }
  const tier = TIERS.find((member) => isDearTier(body[member]));
  const member = tier ?? dearerMember(body);
  return member === null ? {} : { beyondPrice: { member, isOtherModel: false } };
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

/** Another model that is asked for advice, and billed beside. */
function isAdvisor(tool: unknown): boolean {
  return isObject(tool) && String(tool["type"]).startsWith("advisor_");
}

function isDearTier(tier: unknown): boolean {
  return typeof tier === "string" && !ORDINARY_TIERS.has(tier.toLowerCase());
}

/** Claude's: a number named `speed` is how fast somebody else's voice speaks. */
function dearerMember({ speed, inference_geo: place }: JsonObject): string | null {
  if (typeof speed === "string" && speed !== "standard") return "speed";
  return typeof place === "string" && place !== "global" ? "inference_geo" : null;
}
