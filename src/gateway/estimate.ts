/**
 * What an attempt may cost before it is made, as the ways to hold it in order of preference
 * (design, section 5): the worst case as the client sent it, else, where the client set no output
 * limit, a cap at what this access token and model have needed so far.
 */
import type { HoldOption } from "../../actors/contract.ts";
import { inputTokensBound } from "../../actors/provider.ts";
import { learnedOutputTokens, type TenantHandle } from "../../actors/tenant.ts";
import type { ClientRequest, Usage } from "../dialects/contract.ts";
import { worstCaseNanoUsd } from "./prices/cost.ts";
import type { Candidate } from "./resolve.ts";

/**
 * An image's tokens at most: 8 tiles of gpt-4o-mini's high detail, the dearest published formula
 * (2,833 + 8 × 5,667; OpenAI's vision guide, 2026), rounded up.
 */
const IMAGE_TOKENS_MAX = 50_000;

/**
 * Output of a model whose maximum nobody told us: the largest that any provider of the catalogue
 * sells (128k). Far too much for a small budget, which is then served by the learned cap.
 */
const OUTPUT_TOKENS_UNKNOWN = 131_072;

/** Bytes of a JSON body per token when an estimate, not a bound, is wanted; English is near 4. */
const BYTES_PER_TOKEN_ESTIMATE = 3;

/** Output that the request can cause, for one choice. */
function outputTokensMax(request: ClientRequest, candidate: Candidate): number {
  if (!request.generates) return 0;
  const { outputTokensMax: known, contextTokensMax } = candidate.price;
  const modelMax = known ?? contextTokensMax;
  // A client's own limit bounds a model that nobody told us the maximum of, however large it is.
  if (modelMax === null) return request.outputTokensMax ?? OUTPUT_TOKENS_UNKNOWN;
  return Math.min(request.outputTokensMax ?? modelMax, modelMax);
}

function allowance(tenant: TenantHandle, tokenId: string, candidate: Candidate): number {
  return learnedOutputTokens(tenant, tokenId, candidate.model);
}

export function holdOptions(
  tenant: TenantHandle,
  tokenId: string,
  request: ClientRequest,
  candidate: Candidate,
): HoldOption[] {
  const { price, provider, model } = candidate;
  const imageTokens = request.images * IMAGE_TOKENS_MAX;
  const learned = inputTokensBound(provider.handle, model, request.textBytes) + imageTokens;
  const strict = request.textBytes + imageTokens;
  const option = (outputTokens: number, outputTokensCap: number | null): HoldOption => {
    const { choices } = request;
    return {
      nanoUsd: worstCaseNanoUsd({ inputTokensBound: learned, outputTokens, choices, price }),
      strictNanoUsd: worstCaseNanoUsd({ inputTokensBound: strict, outputTokens, choices, price }),
      outputTokensCap,
    };
  };
  const full = outputTokensMax(request, candidate);
  const options = [option(full, null)];
  if (request.generates && request.outputTokensMax === null) {
    const cap = Math.min(full, allowance(tenant, tokenId, candidate));
    if (cap < full) options.push(option(cap, cap));
  }
  return options;
}

/** Model tokens that the rates are asked for: input bound and the likely output. */
export function rateTokens(
  tenant: TenantHandle,
  tokenId: string,
  request: ClientRequest,
  candidate: Candidate,
): number {
  const input = inputTokensBound(candidate.provider.handle, candidate.model, request.textBytes);
  return input + likelyOutput(tenant, tokenId, request, candidate);
}

function likelyOutput(
  tenant: TenantHandle,
  tokenId: string,
  request: ClientRequest,
  candidate: Candidate,
): number {
  if (!request.generates) return 0;
  const full = outputTokensMax(request, candidate);
  const likely = request.outputTokensMax ?? allowance(tenant, tokenId, candidate);
  return Math.min(full, likely) * request.choices;
}

/**
 * Usage of an attempt that reported none although it may have generated: the input by its bytes, the
 * output by what was seen, or where nothing could be seen by what such requests usually need.
 */
export function estimatedUsage(
  tenant: TenantHandle | null,
  tokenId: string,
  request: ClientRequest,
  candidate: Candidate,
  outputTokensSeen: number | null,
): Usage {
  const inputTokens = Math.ceil(request.textBytes / BYTES_PER_TOKEN_ESTIMATE);
  const outputTokens =
    outputTokensSeen ??
    (tenant === null
      ? outputTokensMax(request, candidate) * request.choices
      : likelyOutput(tenant, tokenId, request, candidate));
  return { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0 };
}
