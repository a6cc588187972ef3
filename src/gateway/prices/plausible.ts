/**
 * Whether a price to be entered can be meant: one that is a thousand times off its neighbours, or
 * looks like theirs in another unit, is told with what it would cost. An explicit 0 is always meant.
 */
import type { PicoUsd } from "../../base/units.ts";
import type { PriceNeighbours } from "./neighbours.ts";
import { type CostPreview, previewCost } from "./preview.ts";
import {
  type Doubt,
  FEE_PICO_USD_MAX,
  formatFee,
  formatRate,
  type Mistake,
  off,
  type PriceAmount,
  type PriceDoubt,
  tooDear,
} from "./doubt.ts";
import { unitDoubts } from "./plausible-units.ts";
import { type ModelPrice, type Rates, ratesInForce } from "./price.ts";

/** 10,000 USD per million tokens, sixteen times the dearest on the market (2026-11). */
export const RATE_PICO_USD_MAX: PicoUsd = 10_000_000_000;
/** A cent: what a request or a call of a tool costs where it costs anything (2026-11). */
const USUAL_FEE_PICO_USD: PicoUsd = 10_000_000_000;

/** `preview` is null where an amount is too large to be multiplied. */
export type PricePlausibility =
  | { readonly plausible: true; readonly preview: CostPreview }
  | {
      readonly plausible: false;
      readonly doubts: readonly PriceDoubt[];
      readonly preview: CostPreview | null;
    };

/** Compares a whole price with its neighbours; every amount that can hardly be meant is a doubt. */
export function pricePlausibility(
  price: ModelPrice,
  neighbours: PriceNeighbours,
): PricePlausibility {
  const doubts = [
    ...rateDoubts(price, neighbours),
    ...unitDoubts(price),
    ...feeDoubts(price, neighbours),
  ];
  if (doubts.length === 0) return { plausible: true, preview: previewCost(price) };
  const isBounded = doubts.every((doubt) => doubt.usualPicoUsd !== null);
  return { plausible: false, doubts, preview: isBounded ? previewCost(price) : null };
}

const RATE_NAMES = {
  inputPicoUsd: "input",
  outputPicoUsd: "output",
  cachedInputPicoUsd: "cached input",
  cacheWritePicoUsd: "writing to the cache",
  cacheWrite1hPicoUsd: "writing to the cache for an hour",
  reasoningPicoUsd: "reasoning",
  audioInputPicoUsd: "audio input",
  cachedAudioInputPicoUsd: "cached audio input",
  audioOutputPicoUsd: "audio output",
  imageInputPicoUsd: "image input",
  imageOutputPicoUsd: "image output",
} as const satisfies Record<keyof Rates, string>;

const KINDS = Object.keys(RATE_NAMES).filter(
  (kind): kind is keyof typeof RATE_NAMES => kind in RATE_NAMES,
);

function rateDoubts(price: ModelPrice, neighbours: PriceNeighbours): PriceDoubt[] {
  const doubts: PriceDoubt[] = [];
  const tiers = price.tiers.map((tier) => ({ rates: tier, above: tier.aboveInputTokens }));
  for (const { rates, above } of [{ rates: price, above: null }, ...tiers]) {
    for (const kind of KINDS) {
      const entered = rates[kind];
      if (entered === null || entered === 0) continue;
      const doubt = doubtRate(entered, kind, neighbours);
      if (doubt !== null) {
        doubts.push({
          ...doubt,
          amount: { kind, aboveInputTokens: above },
          enteredPicoUsd: entered,
        });
      }
    }
  }
  return doubts;
}

function doubtRate(entered: PicoUsd, kind: keyof Rates, neighbours: PriceNeighbours): Doubt | null {
  const subject = `${RATE_NAMES[kind]} at ${formatRate(entered)} per million tokens`;
  if (entered > RATE_PICO_USD_MAX) {
    return tooDear(subject, formatRate(RATE_PICO_USD_MAX));
  }
  const compared = compareRate(entered, kind, neighbours);
  if (compared === null || !compared.isOff) return null;
  const { usual, whose } = compared;
  return off(entered, usual, RATE_MISTAKES, { subject, whose, format: formatRate });
}

type Comparison = { readonly usual: PicoUsd; readonly whose: string; readonly isOff: boolean };

