/**
 * What models say and are shown: tools, refusals, limits, schemas and pictures, on the surfaces that generate
 * text. Answers are shaped as the API references of OpenAI, Anthropic and Google have them (2026-11).
 */
import {
  LENGTH_STREAM as MESSAGE_LENGTH,
  message,
  REFUSAL_STREAM as MESSAGE_REFUSAL,
  STRUCTURED_STREAM as MESSAGE_STRUCTURED,
  THINKING_TOOLS_STREAM as MESSAGE_TOOLS,
} from "./anthropic-answers.ts";
import { type Content, event, type Example, inPath, plain, SSE_TYPE, streamed } from "./example.ts";
import { BLOCKED, FRAMINGS, response, type Shape, STOP, TOOLS } from "./google-answers.ts";
import {
  LENGTH_STREAM as RESPONSE_LENGTH,
  PLAIN,
  REFUSAL_STREAM as RESPONSE_REFUSAL,
  STRUCTURED_STREAM as RESPONSE_STRUCTURED,
  TOOLS_STREAM as RESPONSE_TOOLS,
} from "./responses-answers.ts";

const BOTH_TOOLS: readonly Content[] = ["tools", "parallel_tools"];
const PNG = "iVBORw0KGgo=".repeat(40);

/** 1,000 nano-dollars a token read, 2,000 one written. */
const cost = (read: number, written: number): number => read * 1_000 + written * 2_000;

const ASKED = '"messages":[{"role":"user","content":"hi"}]';
const USAGE_ASKED = ',"stream_options":{"include_usage":true}';
const FUNCTIONS = `${ASKED},"tools":[{"type":"function","function":{"name":"get_weather","parameters":{}}}]`;
const SCHEMA = `${ASKED},"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}`;
const SEEING = `"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,${PNG}"}}]}]`;

const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };

function chat(said: object, reason: string): string {
  const told = { role: "assistant", content: null, refusal: null, ...said };
  const choices = [{ index: 0, message: told, logprobs: null, finish_reason: reason }];
  return JSON.stringify({ id: "chatcmpl-2", object: "chat.completion", choices, usage: USAGE });
}

const chunk = (choices: readonly object[], more: object = {}): string =>
  event({ id: "chatcmpl-2", object: "chat.completion.chunk", choices, ...more });

function chatStream(deltas: readonly object[], reason: string): string {
  const said = [{ role: "assistant", content: null }, ...deltas].map((delta) =>
    chunk([{ index: 0, delta, finish_reason: null }]),
  );
  const finish = chunk([{ index: 0, delta: {}, finish_reason: reason }]);
  return `${said.join("")}${finish}${chunk([], { usage: USAGE })}data: [DONE]\n\n`;
}

const call = (index: number, city: string) => ({
  index,
  id: `call_${index}`,
  type: "function",
  function: { name: "get_weather", arguments: JSON.stringify({ city }) },
});
const CALLS = [call(0, "Zürich"), call(1, "東京")];

/** The same asked for plain and streamed. */
function chatExamples(
  name: string,
  shows: readonly Content[],
  asked: string,
  said: object,
  reason: string,
): readonly Example[] {
  const told = { costNanoUsd: cost(9, 3), shows };
  return [
    plain(asked, chat(said, reason), { name, ...told }),
    streamed(asked + USAGE_ASKED, chatStream([said], reason), {
      name: `${name}, streamed`,
      ...told,
    }),
  ];
}

export const CHAT_CONTENTS: readonly Example[] = [
  ...chatExamples("two tools", BOTH_TOOLS, FUNCTIONS, { tool_calls: CALLS }, "tool_calls"),
  ...chatExamples("a refusal", ["refusal"], ASKED, { refusal: "I won't: 🙂" }, "stop"),
  ...chatExamples("a length stop", ["length_stop"], ASKED, { content: "Grü" }, "length"),
  ...chatExamples(
    "structured output",
    ["structured_output"],
    SCHEMA,
    { content: '{"city":"Zürich"}' },
    "stop",
  ),
  ...chatExamples("a picture", ["image_input"], SEEING, { content: "A cat." }, "stop"),
];

const LIMITED = `"max_tokens":64,${ASKED}`;
const MESSAGE_IMAGE = `"max_tokens":64,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"${PNG}"}}]}]`;

