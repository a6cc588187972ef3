/**
 * Who can be asked on the surface that the client called: a provider answers in its own wire language
 * alone, because what clients get are its own bytes, and only what its company serves and its operator
 * allows.
 */
import type { Candidate } from "../resolve.ts";
import type { Ask } from "./ask.ts";
import { keep, type Left } from "./left.ts";

export function onSurface(
  candidates: readonly Candidate[],
  { request: { surface } }: Ask,
  left: Left[],
): readonly Candidate[] {
  const isForeign = ({ provider }: Candidate): boolean => !provider.surfaces.has(surface);
  if (!candidates.some(isForeign)) return candidates;
  return keep(candidates, (candidate) => (isForeign(candidate) ? "surface" : null), left);
}
