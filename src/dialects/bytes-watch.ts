/**
 * Watches an answer of bytes without events, such as sound: it has begun with its first byte, and is
 * complete when its body has come to its proper end. Nothing in it is looked at, and nothing of ours may
 * be put into it: one that breaks off can only be broken off towards the client.
 */
import type { StreamWatch } from "./contract.ts";
import type { GeneratedOutput } from "./usage-contract.ts";

/** Sound and pictures have no text, and so no tokens that could be seen. */
export const NOTHING_SEEN: GeneratedOutput = {
  tokens: 0,
  pieces: 0,
  textBytes: 0,
  keptBytes: 0,
  text: () => "",
};

export function watchBytes(): StreamWatch {
  let hasContent = false;
  let hasEnded = false;
  return {
    isBytes: true,
    push: (chunk) => {
      hasContent ||= chunk.length > 0;
      return chunk.length > 0 ? [chunk] : [];
    },
    bodyEnded: () => {
      hasEnded = true;
      return [];
    },
    hasContent: () => hasContent,
    hasEnded: () => hasEnded,
    failure: () => null,
    usage: () => null,
    isUsageFinal: () => false,
    output: () => NOTHING_SEEN,
    lengthEnding: () => new Uint8Array(0),
  };
}
