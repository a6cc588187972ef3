/**
 * The counting thread: how many tokens a prompt and an answer have, by OpenAI's newest encoding. The
 * only importer of the tokenizer, which takes 65 MB and 250 ms to load and is quadratic on hostile
 * text; the event loop has neither to spare.
 */
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { cutRuns } from "./cut-runs.ts";
import { promptText } from "./prompt-text.ts";
import type { CountAnswer, CountQuestion } from "./protocol.ts";

declare const self: Worker;

self.addEventListener("message", (event: MessageEvent<string>) => {
  const { id, body, output } = JSON.parse(event.data) as CountQuestion;
  const prompt = body === null ? null : promptText(body);
  const answer: CountAnswer = {
    id,
    inputTokens: prompt === null ? null : sumOf(prompt.texts) + prompt.otherTokens,
    outputTokens: tokensOf(output),
  };
  self.postMessage(JSON.stringify(answer));
});

/** Words of a model's control language count as the plain text that they are here. */
const AS_TEXT = { disallowedSpecial: new Set<string>() } as const;

function sumOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + tokensOf(text), 0);
}

function tokensOf(text: string): number {
  return cutRuns(text).reduce((sum, piece) => sum + countTokens(piece, AS_TEXT), 0);
}
