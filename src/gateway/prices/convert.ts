/**
 * A price of the public list → a ModelPrice. Its dollars per million tokens become integer
 * pico-dollars by their decimal text, so no float arithmetic touches money. What the list knows and
 * a ModelPrice cannot say makes a model unpriced, never cheaper.
 */
import { assert } from "../../base/assert.ts";
import { parseUsdPerMillion, type PicoUsd } from "../../base/units.ts";
import type { ModelPrice, PriceTier, Rates } from "./price.ts";
import { NO_UNIT_RATES } from "./unit-rates.ts";

/** A price in US dollars, or one that depends on the length of the input. */
type ListedAmount =
  | number
  | {
      readonly base: number;
      readonly tiers: readonly { readonly start: number; readonly price: number }[];
    };

/** A price of the list, by its keys; `_mtok` is per million tokens, `_kcount` per thousand. */
export type ListedPrice = Readonly<Record<string, ListedAmount | undefined>>;

/**
 * Which keys make which rate. Kinds that no usage tells apart share the dearest of their rates:
 * moving and still pictures, pictures and text from the cache.
 */
const RATE_KEYS = {
  inputPicoUsd: ["input_mtok"],
  outputPicoUsd: ["output_mtok"],
  cachedInputPicoUsd: ["cache_read_mtok", "cache_image_read_mtok"],
  cacheWritePicoUsd: ["cache_write_mtok", "cache_write_5m_mtok"],
  cacheWrite1hPicoUsd: ["cache_write_1h_mtok"],
  reasoningPicoUsd: ["output_reasoning_mtok"],
  audioInputPicoUsd: ["input_audio_mtok"],
  cachedAudioInputPicoUsd: ["cache_audio_read_mtok"],
  audioOutputPicoUsd: ["output_audio_mtok"],
  imageInputPicoUsd: ["input_image_mtok", "input_video_mtok"],
  imageOutputPicoUsd: ["output_image_mtok", "output_video_mtok"],
} as const satisfies Record<keyof Rates, readonly string[]>;

const TOOL_KEYS = {
  web_searches_kcount: "web_search",
  storage_searches_kcount: "file_search",
  social_searches_kcount: "x_search",
  code_executions_kcount: "code_execution",
} as const;

const REQUEST_KEY = "requests_kcount";

/** Sound by its length, which is how speech is transcribed; Groq's and OpenAI's, dollars an hour. */
const HOUR_KEYS = ["audio_hours", "input_audio_hours"] as const;
const SECONDS_PER_HOUR = 3_600;

/** Cited pages are read as input (see the OpenAI dialect), and cost what input costs (2026-11). */
const CITATION_KEY = "output_citation_mtok";

const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...Object.values(RATE_KEYS).flat(),
  ...Object.keys(TOOL_KEYS),
  REQUEST_KEY,
  CITATION_KEY,
  ...HOUR_KEYS,
]);

/**
 * null: neither a price per input token nor per hour of sound, unless the model is listed as free, or one
 * that we cannot apply.
 */
export function convertListed(
  id: string,
  listed: ListedPrice,
  contextTokensMax: number | null,
  source: string,
): ModelPrice | null {
  const keys = Object.keys(listed);
  const isListedFree = keys.length === 0 && id.endsWith(":free");
  const audioSecondPicoUsd = audioSecondOf(listed);
  if (listed["input_mtok"] === undefined && audioSecondPicoUsd === null && !isListedFree)
    return null;
  if (keys.some((key) => !KNOWN_KEYS.has(key))) return null;
  // Nothing tells whether such a model's sound is paid by its length beside its tokens, or instead.
  if (audioSecondPicoUsd !== null && keys.some((key) => !isHourKey(key))) return null;
  const starts = new Set(
    Object.values(RATE_KEYS).flatMap((some) => some.flatMap((key) => startsOf(listed[key]))),
  );
  const tiers = [...starts]
    .sort((a, b) => a - b)
    .map((start): PriceTier => Object.assign({ aboveInputTokens: start }, ratesAt(listed, start)));
  return {
    ...ratesAt(listed, 0),
    ...NO_UNIT_RATES,
    audioSecondPicoUsd,
    requestPicoUsd: feeOf(listed[REQUEST_KEY]),
    toolCallPicoUsd: toolCallsOf(listed),
    tiers,
    batchPermille: null,
    contextTokensMax,
    outputTokensMax: null,
    source,
  };
}

