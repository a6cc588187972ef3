/**
 * What a call of a provider's own tool costs. One that nobody priced is never silently free: its
 * attempt is over when it is known, so it cannot be refused, and it is charged a fee that no
 * published one passes. Whoever settles asks for the unpriced ones and says so.
 */
import { NANO_PER_USD, type PicoUsd } from "../../base/units.ts";
import type { Usage } from "../../dialects/usage-contract.ts";
import { isFree, type ModelPrice } from "./price.ts";

const PICO_PER_USD = NANO_PER_USD * 1_000;

/** 0.05 USD: the dearest published fee is 0.035, grounding with Google Search (Gemini, 2026-11). */
export const UNPRICED_TOOL_CALL_PICO_USD: PicoUsd = PICO_PER_USD / 20;

/** 1024×1536 at high quality (gpt-image-1, 2026), which costs more than any call that only finds something. */
const UNPRICED_PICTURE_PICO_USD: PicoUsd = PICO_PER_USD / 4;

/** Tools for whose calls nobody asks a fee, only for their tokens (Anthropic, xAI, 2026-11). */
const FREE_TOOLS: ReadonlySet<string> = new Set(["web_fetch", "mcp"]);

/** Per call, or per picture, in pico-dollars. */
export function toolCallPicoUsd(price: ModelPrice, tool: string): PicoUsd {
  const priced = pricedPicoUsd(price, tool);
  if (priced !== null) return priced;
  return tool === "image_generation" ? UNPRICED_PICTURE_PICO_USD : UNPRICED_TOOL_CALL_PICO_USD;
}

/** Tools in a usage whose calls were charged a fee that is not theirs, for the alarm. */
export function unpricedTools(usage: Usage, price: ModelPrice): readonly string[] {
  const tools = Object.keys(usage.details?.toolCalls ?? {});
  return tools.filter((tool) => pricedPicoUsd(price, tool) === null);
}

function pricedPicoUsd(price: ModelPrice, tool: string): PicoUsd | null {
  const priced = Object.hasOwn(price.toolCallPicoUsd, tool) ? price.toolCallPicoUsd[tool] : null;
  if (priced !== undefined && priced !== null) return priced;
  return FREE_TOOLS.has(tool) || isFree(price) ? 0 : null;
}
