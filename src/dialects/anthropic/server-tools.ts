/**
 * Tools by their type, which ends in the date of its version: the client's own, which it runs itself,
 * and the provider's, whose findings become input that no body shows and some of which are paid per
 * call (types of @anthropic-ai/sdk 1.11 and the pricing page, 2026-11).
 */
import { isObject } from "../json.ts";

/** Known to Anthropic and run by the client. */
const CLIENT_TOOLS: ReadonlySet<string> = new Set([
  "custom",
  "bash",
  "text_editor",
  "computer",
  "computer_toolset",
  "browser_toolset",
  "memory",
]);

/** Finds among tools that the body holds already. */
const SEARCHES_OF_TOOLS: ReadonlySet<string> = new Set([
  "tool_search_tool_regex",
  "tool_search_tool_bm25",
]);

/** Run by the provider, paid by their tokens and hours alone. */
const WITHOUT_FEE: ReadonlySet<string> = new Set([
  "web_fetch",
  "code_execution",
  "mcp_toolset",
  "advisor",
]);

/** The provider runs it and reads what it finds; one that nobody knows is taken for such a tool. */
export function bringsInput(tool: unknown): boolean {
  const name = toolName(tool);
  return name !== null && !CLIENT_TOOLS.has(name) && !SEARCHES_OF_TOOLS.has(name);
}

/** As usage names it, where its calls may be paid; else null. */
export function paidToolName(tool: unknown): string | null {
  const name = toolName(tool);
  return bringsInput(tool) && name !== null && !WITHOUT_FEE.has(name) ? name : null;
}

/** `web_search_20250305` is `web_search`; null: a tool of the client's, without a type. */
function toolName(tool: unknown): string | null {
  const type = isObject(tool) ? tool["type"] : null;
  return typeof type === "string" ? type.replace(/_\d.*$/, "") : null;
}
