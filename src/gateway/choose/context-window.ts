/**
 * Models whose context is certainly too small for the input are passed over while another one is there:
 * they would only refuse. The last one is asked all the same, because its provider knows better.
 */
import type { ClientRequest } from "../../dialects/contract.ts";
import type { Candidate } from "../resolve.ts";
import type { Ask } from "./ask.ts";
import { keep, type Left } from "./left.ts";

/**
 * No text that means something has more bytes per token: long words repeated reach 14, deep indentation
 * 11 (gpt-tokenizer 4.0, o200k). Runs of a single character do, up to 128.
 */
const BYTES_PER_TOKEN_MOST = 16;

export function fittingInput(
  candidates: readonly Candidate[],
  { request }: Ask,
  left: Left[],
): readonly Candidate[] {
  if (candidates.length < 2) return candidates;
  const tokensLeast = inputTokensLeast(request);
  const isTooSmall = ({ price: { contextTokensMax } }: Candidate): boolean =>
    contextTokensMax !== null && contextTokensMax < tokensLeast;
  if (!candidates.some(isTooSmall) || candidates.every(isTooSmall)) return candidates;
  const reasonOf = (candidate: Candidate) => (isTooSmall(candidate) ? "context_window" : null);
  return keep(candidates, reasonOf, left);
}

/** The input has at least so many tokens; sound and files in base64 take many bytes for each. */
function inputTokensLeast({ textBytes, modalities, hasUnsized }: ClientRequest): number {
  const isMeasured = !hasUnsized && !modalities.includes("audio") && !modalities.includes("file");
  return isMeasured ? Math.floor(textBytes / BYTES_PER_TOKEN_MOST) : 0;
}
