/**
 * What an error's sentence says where its code says too little. Relays wrap sentences of others into their
 * own, so what concerns the request alone is looked for anywhere in it. A sentence may quote the request:
 * what would turn an account off for everybody counts only where the sentence begins with it, so that no
 * client can bring it about by having its own words quoted.
 */
import type { FailureKind } from "./failure-contract.ts";

/** Sentences are short; what follows may be a copy of the request. */
const READ_CHARACTERS_MAX = 4_096;

const CONTEXT_TOO_LONG = [
  "maximum context length",
  "context_length_exceeded",
  "context length exceeded",
  "contextwindowexceedederror",
  "exceeds the context window",
  "exceed context limit",
  "exceeds the available context size",
  "prompt is too long",
  "input is too long",
  "too many input tokens",
  "too large for model with",
  "reduce the length of the messages",
  "tokens + `max_new_tokens` must be",
];

/** Google says the same in several ways; these two parts are in all of them. */
const INPUT_TOKEN_COUNT = "input token count";
const INPUT_TOKEN_BOUNDS = ["exceeds the maximum", "only supports up to"];

const CONTENT_FILTERED = [
  "content management policy",
  "content filtering policy",
  "contentpolicyviolationerror",
  "content_policy_violation",
  "violating our usage policy",
  "violates usage guidelines",
  "violated google's responsible ai practices",
  "as a result of our safety system",
  "content exists risk",
];

const CREDIT_EXHAUSTED =
  /^(?:your credit balance is too low|insufficient (?:account )?balance|insufficient credits|credit limit exceeded|you have reached your specified api usage limits|your prepayment credits are depleted|your (?:newly created )?teams? .{0,200}(?:have any credits|used all available credits|monthly spending limit))/u;

const CREDENTIAL_REFUSED =
  /^(?:incorrect api key provided|invalid api key|api key not valid|authentication fails|authentication failed: please make sure your api key|access denied due to invalid subscription key)/u;

/** Sentences of OpenAI and Groq, and of OpenRouter. */
const OVER_ACCOUNT_LIMIT = /^(?:request too large for|this request requires more credits)/u;

const MODEL_UNKNOWN =
  /^(?:the provided model identifier is invalid|the requested model is not supported|invocation of model id .{0,300} on-demand throughput)/u;

/** null when the sentence says nothing that is known. */
export function kindOfSentence(sentence: string): FailureKind | null {
  const text = sentence.slice(0, READ_CHARACTERS_MAX).toLowerCase().trimStart();
  if (text === "") return null;
  if (OVER_ACCOUNT_LIMIT.test(text)) return "over_account_limit";
  if (CREDIT_EXHAUSTED.test(text)) return "credit_exhausted";
  if (CREDENTIAL_REFUSED.test(text)) return "credential_refused";
  if (MODEL_UNKNOWN.test(text)) return "model_unknown";
  return kindOfRequest(text);
}

/** Of what another quotes: only what concerns the request. */
export function kindOfQuoted(sentence: string): FailureKind | null {
  return kindOfRequest(sentence.slice(0, READ_CHARACTERS_MAX).toLowerCase());
}

function kindOfRequest(text: string): FailureKind | null {
  const has = (part: string): boolean => text.includes(part);
  if (CONTEXT_TOO_LONG.some(has)) return "context_too_long";
  if (has(INPUT_TOKEN_COUNT) && INPUT_TOKEN_BOUNDS.some(has)) return "context_too_long";
  return CONTENT_FILTERED.some(has) ? "content_filtered" : null;
}
