/**
 * What may be a count in a provider's report, and how the counts of any dialect become one Usage.
 * Money follows from these numbers: a count that cannot be one makes the whole object count as not
 * reported, and no part is ever more than its whole.
 */
import type { UnitCounts, Usage, UsageDetails } from "./usage-contract.ts";
import { isObject } from "./json.ts";

/**
 * Five times the largest context on the market (2 million tokens, 2026-11). What claims more is no
 * report: a few of them would pass the largest amount that the ledger can sum.
 */
const tokensMax = 10_000_000;

/** Far above what one answer can make; server-side loops end after tens of calls. */
const toolCallsMax = 10_000;
const toolsMax = 32;
const toolName = /^[a-z][a-z0-9_]{0,39}$/;

/** Reads the counts of one usage object, and remembers whether one of them was none. */
export class Counts {
  private readonly tokensMax: number;
  private sound = true;

  /** `answers`: of how many the object tells, at most. */
  constructor(answers = 1) {
    this.tokensMax = answers * tokensMax;
  }

  /** 0 when the member is missing or null. */
  of(value: unknown): number {
    return this.reported(value) ?? 0;
  }

  /** null when the member is missing or null. */
  reported(value: unknown): number | null {
    if (value === undefined || value === null) return null;
    const isCount = typeof value === "number" && Number.isInteger(value);
    if (!isCount || value < 0 || value > this.tokensMax) {
      this.sound = false;
      return null;
    }
    // Adding 0 makes the -0 that JSON can spell an ordinary zero.
    return value + 0;
  }

  /** Calls by tool from members such as `web_search_requests`, whose ending `suffix` names. */
  toolCalls(value: unknown, suffix: string): Record<string, number> {
    if (!isObject(value)) return {};
    const calls: [string, number][] = [];
    for (const [member, amount] of Object.entries(value)) {
      const tool = member.slice(0, -suffix.length);
      if (!member.endsWith(suffix) || !toolName.test(tool)) continue;
      const count = this.of(amount);
      if (count > 0) calls.push([tool, count]);
    }
    if (calls.length > toolsMax) this.sound = false;
    return Object.fromEntries(calls.slice(0, toolsMax));
  }

  /** The usage that the parts make; null when any count so far was none, or their sums cannot be. */
  usage(parts: UsageParts): Usage | null {
    const { inputTokens, outputTokens, toolCalls = {} } = parts;
    if (!this.sound || Math.max(inputTokens, outputTokens) > this.tokensMax) return null;
    if (Object.values(toolCalls).some((calls) => calls > toolCallsMax)) return null;
    const cachedInputTokens = Math.min(parts.cachedInputTokens ?? 0, inputTokens);
    return {
      inputTokens,
      outputTokens,
      cachedInputTokens,
      reasoningTokens: Math.min(parts.reasoningTokens ?? 0, outputTokens),
      details: detailsOf(parts, cachedInputTokens),
    };
  }
}

/** What a dialect read; left out is 0. */
export type UsageParts = Pick<Usage, "inputTokens" | "outputTokens"> &
  Partial<Omit<Usage, "details"> & UsageDetails>;

function detailsOf(parts: UsageParts, cachedInputTokens: number): UsageDetails | null {
  const { inputTokens, outputTokens } = parts;
  const unread = inputTokens - cachedInputTokens;
  const cacheWrite1hTokens = Math.min(parts.cacheWrite1hTokens ?? 0, unread);
  const audioInputTokens = Math.min(parts.audioInputTokens ?? 0, inputTokens);
  const audioOutputTokens = Math.min(parts.audioOutputTokens ?? 0, outputTokens);
  const details: UsageDetails = {
    cacheWriteTokens: Math.min(parts.cacheWriteTokens ?? 0, unread - cacheWrite1hTokens),
    cacheWrite1hTokens,
    audioInputTokens,
    cachedAudioInputTokens: Math.min(
      parts.cachedAudioInputTokens ?? 0,
      audioInputTokens,
      cachedInputTokens,
    ),
    imageInputTokens: Math.min(parts.imageInputTokens ?? 0, inputTokens - audioInputTokens),
    audioOutputTokens,
    imageOutputTokens: Math.min(parts.imageOutputTokens ?? 0, outputTokens - audioOutputTokens),
    toolCalls: parts.toolCalls ?? {},
    ...(parts.units === undefined ? {} : { units: parts.units }),
  };
  return isEmpty(details) ? null : details;
}

function isEmpty({ toolCalls, units, ...tokens }: UsageDetails): boolean {
  if (units !== undefined) return false;
  return Object.values(tokens).every((count) => count === 0) && Object.keys(toolCalls).length === 0;
}

/** What several answers used together. */
export function addUsage(first: Usage, second: Usage): Usage {
  return {
    inputTokens: first.inputTokens + second.inputTokens,
    outputTokens: first.outputTokens + second.outputTokens,
    cachedInputTokens: first.cachedInputTokens + second.cachedInputTokens,
    reasoningTokens: first.reasoningTokens + second.reasoningTokens,
    details: addDetails(first.details, second.details),
  };
}

export function addDetails(
  first: UsageDetails | null,
  second: UsageDetails | null,
): UsageDetails | null {
  if (first === null || second === null) return first ?? second;
  const toolCalls = new Map(Object.entries(first.toolCalls));
  for (const [tool, calls] of Object.entries(second.toolCalls)) {
    toolCalls.set(tool, (toolCalls.get(tool) ?? 0) + calls);
  }
  return {
    cacheWriteTokens: first.cacheWriteTokens + second.cacheWriteTokens,
    cacheWrite1hTokens: first.cacheWrite1hTokens + second.cacheWrite1hTokens,
    audioInputTokens: first.audioInputTokens + second.audioInputTokens,
    cachedAudioInputTokens: first.cachedAudioInputTokens + second.cachedAudioInputTokens,
    imageInputTokens: first.imageInputTokens + second.imageInputTokens,
    audioOutputTokens: first.audioOutputTokens + second.audioOutputTokens,
    imageOutputTokens: first.imageOutputTokens + second.imageOutputTokens,
    toolCalls: Object.fromEntries(toolCalls),
    ...addUnits(first.units, second.units),
  };
}

function addUnits(first: UnitCounts = {}, second: UnitCounts = {}): { units?: UnitCounts } {
  const sums = new Map<string, number>();
  for (const counts of [first, second]) {
    for (const [unit, count] of Object.entries(counts)) {
      sums.set(unit, (sums.get(unit) ?? 0) + count);
    }
  }
  return sums.size === 0 ? {} : { units: Object.fromEntries(sums) };
}
