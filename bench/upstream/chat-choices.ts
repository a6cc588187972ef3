/**
 * What a chat completion says: for each choice a number of tokens, each of which is one delta of a
 * stream, and the message that the same deltas add up to. Both forms come from one description, so
 * a stream and a plain answer to the same request say the same.
 */

import type { ChatRequest, Tool } from "./chat-request.ts";
import { sampleOf } from "./schema-sample.ts";
import type { Script } from "./script-members.ts";
import { piecesOf, plainStyle, textOf, type TextStyle, tokenText } from "./text.ts";

type FinishReason = "stop" | "length" | "tool_calls" | "content_filter";

/** One choice, told in tokens; nothing of it is generated before it is asked for. */
export type Choice = {
  /** How many it has, after the output limit cut it. */
  readonly tokens: number;
  /** JSON of the delta that opens the choice in a stream. */
  readonly openingDelta: string;
  /** JSON of the delta that carries token `position`, from 0. */
  readonly deltaAt: (position: number) => string;
  /** What all deltas add up to. */
  readonly message: () => object;
  readonly finishReason: FinishReason;
};

const textOpening = '{"role":"assistant","content":"","refusal":null}';
const toolOpening = '{"role":"assistant","content":null}';
const refusalText = "I'm sorry, but I can't help with that.";

/**
 * All choices of an answer, described once: they differ in nothing but the ids of tool calls.
 * `echoText` is what `echo=1` answers.
 */
export function chatChoices(
  request: ChatRequest,
  script: Script,
  tokensWanted: number,
  echoText: () => string,
): Choice[] {
  const indexes = Array.from({ length: request.choices }, (_, index) => index);
  const tools = script.refusal === true ? [] : toolsToCall(request, script);
  if (tools.length > 0) {
    const pieces = toolPieces(tools);
    return indexes.map((index) => toolChoice(tools, pieces, index, request.outputTokensMax));
  }
  const choice = wordedChoice(request, script, tokensWanted, echoText);
  return indexes.map(() => choice);
}

/** The order of precedence when a script asks for several things at once. */
function wordedChoice(
  request: ChatRequest,
  script: Script,
  tokensWanted: number,
  echoText: () => string,
): Choice {
  const { responseFormat } = request;
  const tokensMax =
    script.ignore_max_tokens === true ? Number.POSITIVE_INFINITY : request.outputTokensMax;
  if (script.refusal === true) {
    return piecesChoice("refusal", piecesOf(refusalText), tokensMax, script);
  }
  if (script.echo === true) {
    return piecesChoice("content", piecesOf(echoText()), tokensMax, script);
  }
  if (responseFormat.kind === "json") {
    const json = JSON.stringify(sampleOf(responseFormat.schema));
    return piecesChoice("content", piecesOf(json), tokensMax, script);
  }
  return textChoice(tokensWanted, tokensMax, script);
}

/** One entry for each call to make, over the tools on offer in turn; none to answer with text. */
function toolsToCall(request: ChatRequest, script: Script): readonly Tool[] {
  const { tools, forcedTool } = request;
  // A scripted call is made once: after the tool's answer comes the text, or agents would never end.
  const scripted =
    !request.endsWithToolAnswer &&
    (script.tool ?? (script.parallel_tools === undefined ? "0" : "1")) !== "0";
  if (tools.length === 0 || (!scripted && forcedTool === false)) {
    return [];
  }
  const name = typeof forcedTool === "string" ? forcedTool : script.tool;
  const first = Math.max(
    0,
    tools.findIndex((tool) => tool.name === name),
  );
  const called: Tool[] = [];
  for (let call = 0; call < (script.parallel_tools ?? 1); call += 1) {
    called.push(tools[(first + call) % tools.length] ?? { name: "", parameters: {} });
  }
  return called;
}

/** A cut answer says so before anything else, as OpenAI's does. */
function finishReason(wanted: number, tokensMax: number, script: Script): FinishReason {
  if (wanted > tokensMax) {
    return "length";
  }
  return script.content_filter === true ? "content_filter" : "stop";
}