/** With the nearest neighbours that ask anything for the kind; null when nobody does. */
function compareRate(
  entered: PicoUsd,
  kind: keyof Rates,
  { listed, sameModel, sameProvider, market }: PriceNeighbours,
): Comparison | null {
  const asked = (prices: readonly ModelPrice[]): Asked | null =>
    askedBy(prices.map((price) => ratesInForce(price)[kind]));
  const own = listed === null ? null : asked([listed]);
  const model = own ?? asked(sameModel);
  if (model !== null) {
    // Sellers of one model differ by a factor of ten; fifty is cents for dollars, or worse.
    const isOff = entered >= model.median * 50 || entered * 500 <= model.median;
    const whose = own === null ? "which the same model costs elsewhere" : "which is listed for it";
    return { usual: model.median, whose, isOff };
  }
  const provider = asked(sameProvider);
  if (provider !== null) {
    const isOff = isFarFrom(entered, provider.median) || isAnotherUnit(entered, provider);
    const whose = "which the provider's other models cost in the middle";
    return { usual: provider.median, whose, isOff };
  }
  const all = asked(market);
  if (all === null) return null;
  const isOff = isFarFrom(entered, all.median);
  return { usual: all.median, whose: "which models cost in the middle", isOff };
}

/** What several neighbours ask for one kind, those aside who give it away. */
type Asked = { readonly least: PicoUsd; readonly median: PicoUsd; readonly most: PicoUsd };

function askedBy(amounts: readonly PicoUsd[]): Asked | null {
  const sorted = amounts.filter((amount) => amount > 0).sort((a, b) => a - b);
  const [least, median, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  if (least === undefined || median === undefined || most === undefined) return null;
  return { least, median, most };
}

function isFarFrom(entered: PicoUsd, usual: PicoUsd): boolean {
  return entered >= usual * 1_000 || entered * 1_000 <= usual;
}

/** Outside of everything the provider asks, but within it as cents or as a price per thousand. */
function isAnotherUnit(entered: PicoUsd, { least, most }: Asked): boolean {
  const isWithin = (amount: PicoUsd): boolean => amount >= least / 3 && amount <= most * 3;
  if (entered > most * 10) return isWithin(entered / 100);
  return entered * 10 < least && isWithin(entered * 1_000);
}

const RATE_MISTAKES: readonly Mistake[] = [
  { factor: 100, unit: "in cents rather than dollars" },
  { factor: 1_000, unit: "per billion tokens rather than per million" },
  { factor: 1_000_000, unit: "multiplied by a million twice" },
  { factor: 1 / 1_000, unit: "per thousand tokens rather than per million" },
  { factor: 1 / 1_000_000, unit: "per token rather than per million" },
];

const FEE_MISTAKES: readonly Mistake[] = [
  { factor: 100, unit: "in cents rather than dollars" },
  { factor: 1_000, unit: "per thousand rather than for one" },
  { factor: 1 / 1_000, unit: "divided by a thousand twice" },
];

function feeDoubts(price: ModelPrice, neighbours: PriceNeighbours): PriceDoubt[] {
  const { requestPicoUsd: request, toolCallPicoUsd } = price;
  const fees: readonly (readonly [PriceAmount, PicoUsd, string])[] = [
    [{ kind: "requestPicoUsd" }, request, "a request"],
    ...Object.entries(toolCallPicoUsd).map(
      ([tool, fee]) => [{ kind: "toolCallPicoUsd", tool }, fee, `a call of ${tool}`] as const,
    ),
  ];
  return fees.flatMap(([amount, entered, name]) => {
    const doubt = entered === 0 ? null : doubtFee(entered, name, usualFee(amount, neighbours));
    return doubt === null ? [] : [{ ...doubt, amount, enteredPicoUsd: entered }];
  });
}

function doubtFee(entered: PicoUsd, name: string, usual: PicoUsd): Doubt | null {
  const subject = `${name} at ${formatFee(entered)}`;
  if (entered > FEE_PICO_USD_MAX) return tooDear(subject, formatFee(FEE_PICO_USD_MAX));
  // Fees of one kind differ by a factor of ten, so that a price per thousand stands far out.
  if (entered < usual * 200 && entered * 1_000 > usual) return null;
  const whose = "which such fees are in the middle";
  return off(entered, usual, FEE_MISTAKES, { subject, whose, format: formatFee });
}

function usualFee(amount: PriceAmount, { market }: PriceNeighbours): PicoUsd {
  const fees = market.map((price) =>
    amount.kind === "toolCallPicoUsd"
      ? (Object.entries(price.toolCallPicoUsd).find(([tool]) => tool === amount.tool)?.[1] ?? 0)
      : price.requestPicoUsd,
  );
  return askedBy(fees)?.median ?? USUAL_FEE_PICO_USD;
}
