/**
 * The text of a price. It goes into the ledger with every hold, so that an attempt can be priced
 * again in ten years: short, in a fixed order, with the units in the names, and older texts stay
 * readable. What is null, 0 or empty by default is left out.
 */
import type { ModelPrice, PriceTier, Rates } from "./price.ts";
import type { UnitRates } from "./unit-rates.ts";

const RATE_MEMBERS = {
  inputPicoUsd: "input_pico_usd",
  outputPicoUsd: "output_pico_usd",
  cachedInputPicoUsd: "cached_input_pico_usd",
  cacheWritePicoUsd: "cache_write_pico_usd",
  cacheWrite1hPicoUsd: "cache_write_1h_pico_usd",
  reasoningPicoUsd: "reasoning_pico_usd",
  audioInputPicoUsd: "audio_input_pico_usd",
  cachedAudioInputPicoUsd: "cached_audio_input_pico_usd",
  audioOutputPicoUsd: "audio_output_pico_usd",
  imageInputPicoUsd: "image_input_pico_usd",
  imageOutputPicoUsd: "image_output_pico_usd",
} as const satisfies Record<keyof Rates, string>;

const UNIT_MEMBERS = {
  imagePicoUsd: "image_pico_usd",
  audioSecondPicoUsd: "audio_second_pico_usd",
  characterPicoUsd: "character_pico_usd",
  searchUnitPicoUsd: "search_unit_pico_usd",
} as const satisfies Record<keyof UnitRates, string>;

const PERMILLE_MAX = 1_000;

const written = new WeakMap<ModelPrice, string>();

/** The ledger's form of a price. */
export function priceJson(price: ModelPrice): string {
  // The same price object serves many attempts; its text is made once.
  const known = written.get(price);
  if (known !== undefined) return known;
  const { tiers, toolCallPicoUsd } = price;
  const text = JSON.stringify({
    source: price.source,
    ...formatRates(price),
    [UNIT_MEMBERS.imagePicoUsd]: price.imagePicoUsd ?? undefined,
    [UNIT_MEMBERS.audioSecondPicoUsd]: price.audioSecondPicoUsd ?? undefined,
    [UNIT_MEMBERS.characterPicoUsd]: price.characterPicoUsd ?? undefined,
    [UNIT_MEMBERS.searchUnitPicoUsd]: price.searchUnitPicoUsd ?? undefined,
    request_pico_usd: price.requestPicoUsd === 0 ? undefined : price.requestPicoUsd,
    tool_call_pico_usd: Object.keys(toolCallPicoUsd).length === 0 ? undefined : toolCallPicoUsd,
    tiers: tiers.length === 0 ? undefined : tiers.map(formatTier),
    batch_permille: price.batchPermille ?? undefined,
    context_tokens_max: price.contextTokensMax ?? undefined,
    output_tokens_max: price.outputTokensMax ?? undefined,
  });
  written.set(price, text);
  return text;
}

function formatTier(tier: PriceTier): Record<string, number | undefined> {
  return { above_input_tokens: tier.aboveInputTokens, ...formatRates(tier) };
}

function formatRates(rates: Rates): Record<string, number | undefined> {
  return {
    [RATE_MEMBERS.inputPicoUsd]: rates.inputPicoUsd,
    [RATE_MEMBERS.outputPicoUsd]: rates.outputPicoUsd,
    [RATE_MEMBERS.cachedInputPicoUsd]: rates.cachedInputPicoUsd ?? undefined,
    [RATE_MEMBERS.cacheWritePicoUsd]: rates.cacheWritePicoUsd ?? undefined,
    [RATE_MEMBERS.cacheWrite1hPicoUsd]: rates.cacheWrite1hPicoUsd ?? undefined,
    [RATE_MEMBERS.reasoningPicoUsd]: rates.reasoningPicoUsd ?? undefined,
    [RATE_MEMBERS.audioInputPicoUsd]: rates.audioInputPicoUsd ?? undefined,
    [RATE_MEMBERS.cachedAudioInputPicoUsd]: rates.cachedAudioInputPicoUsd ?? undefined,
    [RATE_MEMBERS.audioOutputPicoUsd]: rates.audioOutputPicoUsd ?? undefined,
    [RATE_MEMBERS.imageInputPicoUsd]: rates.imageInputPicoUsd ?? undefined,
    [RATE_MEMBERS.imageOutputPicoUsd]: rates.imageOutputPicoUsd ?? undefined,
  };
}

