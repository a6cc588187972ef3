/**
 * Units, which are no tokens, where the provider did not say how many it used: as many as the request
 * asks for at most.
 */
import type { ClientRequest } from "../dialects/contract.ts";
import type { UnitCounts, Usage, UsageDetails } from "../dialects/usage-contract.ts";
import type { Quirks } from "../providers/company.ts";

const NO_DETAILS: UsageDetails = {
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  audioInputTokens: 0,
  cachedAudioInputTokens: 0,
  imageInputTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  toolCalls: {},
};

/** null where nothing but tokens is used. `inputOnly`: of an answer that surely gave nothing. */
export function unitDetails(
  { units }: Pick<ClientRequest, "units">,
  inputOnly = false,
): UsageDetails | null {
  if (units === undefined) return null;
  const { images, ...read } = units.max;
  // Pictures are made; everything else is counted in what the client sent.
  const counts = inputOnly || images === undefined ? read : units.max;
  return { ...NO_DETAILS, units: counts };
}

/** As a company bills it that asks for a least length of sound. */
export function billedUnits(units: UnitCounts, { soundSecondsLeast }: Quirks): UnitCounts {
  const { audio_seconds: seconds } = units;
  if (seconds === undefined || seconds >= soundSecondsLeast) return units;
  return { ...units, audio_seconds: soundSecondsLeast };
}

/** Likewise; the very same usage nearly always. */
export function billedUsage(usage: Usage, quirks: Quirks): Usage {
  const { details } = usage;
  const units = details?.units;
  if (details === null || units === undefined) return usage;
  return { ...usage, details: { ...details, units: billedUnits(units, quirks) } };
}
