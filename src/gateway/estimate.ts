/**
 * What an attempt may cost before it is made, as the ways to hold it in order of preference
 * (design, section 5): the worst case as the client sent it, else, where the client set no output
 * limit, a cap at what this access token and model have needed so far.
 */
import type { HoldOption } from "../../actors/contract.ts";
import { inputTokensBound } from "../../actors/provider.ts";
import { learnedOutputTokens, type TenantHandle } from "../../actors/tenant.ts";
import type { NanoUsd } from "../base/units.ts";
import type { ClientRequest } from "../dialects/contract.ts";
import type { UnitUse, Usage } from "../dialects/usage-contract.ts";
import type { BatchBounds } from "../dialects/job-contract.ts";
import { billedUnits, unitDetails } from "./unit-usage.ts";
import { NO_USAGE } from "./exchange.ts";
import { exactNanoUsd, worstCaseNanoUsd } from "./prices/cost.ts";
import { FREE_PRICE, type ModelPrice } from "./prices/price.ts";
import type { Candidate } from "./resolve.ts";

/**
 * An image's tokens at most: 8 tiles of gpt-4o-mini's high detail, the dearest published formula
 * (2,833 + 8 × 5,667; OpenAI's vision guide, 2026), rounded up.
 */
const IMAGE_TOKENS_MAX = 50_000;

/** An image's tokens when an estimate is wanted: Claude's for its largest (width × height / 750, 2026). */
const IMAGE_TOKENS_ESTIMATE = 1_600;

/**
 * Output of a model whose maximum nobody told us: the largest that any provider of the catalogue
 * sells (128k). Far too much for a small budget, which is then served by the learned cap.
 */
const OUTPUT_TOKENS_UNKNOWN = 131_072;

/** No model on the market reads or writes more at once (2026-11); for those that we know nothing of. */
const CONTEXT_TOKENS_UNKNOWN = 2_097_152;

/** Bytes of a JSON body per token when an estimate, not a bound, is wanted; English is near 4. */
const BYTES_PER_TOKEN_ESTIMATE = 3;

/** Thoughts that no limit counts: Qwen's models think 81,920 tokens long (2026-11), no model longer than this. */
const THOUGHT_TOKENS_MAX = 131_072;

function thoughtTokensMax({ provider: { quirks } }: Candidate): number {
  return quirks.thinksBeyondLimit ? THOUGHT_TOKENS_MAX : 0;
}

/** Output that the request can cause, for one choice. */
function outputTokensMax(request: ClientRequest, candidate: Candidate): number {
  if (!request.generates) return 0;
  return answerTokensMax(request, candidate) + thoughtTokensMax(candidate);
}

function answerTokensMax(request: ClientRequest, candidate: Candidate): number {
  const { outputTokensMax: known, contextTokensMax } = candidate.price;
  const modelMax = known ?? contextTokensMax;
  // A client's own limit bounds a model that nobody told us the maximum of, within what can be.
  if (modelMax === null) {
    return Math.min(request.outputTokensMax ?? OUTPUT_TOKENS_UNKNOWN, CONTEXT_TOKENS_UNKNOWN);
  }
  return Math.min(request.outputTokensMax ?? modelMax, modelMax);
}

function allowance(tenant: TenantHandle, tokenId: string, candidate: Candidate): number {
  return learnedOutputTokens(tenant, tokenId, candidate.model);
}

/**
 * A byte-level token covers at least one byte. What was learned of a model's bytes per token is no
 * bound: whoever writes the prompts also chooses how dense they are.
 */
function inputTokensMax(
  { textBytes, images, hasUnsized }: ClientRequest,
  { contextTokensMax }: ModelPrice,
): number {
  const seen = textBytes + images * IMAGE_TOKENS_MAX;
  // What we cannot measure may fill the model's whole context.
  return hasUnsized ? Math.max(seen, contextTokensMax ?? CONTEXT_TOKENS_UNKNOWN) : seen;
}

/** Nothing is held, but a budget that is used up refuses: the smallest amount must be left. */
const FREE_OPTIONS: readonly HoldOption[] = [{ nanoUsd: 0, roomNanoUsd: 1, outputTokensCap: null }];

export function isFree({ price }: Pick<Candidate, "price">): boolean {
  return price === FREE_PRICE;
}

export function holdOptions(
  tenant: TenantHandle,
  tokenId: string,
  request: ClientRequest,
  candidate: Candidate,
): readonly HoldOption[] {
  if (isFree(candidate)) return FREE_OPTIONS;
  const { price } = candidate;
  if (request.batch !== undefined) {
    return [{ nanoUsd: batchNanoUsdMax(request.batch, candidate), outputTokensCap: null }];
  }
  const inputTokens = inputTokensMax(request, price);
  const option = (outputTokens: number, outputTokensCap: number | null): HoldOption => {
    const { choices, without, toolCallsMax } = request;
    const bounds = {
      inputTokensBound: inputTokens,
      outputTokens,
      choices,
      price,
      without,
      toolCallsMax,
      ...(request.units === undefined
        ? {}
        : { unitsMax: billedUnits(request.units.max, candidate.provider.quirks) }),
    };
    return { nanoUsd: worstCaseNanoUsd(bounds), outputTokensCap };
  };
  const full = outputTokensMax(request, candidate);
  const options = [option(full, null)];
  const { generates, outputTokensMax: own } = request;
  const isCapped = request.isUncapped !== true && thoughtTokensMax(candidate) === 0;
  if (generates && own === null && isCapped) {
    const cap = Math.min(full, allowance(tenant, tokenId, candidate));
    if (cap < full) options.push(option(cap, cap));
  }
  return options;
}