function startsOf(price: ListedAmount | undefined): readonly number[] {
  return typeof price === "object" ? price.tiers.map((tier) => tier.start) : [];
}

/** The rates of a request with more than `start` input tokens, up to the next tier. */
function ratesAt(listed: ListedPrice, start: number): Rates {
  const rate = (kind: keyof Rates): PicoUsd | null => {
    const found = RATE_KEYS[kind].flatMap((key) => rateAt(listed[key], start) ?? []);
    return found.length === 0 ? null : Math.max(...found);
  };
  const input = rate("inputPicoUsd") ?? 0;
  return {
    inputPicoUsd: input,
    // Only embeddings and rerankers are listed without one; what generates must never be free.
    outputPicoUsd: rate("outputPicoUsd") ?? input,
    cachedInputPicoUsd: rate("cachedInputPicoUsd"),
    cacheWritePicoUsd: rate("cacheWritePicoUsd"),
    cacheWrite1hPicoUsd: rate("cacheWrite1hPicoUsd"),
    reasoningPicoUsd: rate("reasoningPicoUsd"),
    audioInputPicoUsd: rate("audioInputPicoUsd"),
    cachedAudioInputPicoUsd: rate("cachedAudioInputPicoUsd"),
    audioOutputPicoUsd: rate("audioOutputPicoUsd"),
    imageInputPicoUsd: rate("imageInputPicoUsd"),
    imageOutputPicoUsd: rate("imageOutputPicoUsd"),
  };
}

function rateAt(price: ListedAmount | undefined, start: number): PicoUsd | null {
  if (price === undefined) return null;
  if (typeof price === "number") return picoUsd(price);
  const reached = price.tiers
    .filter((tier) => tier.start <= start)
    .reduce((last, tier) => (tier.start >= last.start ? tier : last), {
      start: -1,
      price: price.base,
    });
  return picoUsd(reached.price);
}

/** A provider that asks a fee for each request searches for that fee. */
function toolCallsOf(listed: ListedPrice): Record<string, PicoUsd> {
  const fees: [string, PicoUsd][] = listed[REQUEST_KEY] === undefined ? [] : [["web_search", 0]];
  for (const [key, tool] of Object.entries(TOOL_KEYS)) {
    if (listed[key] !== undefined) fees.push([tool, feeOf(listed[key])]);
  }
  return Object.fromEntries(fees);
}

/** Dollars per thousand → pico-dollars each, a thousand times what per million would be. */
function feeOf(price: ListedAmount | undefined): PicoUsd {
  if (price === undefined) return 0;
  // A fee that depends on the input is taken at its dearest: nothing tells which one was asked.
  const amounts =
    typeof price === "number" ? [price] : [price.base, ...price.tiers.map((tier) => tier.price)];
  return picoUsd(Math.max(...amounts)) * 1_000;
}

function isHourKey(key: string): boolean {
  return HOUR_KEYS.some((one) => one === key);
}

/** Dollars per hour → pico-dollars per second, rounded up; null: sound has no price by its length. */
function audioSecondOf(listed: ListedPrice): PicoUsd | null {
  const hours = HOUR_KEYS.flatMap((key) => rateAt(listed[key], 0) ?? []);
  if (hours.length === 0) return null;
  return Math.ceil((Math.max(...hours) * 1_000_000) / SECONDS_PER_HOUR);
}

/**
 * Dollars per million tokens → pico-dollars per token, by decimal text. Six decimals are exact; the
 * few listed with more are leftovers of float arithmetic and go to the nearest pico-dollar.
 */
function picoUsd(usdPerMillion: number): PicoUsd {
  const parsed = parseUsdPerMillion(usdPerMillion.toFixed(6));
  assert(parsed !== undefined, `the catalogue holds an impossible price: ${usdPerMillion}`);
  return parsed;
}