export const MESSAGE_CONTENTS: readonly Example[] = [
  streamed(`${LIMITED},"tools":[{"name":"get_weather","input_schema":{}}]`, MESSAGE_TOOLS, {
    name: "thinking and two tools",
    // Of the 2,472 tokens read the cache had 2,000, which have no price of their own here.
    costNanoUsd: cost(2_472, 89),
    shows: BOTH_TOOLS,
  }),
  streamed(LIMITED, MESSAGE_REFUSAL, {
    name: "a refusal",
    costNanoUsd: cost(18, 5),
    shows: ["refusal"],
  }),
  streamed(LIMITED, MESSAGE_LENGTH, {
    name: "a length stop",
    costNanoUsd: cost(25, 2),
    shows: ["length_stop"],
  }),
  streamed(`${LIMITED},"output_config":{"format":{"type":"json_schema"}}`, MESSAGE_STRUCTURED, {
    name: "structured output",
    costNanoUsd: cost(25, 12),
    shows: ["structured_output"],
  }),
  plain(
    MESSAGE_IMAGE,
    message([{ type: "text", text: "A cat." }], "end_turn", { input_tokens: 1_600 }),
    { name: "a picture", costNanoUsd: cost(1_600, 1), shows: ["image_input"] },
  ),
];

const INPUT = '"input":"hi"';
export const INPUT_IMAGE = `"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,${PNG}"}]}]`;

export const RESPONSE_CONTENTS: readonly Example[] = [
  streamed(`${INPUT},"tools":[{"type":"function","name":"get_weather"}]`, RESPONSE_TOOLS, {
    name: "reasoning and two tools",
    costNanoUsd: cost(472, 89),
    shows: BOTH_TOOLS,
  }),
  streamed(INPUT, RESPONSE_REFUSAL, {
    name: "a refusal",
    costNanoUsd: cost(18, 5),
    shows: ["refusal"],
  }),
  streamed(`${INPUT},"max_output_tokens":16`, RESPONSE_LENGTH, {
    name: "a length stop",
    costNanoUsd: cost(25, 16),
    shows: ["length_stop"],
  }),
  streamed(`${INPUT},"text":{"format":{"type":"json_schema"}}`, RESPONSE_STRUCTURED, {
    name: "structured output",
    costNanoUsd: cost(25, 15),
    shows: ["structured_output"],
  }),
  plain(INPUT_IMAGE, JSON.stringify(PLAIN.text), {
    name: "a picture",
    costNanoUsd: cost(25, 15),
    shows: ["image_input"],
  }),
];

const HI = '"contents":[{"parts":[{"text":"hi"}]}]';
const SHOWN = `"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"${PNG}"}}]}]`;
const CUT_SHORT = response([{ text: "Grü" }], { candidate: { finishReason: "MAX_TOKENS" } });

type Said = readonly [
  name: string,
  shows: readonly Content[],
  asked: string,
  answer: Shape,
  costNanoUsd: number,
];

/** Thoughts are output: 4 and 7 written. */
const GEMINI: readonly Said[] = [
  [
    "two tools",
    BOTH_TOOLS,
    `${HI},"tools":[{"functionDeclarations":[{"name":"get_weather"},{"name":"get_time"}]}]`,
    TOOLS,
    cost(9, 11),
  ],
  ["a blocked prompt", ["refusal"], HI, BLOCKED, cost(9, 0)],
  ["a length stop", ["length_stop"], HI, CUT_SHORT, cost(9, 11)],
  [
    "structured output",
    ["structured_output"],
    `${HI},"generationConfig":{"responseMimeType":"application/json"}`,
    response([{ text: '{"city":"Köln"}' }], STOP),
    cost(9, 11),
  ],
  ["a picture", ["image_input"], SHOWN, response([{ text: "A cat." }], STOP), cost(9, 11)],
];

export const GEMINI_CONTENTS: readonly Example[] = GEMINI.map(
  ([name, shows, asked, answer, costNanoUsd]) =>
    inPath(asked, JSON.stringify(answer), { name, shows, costNanoUsd }),
);

export const GEMINI_STREAM_CONTENTS: readonly Example[] = GEMINI.map(
  ([name, shows, asked, answer, costNanoUsd]) =>
    inPath(asked, FRAMINGS[0].closed([answer]), {
      name: `${name}, streamed`,
      shows,
      costNanoUsd,
      query: FRAMINGS[0].query,
      kind: "events",
      contentType: SSE_TYPE,
    }),
);