/** Reads {@link priceJson}'s text back; undefined when it is anything else. */
export function parsePriceJson(text: string): ModelPrice | undefined {
  const members = membersOf(parseJson(text));
  if (members === undefined) return undefined;
  const source = members["source"];
  const rates = parseRates(members);
  const tiers = parseTiers(members["tiers"] ?? []);
  const toolCallPicoUsd = parseAmounts(members["tool_call_pico_usd"] ?? {});
  const requestPicoUsd = countOrNull(members["request_pico_usd"]);
  const batchPermille = countOrNull(members["batch_permille"]);
  const contextTokensMax = countOrNull(members["context_tokens_max"]);
  const outputTokensMax = countOrNull(members["output_tokens_max"]);
  const units = parseUnits(members);
  if (units === undefined) return undefined;
  if (typeof source !== "string" || rates === undefined || tiers === undefined) return undefined;
  if (toolCallPicoUsd === undefined || requestPicoUsd === undefined) return undefined;
  if (batchPermille === undefined || (batchPermille ?? 0) > PERMILLE_MAX) return undefined;
  if (contextTokensMax === undefined || outputTokensMax === undefined) return undefined;
  return {
    ...rates,
    ...units,
    requestPicoUsd: requestPicoUsd ?? 0,
    toolCallPicoUsd,
    tiers,
    batchPermille,
    contextTokensMax,
    outputTokensMax,
    source,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not a price, which is the answer the caller asked for.
    return undefined;
  }
}

type Members = Readonly<Record<string, unknown>>;

function membersOf(value: unknown): Members | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...value }
    : undefined;
}

function parseRates(members: Members): Rates | undefined {
  const inputPicoUsd = count(members[RATE_MEMBERS.inputPicoUsd]);
  const outputPicoUsd = count(members[RATE_MEMBERS.outputPicoUsd]);
  if (inputPicoUsd === undefined || outputPicoUsd === undefined) return undefined;
  const optional = (kind: keyof Rates): number | null =>
    countOrNull(members[RATE_MEMBERS[kind]]) ?? null;
  const isBroken = Object.values(RATE_MEMBERS).some(
    (member) => countOrNull(members[member]) === undefined,
  );
  if (isBroken) return undefined;
  return {
    inputPicoUsd,
    outputPicoUsd,
    cachedInputPicoUsd: optional("cachedInputPicoUsd"),
    cacheWritePicoUsd: optional("cacheWritePicoUsd"),
    cacheWrite1hPicoUsd: optional("cacheWrite1hPicoUsd"),
    reasoningPicoUsd: optional("reasoningPicoUsd"),
    audioInputPicoUsd: optional("audioInputPicoUsd"),
    cachedAudioInputPicoUsd: optional("cachedAudioInputPicoUsd"),
    audioOutputPicoUsd: optional("audioOutputPicoUsd"),
    imageInputPicoUsd: optional("imageInputPicoUsd"),
    imageOutputPicoUsd: optional("imageOutputPicoUsd"),
  };
}

function parseUnits(members: Members): UnitRates | undefined {
  const image = countOrNull(members[UNIT_MEMBERS.imagePicoUsd]);
  const audioSecond = countOrNull(members[UNIT_MEMBERS.audioSecondPicoUsd]);
  const character = countOrNull(members[UNIT_MEMBERS.characterPicoUsd]);
  const searchUnit = countOrNull(members[UNIT_MEMBERS.searchUnitPicoUsd]);
  if (image === undefined || audioSecond === undefined) return undefined;
  if (character === undefined || searchUnit === undefined) return undefined;
  return {
    imagePicoUsd: image,
    audioSecondPicoUsd: audioSecond,
    characterPicoUsd: character,
    searchUnitPicoUsd: searchUnit,
  };
}

function parseTiers(value: unknown): readonly PriceTier[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const tiers: PriceTier[] = [];
  for (const item of value) {
    const members = membersOf(item);
    const rates = members === undefined ? undefined : parseRates(members);
    const aboveInputTokens = count(members?.["above_input_tokens"]);
    if (rates === undefined || aboveInputTokens === undefined) return undefined;
    tiers.push({ aboveInputTokens, ...rates });
  }
  return tiers;
}

function parseAmounts(value: unknown): Readonly<Record<string, number>> | undefined {
  const amounts: [string, number][] = [];
  for (const [name, amount] of Object.entries(membersOf(value) ?? { "": undefined })) {
    const known = count(amount);
    if (known === undefined) return undefined;
    amounts.push([name, known]);
  }
  return Object.fromEntries(amounts);
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** null where the text leaves it out. */
function countOrNull(value: unknown): number | null | undefined {
  return value === null || value === undefined ? null : count(value);
}