/** The most that all lines of a batch can cost together. */
function batchNanoUsdMax(bounds: BatchBounds, candidate: Candidate): NanoUsd {
  const { price } = candidate;
  const contextTokens = price.contextTokensMax ?? CONTEXT_TOKENS_UNKNOWN;
  const unsizedTokens = bounds.unsizedLines > 0 ? contextTokens : 0;
  const lineTokens = bounds.lineTextBytesMax + bounds.lineImagesMax * IMAGE_TOKENS_MAX;
  const modelMax = price.outputTokensMax ?? price.contextTokensMax ?? OUTPUT_TOKENS_UNKNOWN;
  const thoughtTokens = bounds.choices * thoughtTokensMax(candidate);
  const outputTokens = bounds.outputTokensMax + bounds.unlimitedChoices * modelMax + thoughtTokens;
  return worstCaseNanoUsd(
    {
      inputTokensBound:
        bounds.textBytes + bounds.images * IMAGE_TOKENS_MAX + bounds.unsizedLines * contextTokens,
      outputTokens: bounds.generates ? outputTokens : 0,
      choices: 1,
      price,
      without: bounds.without,
      toolCallsMax: bounds.toolCallsMax,
      requests: { count: bounds.lines, inputTokensBound: Math.max(lineTokens, unsizedTokens) },
      ...(Object.keys(bounds.unitsMax).length > 0 && { unitsMax: bounds.unitsMax }),
    },
    { batch: true },
  );
}

/**
 * Model tokens that the rates are asked for: input bound and the likely output. Of a batch none, whose own
 * body holds no input: it is worked off when its provider has time, for hours.
 */
export function rateTokens(
  tenant: TenantHandle,
  tokenId: string,
  request: ClientRequest,
  candidate: Candidate,
): number {
  if (isFree(candidate)) return 0;
  const input = inputTokensBound(candidate.lane.handle, candidate.model, request.textBytes);
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
  if (request.units !== undefined)
    return Math.min(full, request.units.outputTokens) * request.choices;
  const likely = request.outputTokensMax ?? allowance(tenant, tokenId, candidate);
  return Math.min(full, likely) * request.choices;
}

/** What the request would likely cost where answers need so many tokens. */
export function likelyNanoUsd(
  request: ClientRequest,
  candidate: Candidate,
  outputTokens: number,
): NanoUsd {
  const likely = Math.min(outputTokensMax(request, candidate), outputTokens) * request.choices;
  const usage = { inputTokens: inputTokensEstimate(request), outputTokens: likely };
  return exactNanoUsd({ ...NO_USAGE, ...usage, details: unitDetails(request) }, candidate.price);
}

/** Input by its bytes and images, where nothing better is known. */
export function inputTokensEstimate(request: ClientRequest): number {
  return Math.ceil(request.textBytes / BYTES_PER_TOKEN_ESTIMATE) + imageTokensEstimate(request);
}

export function imageTokensEstimate({ images }: Pick<ClientRequest, "images">): number {
  return images * IMAGE_TOKENS_ESTIMATE;
}

/** The same of what its provider goes on with: of a batch, of all its lines. */
export function jobTokensEstimate(request: ClientRequest): number {
  const { textBytes, images } = request.batch ?? request;
  return Math.ceil(textBytes / BYTES_PER_TOKEN_ESTIMATE) + imageTokensEstimate({ images });
}

const TOKENS_PER_RATE = 1_000_000;

/**
 * Most output tokens, of all choices, whose worst case stays within `nanoUsd` beside the request's
 * input; null where output costs nothing, or is not told by the tokens that can be seen of it.
 */
export function outputTokensWithin(
  nanoUsd: NanoUsd,
  request: ClientRequest,
  candidate: Candidate,
): number | null {
  if (request.units !== undefined) return null;
  const { price } = candidate;
  const withOutput = (outputTokens: number): NanoUsd =>
    worstCaseNanoUsd({
      inputTokensBound: inputTokensMax(request, price),
      outputTokens,
      choices: 1,
      price,
      without: request.without,
      toolCallsMax: request.toolCallsMax,
    });
  const inputNanoUsd = withOutput(0);
  const rateNanoUsd = withOutput(TOKENS_PER_RATE) - inputNanoUsd;
  if (rateNanoUsd === 0) return null;
  const leftNanoUsd = Math.max(0, nanoUsd - inputNanoUsd);
  return Number((BigInt(leftNanoUsd) * BigInt(TOKENS_PER_RATE)) / BigInt(rateNanoUsd));
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
  if (isFree(candidate)) return NO_USAGE;
  const inputTokens = inputTokensEstimate(request);
  const outputTokens =
    outputTokensSeen ??
    (tenant === null
      ? outputTokensMax(request, candidate) * request.choices
      : likelyOutput(tenant, tokenId, request, candidate));
  const details = unitDetails(request, outputTokensSeen === 0);
  return { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, details };
}

/**
 * Usage of an answer that came without one on a surface that is not paid by tokens alone: what the
 * request itself can have used.
 */
export function unreportedUsage(request: ClientRequest, { outputTokens }: UnitUse): Usage {
  return {
    inputTokens: inputTokensEstimate(request),
    outputTokens: outputTokens * request.choices,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    details: unitDetails(request),
  };
}
