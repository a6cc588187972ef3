/** What a provider charges for its tokens: its own sum, in pico-dollars, rounded up once. */
import type { PriceTerms } from "./oracle-types.ts";

export function chargeNanoUsd(
  tokens: {
    readonly inputTokens: number;
    readonly cachedTokens: number;
    readonly generatedTokens: number;
  },
  rates: Omit<PriceTerms, "id">,
): number {
  const { inputTokens, cachedTokens, generatedTokens } = tokens;
  const pico =
    BigInt(inputTokens - cachedTokens) * BigInt(rates.inputPicoUsd) +
    BigInt(cachedTokens) * BigInt(rates.cachedPicoUsd ?? rates.inputPicoUsd) +
    BigInt(generatedTokens) * BigInt(rates.outputPicoUsd);
  return Number((pico + 999n) / 1000n);
}
