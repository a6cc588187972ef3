/**
 * Who can be asked on the surface that the client called: a provider answers in its own wire language
 * alone, because what clients get are its own bytes.
 */
import { type Surface, SURFACES } from "../../dialects/surfaces.ts";
import type { ProviderRow } from "../../store/contract.ts";
import type { Candidate } from "../resolve.ts";
import type { Ask } from "./ask.ts";
import { keep, type Left } from "./left.ts";

export function onSurface(
  candidates: readonly Candidate[],
  { request: { surface } }: Ask,
  left: Left[],
): readonly Candidate[] {
  const isForeign = ({ provider }: Candidate): boolean => !speaks(provider.row, surface);
  if (!candidates.some(isForeign)) return candidates;
  return keep(candidates, (candidate) => (isForeign(candidate) ? "surface" : null), left);
}

function speaks({ dialect }: ProviderRow, surface: Surface): boolean {
  return dialect === SURFACES[surface].dialect;
}
