/** How a provider is protected and held to account: what comes in, what is kept, what is shown. */
import type { ProviderRow } from "../store/contract.ts";
import type { Identity } from "./provider-identity.ts";
import type { Provider, ProviderChange } from "./shapes/provider.ts";

type ProviderTerms = ProviderRow["terms"];

type TermsInput = Pick<
  ProviderChange,
  "breaker" | "throughput_min" | "queue" | "company" | "parameters" | "authentication" | "surfaces"
>;

/**
 * The terms after an edit, undefined when it names none; null clears a member. `identity` has been
 * checked as a whole; `moreSealed` are the further credentials as they are kept.
 */
export function editedTerms(
  current: ProviderTerms,
  input: TermsInput,
  { terms: identity }: Pick<Identity, "terms">,
  moreSealed: readonly string[] | null | undefined,
): ProviderTerms | undefined {
  const { breaker, throughput_min: throughput, queue } = input;
  const named = {
    moreCredentialsSealed: moreSealed,
    breakerForced: breaker === "auto" ? null : breaker,
    throughputMin: throughput && {
      tokensPerSecond: throughput.tokens_per_second,
      overMs: throughput.over_ms,
    },
    queue: queue && { waitingMax: queue.waiting_max, waitMs: queue.wait_ms },
  };
  const edits = Object.entries(named).filter(([, value]) => value !== undefined);
  const isIdentityNamed = IDENTITY.some((member) => input[member] !== undefined);
  if (edits.length === 0 && !isIdentityNamed) return undefined;
  const others = Object.entries(current).filter(([name]) => !IDENTITY.some((own) => own === name));
  const entries = Object.entries({
    ...Object.fromEntries(others),
    ...identity,
    ...Object.fromEntries(edits),
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== null)) as ProviderTerms;
}

const IDENTITY = ["company", "parameters", "authentication", "surfaces"] as const;

export function credentialCount({ credentialSealed, terms }: ProviderRow): number {
  return (credentialSealed === null ? 0 : 1) + (terms.moreCredentialsSealed?.length ?? 0);
}

export function showTerms({
  breakerForced,
  throughputMin,
  queue,
}: ProviderTerms): Pick<Provider, "breaker" | "throughput_min" | "queue"> {
  return {
    breaker: breakerForced ?? "auto",
    throughput_min:
      throughputMin === undefined
        ? null
        : { tokens_per_second: throughputMin.tokensPerSecond, over_ms: throughputMin.overMs },
    queue: queue === undefined ? null : { waiting_max: queue.waitingMax, wait_ms: queue.waitMs },
  };
}
