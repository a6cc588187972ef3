/**
 * A chat completion in both of its forms, shaped exactly as OpenAI's: one JSON object, or a stream
 * of chunks (opening chunk with the role, one chunk per token, closing chunk with the reason, usage
 * chunk without choices when asked for, `[DONE]`).
 */

import type { Choice } from "./chat-choices.ts";
import type { Received } from "./received.ts";
import type { Script } from "./script-members.ts";
import { stall, type Step } from "./stream-pump.ts";
import { chatUsage, type ReportedUsage, reportedUsage } from "./usage.ts";

/** All that both forms of an answer are made of. */
export type ChatAnswer = {
  readonly received: Received;
  readonly script: Script;
  readonly model: string;
  readonly createdAtSeconds: number;
  readonly choices: readonly Choice[];
  readonly includeUsage: boolean;
};

const fingerprintDefault = "fp_simulated";

function completionId(received: Received): string {
  return `chatcmpl-sim${String(received.number).padStart(21, "0")}`;
}

/** What the answer reports as used after all its tokens; undefined when the script omits it. */
function usageOf(answer: ChatAnswer): ReportedUsage | undefined {
  const { received, script } = answer;
  return script.omit_usage === true
    ? undefined
    : reportedUsage(received.promptTokens, received.tokensGenerated, script);
}

/** The plain answer; every token counts as generated from here on. */
export function chatCompletion(answer: ChatAnswer): { value: object; usage?: ReportedUsage } {
  const { received, script, choices } = answer;
  received.tokensGenerated = choices.reduce((sum, choice) => sum + choice.tokens, 0);
  const usage = usageOf(answer);
  const value = {
    id: completionId(received),
    object: "chat.completion",
    created: answer.createdAtSeconds,
    model: answer.model,
    choices: choices.map((choice, index) => ({
      index,
      message: choice.message(),
      logprobs: null,
      finish_reason: choice.finishReason,
    })),
    ...(usage === undefined ? {} : { usage: chatUsage(usage, script) }),
    service_tier: "default",
    system_fingerprint: script.fingerprint ?? fingerprintDefault,
  };
  return usage === undefined ? { value } : { value, usage };
}

/** What OpenAI sends when it fails in the middle of a stream. */
const errorFrame =
  'data: {"error":{"message":"The server had an error while processing your request. Sorry about ' +
  'that!","type":"server_error","param":null,"code":null}}\n\n';

/** The streamed answer, each step only when it is due: tokens count as they are generated. */
export function* chatSteps(answer: ChatAnswer): Generator<Step, void> {
  const { received, script, choices } = answer;
  const head = frameHead(answer);
  const usageMember = answer.includeUsage ? ',"usage":null' : "";
  const frame = (index: number, delta: string, finish: string): string =>
    `${head}{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${finish}}]${usageMember}}\n\n`;

  yield* stepsBeforeFirstToken(script);
  for (const [index, choice] of choices.entries()) {
    yield frame(index, choice.openingDelta, "null");
  }
  const length = choices.reduce((longest, choice) => Math.max(longest, choice.tokens), 0);
  for (let position = 0; position <= length; position += 1) {
    // Before token `position`, so that exactly that many have been sent; also after the last one.
    if (position === script.stall_after) {
      yield stall;
    }
    if (position === script.error_after) {
      yield errorFrame;
      return;
    }
    if (position > 0 && position < length && script.token_delay_ms !== undefined) {
      yield script.token_delay_ms;
    }
    for (const [index, choice] of choices.entries()) {
      if (position < choice.tokens) {
        received.tokensGenerated += 1;
        yield frame(index, choice.deltaAt(position), "null");
      }
    }
  }
  for (const [index, choice] of choices.entries()) {
    yield frame(index, "{}", JSON.stringify(choice.finishReason));
  }
  yield* endSteps(answer, head);
}

/** Silence, or comments as OpenRouter sends them while it waits for a model. */
function* stepsBeforeFirstToken(script: Script): Generator<Step, void> {
  const { first_token_delay_ms: delayMs, comment_every_ms: everyMs = Infinity } = script;
  if (delayMs === undefined) {
    return;
  }
  let leftMs = delayMs;
  for (; leftMs > everyMs; leftMs -= everyMs) {
    yield everyMs;
    yield ": PROCESSING\n\n";
  }
  yield leftMs;
}

/** Usage and terminator, as far as the client asked and the script lets them. */
function* endSteps(answer: ChatAnswer, head: string): Generator<Step, void> {
  const { script } = answer;
  const usage = answer.includeUsage ? usageOf(answer) : undefined;
  if (usage !== undefined) {
    const frame = `${head}],"usage":${JSON.stringify(chatUsage(usage, script))}}\n\n`;
    yield { frame: script.usage_twice === true ? frame + frame : frame, usage };
  }
  if (script.omit_done !== true) {
    yield "data: [DONE]\n\n";
  }
}

/** What all chunks of a stream begin with, up to the list of choices. */
function frameHead(answer: ChatAnswer): string {
  const { received, script } = answer;
  const shared = JSON.stringify({
    id: completionId(received),
    object: "chat.completion.chunk",
    created: answer.createdAtSeconds,
    model: answer.model,
    service_tier: "default",
    system_fingerprint: script.fingerprint ?? fingerprintDefault,
  });
  return `data: ${shared.slice(0, -1)},"choices":[`;
}
