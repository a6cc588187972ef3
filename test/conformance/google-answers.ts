/**
 * Answers shaped like Gemini's: the API reference (ai.google.dev/api/generate-content, 2026-11), and for
 * streams the two recordings in simonw/llm-gemini issue 97. Ids, texts and counts are invented.
 */
import { UPSTREAM_MODEL } from "./stage.ts";

export type Shape = Readonly<Record<string, unknown>>;

const USAGE = {
  promptTokenCount: 9,
  candidatesTokenCount: 4,
  totalTokenCount: 20,
  promptTokensDetails: [{ modality: "TEXT", tokenCount: 9 }],
  thoughtsTokenCount: 7,
};

/** One response: `parts` of the only candidate, and whatever else it says. */
export function response(parts: readonly object[], more: Shape = {}): Shape {
  const { candidate = {}, ...rest } = more;
  return {
    candidates: [{ content: { parts, role: "model" }, index: 0, ...(candidate as Shape) }],
    usageMetadata: USAGE,
    modelVersion: UPSTREAM_MODEL,
    responseId: "AdVRaMmDCYekqtsPrb_-iAw",
    ...rest,
  };
}

export const STOP: Shape = { candidate: { finishReason: "STOP" } };

/** Pretty-printed as Google does, with members and numbers that nobody knows. */
export const TEXT = `{
  "candidates": [
    {
      "content": {
        "parts": [{"text": "Grüße 🙂", "thoughtSignature": "CiQB"}],
        "role": "model"
      },
      "finishReason": "STOP",
      "index": 0,
      "avgLogprobs": -0.10, "x_unknown": [1.0, null]
    }
  ],
  "usageMetadata": ${JSON.stringify(USAGE)},
  "modelVersion": "${UPSTREAM_MODEL}",
  "responseId": "AdVRaMmDCYekqtsPrb_-iAw"
}
`;

export const TOOLS: Shape = response(
  [
    { functionCall: { name: "get_weather", args: { city: "Köln" } }, thoughtSignature: "CiQC" },
    { functionCall: { name: "get_time", args: { city: "Köln" } } },
  ],
  STOP,
);

/** A prompt that was blocked: nothing was generated. */
export const BLOCKED: Shape = {
  promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
  usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 },
  modelVersion: UPSTREAM_MODEL,
};

export const UNAVAILABLE: Shape = {
  error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" },
};

/** Two thoughts, text in pieces, and the finish; usage counts up from response to response. */
export const STREAMED: readonly Shape[] = [
  response([{ text: "Thinking about it.", thought: true }], { usageMetadata: counted(0) }),
  response([{ text: "Grü" }], { usageMetadata: counted(1) }),
  response([{ text: 'ße \u{1f642} "quoted" \\ ] } ' }], { usageMetadata: counted(2) }),
  response([{ text: "" }], { ...STOP, usageMetadata: counted(4), x_unknown: { a: 1 } }),
];

function counted(candidatesTokenCount: number): Shape {
  const totalTokenCount = USAGE.promptTokenCount + candidatesTokenCount + USAGE.thoughtsTokenCount;
  return { ...USAGE, candidatesTokenCount, totalTokenCount };
}

export type Framed = {
  readonly name: "server-sent events" | "a JSON array";
  readonly query: string;
  readonly contentType: string;
  /** Responses as the provider sends them, without what ends them. */
  readonly open: (responses: readonly Shape[]) => string;
  readonly closed: (responses: readonly Shape[]) => string;
  /** What a client reads. */
  readonly read: (text: string) => readonly Shape[];
};

const EVENTS: Framed = {
  name: "server-sent events",
  query: "?alt=sse",
  contentType: "text/event-stream",
  open: (responses) => responses.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join(""),
  closed: (responses) => EVENTS.open(responses),
  read: (text) =>
    text
      .split(/\r?\n\r?\n/u)
      .filter((event) => event.startsWith("data: "))
      .map((event) => JSON.parse(event.slice("data: ".length)) as Shape),
};

const ARRAY: Framed = {
  name: "a JSON array",
  query: "",
  contentType: "application/json; charset=UTF-8",
  open: (responses) => `[${responses.map((one) => JSON.stringify(one, null, 2)).join("\n,\r\n")}`,
  closed: (responses) => `${ARRAY.open(responses)}\n]\n`,
  read: (text) => JSON.parse(text) as readonly Shape[],
};

/** Both ways in which Google holds a stream together. */
export const FRAMINGS = [EVENTS, ARRAY] as const;