/** Deltas of plain and of unicode words, by position: benchmarks stream the same ones endlessly. */
const wordDeltas = new Map<boolean, Map<number, string>>([
  [false, new Map()],
  [true, new Map()],
]);
const wordDeltasMax = 4_096;

function textDelta(position: number, style: TextStyle): string {
  if (style.tokenBytes !== undefined) {
    return JSON.stringify({ content: tokenText(position, style) });
  }
  const known = wordDeltas.get(style.unicode);
  const delta = known?.get(position) ?? JSON.stringify({ content: tokenText(position, style) });
  if (position < wordDeltasMax) {
    known?.set(position, delta);
  }
  return delta;
}

/** Words of the deterministic text, however many are wanted. */
function textChoice(wanted: number, tokensMax: number, script: Script): Choice {
  const tokens = Math.min(wanted, tokensMax);
  const style: TextStyle =
    script.unicode === undefined && script.token_bytes === undefined
      ? plainStyle
      : { unicode: script.unicode === true, tokenBytes: script.token_bytes };
  return {
    tokens,
    openingDelta: textOpening,
    deltaAt: (position) => textDelta(position, style),
    message: () => ({
      role: "assistant",
      content: textOf(0, tokens, style),
      refusal: null,
      annotations: [],
    }),
    finishReason: finishReason(wanted, tokensMax, script),
  };
}

/** A text that is given, in pieces that count as its tokens. */
function piecesChoice(
  member: "content" | "refusal",
  pieces: readonly string[],
  tokensMax: number,
  script: Script,
): Choice {
  const spoken = pieces.slice(0, tokensMax);
  return {
    tokens: spoken.length,
    openingDelta: textOpening,
    deltaAt: (position) => JSON.stringify({ [member]: spoken[position] }),
    message: () => ({
      role: "assistant",
      content: null,
      refusal: null,
      annotations: [],
      [member]: spoken.join(""),
    }),
    finishReason: finishReason(pieces.length, tokensMax, script),
  };
}

/** A token of a tool call: its opening with id and name, or a fragment of its arguments. */
type ToolPiece = { readonly call: number; readonly opens: boolean; readonly fragment: string };

function toolPieces(tools: readonly Tool[]): ToolPiece[] {
  // The same tool may be called many times; its schema comes from the client and is costly.
  const fragmentsOf = new Map<Tool, readonly string[]>();
  return tools.flatMap((tool, call): ToolPiece[] => {
    const fragments =
      fragmentsOf.get(tool) ?? piecesOf(JSON.stringify(sampleOf(tool.parameters) ?? {}));
    fragmentsOf.set(tool, fragments);
    return [
      { call, opens: true, fragment: "" },
      ...fragments.map((fragment) => ({ call, opens: false, fragment })),
    ];
  });
}

function toolChoice(
  tools: readonly Tool[],
  pieces: readonly ToolPiece[],
  choice: number,
  tokensMax: number,
): Choice {
  const tokens = Math.min(pieces.length, tokensMax);
  const called = (call: number, args: string) => ({
    id: `call_sim${String(choice * 1_000 + call).padStart(21, "0")}`,
    type: "function",
    function: { name: tools[call]?.name ?? "", arguments: args },
  });
  return {
    tokens,
    openingDelta: toolOpening,
    deltaAt: (position) => {
      const piece = pieces[position] ?? { call: 0, opens: false, fragment: "" };
      const index = piece.call;
      const toolCall = piece.opens
        ? { index, ...called(index, "") }
        : { index, function: { arguments: piece.fragment } };
      return JSON.stringify({ tool_calls: [toolCall] });
    },
    message: () => {
      const texts: string[] = [];
      for (const piece of pieces.slice(0, tokens)) {
        texts[piece.call] = (texts[piece.call] ?? "") + piece.fragment;
      }
      const toolCalls = texts.map((text, call) => called(call, text));
      return {
        role: "assistant",
        content: null,
        refusal: null,
        annotations: [],
        tool_calls: toolCalls,
      };
    },
    finishReason: pieces.length > tokensMax ? "length" : "tool_calls",
  };
}
