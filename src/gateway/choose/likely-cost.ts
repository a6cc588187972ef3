/**
 * What this request would likely cost at each target: its input by its size, and the output that such
 * requests of the access token usually need, at each price.
 */
import { ALLOWANCE_TOKENS_DEFAULT } from "../../../actors/policy/learned-output.ts";
import { knownOutputTokens } from "../../../actors/tenant.ts";
import type { NanoUsd } from "../../base/units.ts";
import { likelyNanoUsd } from "../estimate.ts";
import type { Ask } from "./ask.ts";
import type { Group } from "./target-group.ts";

export function likelyCosts(groups: readonly Group[], ask: Ask): readonly NanoUsd[] {
  const { tenant, tokenId, request } = ask;
  const known = groups.map(({ lanes: [{ model }] }) =>
    tenant === null ? null : knownOutputTokens(tenant, tokenId, model),
  );
  // A model that has not answered yet is taken to be as wordy as the wordiest that has: who is known
  // to be brief must not look cheaper than who is not known at all.
  const wordiest = known.reduce((most, one) => ((one ?? -1) > (most ?? -1) ? one : most), null);
  return groups.map(({ lanes: [candidate] }, place) => {
    return likelyNanoUsd(request, candidate, known[place] ?? wordiest ?? ALLOWANCE_TOKENS_DEFAULT);
  });
}
