/** Tools that a request offers: the client's own, and those that Google runs and asks a fee or tokens for. */
import type { JsonObject } from "../json.ts";
import { objectsOf } from "./members.ts";

/** The same bound as elsewhere: server-side loops end after about as many calls. */
const TOOL_CALLS_UNKNOWN = 10;
const TOOLS_MAX = 32;

/** Fees are asked per query or per grounded prompt (ai.google.dev/pricing, 2026-11). */
const FEES: Readonly<Record<string, string>> = {
  googleSearch: "web_search",
  google_search: "web_search",
  googleSearchRetrieval: "web_search",
  google_search_retrieval: "web_search",
  enterpriseWebSearch: "web_search",
  enterprise_web_search: "web_search",
  googleMaps: "google_maps",
  google_maps: "google_maps",
};

/** Paid by the tokens of what they read. */
const WITHOUT_FEE: ReadonlySet<string> = new Set([
  "urlContext",
  "url_context",
  "codeExecution",
  "code_execution",
  "fileSearch",
  "file_search",
  "mcpServers",
  "mcp_servers",
]);

/** Run by the client. */
const OWN: ReadonlySet<string> = new Set([
  "functionDeclarations",
  "function_declarations",
  "computerUse",
  "computer_use",
]);

export type Tools = {
  readonly offersTools: boolean;
  readonly toolCallsMax: Readonly<Record<string, number>>;
  /** What a tool reads becomes input, and no body shows how much (pages, files, output of code). */
  readonly readsUnsized: boolean;
  /** One asks a fee that no usage tells (data stores, other companies' searches), or nobody knows it. */
  readonly isBeyondPrice: boolean;
};

export function toolsOf({ tools }: JsonObject): Tools {
  const offered = objectsOf(tools).flatMap((tool) => Object.keys(tool));
  const calls = new Map<string, number>();
  let readsUnsized = false;
  let isBeyondPrice = false;
  for (const name of offered) {
    const fee = Object.hasOwn(FEES, name) ? FEES[name] : undefined;
    if (fee !== undefined) calls.set(fee, TOOL_CALLS_UNKNOWN);
    else if (!OWN.has(name)) readsUnsized = true;
    isBeyondPrice ||= fee === undefined && !OWN.has(name) && !WITHOUT_FEE.has(name);
  }
  return {
    offersTools: offered.length > 0,
    toolCallsMax: Object.fromEntries([...calls].slice(0, TOOLS_MAX)),
    readsUnsized,
    isBeyondPrice,
  };
}
