/**
 * Reranking: documents in the order in which they answer a query. Cohere's shape and Jina's, which most
 * servers speak, differ in what they report: searches the one, tokens the other.
 */
import { NO_CACHE } from "../beyond-price.ts";
import type { Codec } from "../contract.ts";
import type { Usage } from "../usage-contract.ts";
import { listOf, type Refused, wrong } from "../json-body.ts";
import { ANSWER_BOUNDS, scanObject } from "../json-scan.ts";
import { isObject, type JsonObject, parseJson } from "../json.ts";
import { Counts } from "../usage-counts.ts";
import { acceptJson, type JsonAsked } from "./accept-json.ts";
import { answerFailure } from "./answer.ts";
import { ALL_SHOWN, missing, NOTHING_MADE } from "./body-checks.ts";
import { inputModalities } from "./modalities.ts";
import { PLAIN_CODEC } from "./plain-codec.ts";

/** A search is a query and up to 100 documents (cohere.com/pricing, 2026-11). */
const DOCUMENTS_PER_SEARCH = 100;
/**
 * A document of more than 500 tokens, the query among them, counts as several. A query takes half of that
 * at most, so that each of them holds at least 244 tokens of the document, and a token at least a byte.
 */
const TOKENS_PER_DOCUMENT = 500;
const QUERY_TOKENS_MAX = 256;

export const rerankCodec: Codec = {
  ...PLAIN_CODEC,
  surface: "rerank",
  path: () => "/rerank",
  accept: acceptJson({
    surface: "rerank",
    members: ["query", "documents"],
    refuse: refuseRerank,
    asks: rerank,
  }),
  usage: rerankUsage,
  failureIn: (answer) => (hasResults(answer) ? null : answerFailure(answer)),
};

function refuseRerank(body: JsonObject): Refused | null {
  const { query, documents } = body;
  if (query === undefined || query === null) return missing("query");
  if (documents === undefined || documents === null) return missing("documents");
  return Array.isArray(documents) ? null : wrong("'documents' must be an array.", "documents");
}

function rerank(body: JsonObject, bytes: Uint8Array): JsonAsked {
  const documents = listOf(body["documents"]);
  const queryBytes = bytesOf(body["query"]);
  return {
    ...NOTHING_MADE,
    ...ALL_SHOWN,
    ...NO_CACHE,
    // The query is read with every document.
    textBytes: bytes.length + queryBytes * documents.length,
    modalities: inputModalities(documents),
    units: { max: { search_units: searchesMax(queryBytes, documents) }, outputTokens: 0 },
  };
}

function searchesMax(queryBytes: number, documents: readonly unknown[]): number {
  const room = TOKENS_PER_DOCUMENT - Math.min(queryBytes, QUERY_TOKENS_MAX);
  const counted = documents.reduce<number>(
    (sum, document) => sum + Math.max(1, Math.ceil(bytesOf(document) / room)),
    0,
  );
  return Math.max(1, Math.ceil(counted / DOCUMENTS_PER_SEARCH));
}

/** Of a text, or of an object with a text among its members. */
function bytesOf(value: unknown): number {
  return Buffer.byteLength(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
}

/**
 * Cohere: `meta.billed_units.search_units`, and `tokens` beside, which it does not bill. Jina, Voyage,
 * Together and vLLM: `usage.total_tokens` (API references, 2026-11).
 */
function rerankUsage(answer: Uint8Array): Usage | null | undefined {
  const scan = scanObject(answer, ["meta", "usage"], ANSWER_BOUNDS);
  if (scan.kind !== "object") return undefined;
  const read = (name: string): JsonObject => {
    const span = scan.members.get(name)?.value;
    const value = span && parseJson(answer.subarray(span.start, span.end));
    return isObject(value) ? value : {};
  };
  const counts = new Counts();
  const billed = read("meta")["billed_units"];
  const searches = isObject(billed) ? counts.reported(billed["search_units"]) : null;
  const { total_tokens: total, prompt_tokens: prompt } = read("usage");
  const tokens = counts.reported(total) ?? counts.reported(prompt);
  if (searches === null && tokens === null) return null;
  return counts.usage({
    inputTokens: tokens ?? 0,
    outputTokens: 0,
    ...(searches === null ? {} : { units: { search_units: searches } }),
  });
}

function hasResults(answer: Uint8Array): boolean {
  const scan = scanObject(answer, ["results"], ANSWER_BOUNDS);
  return scan.kind === "object" && scan.members.has("results");
}
