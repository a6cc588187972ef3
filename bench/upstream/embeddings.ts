/**
 * Deterministic embeddings: the same text always has the same unit vector, different texts have
 * different ones, and both encodings carry the same 32-bit values.
 */

import type { JsonObject } from "./json.ts";
import { invalidRequest, type OpenaiError } from "./openai-error.ts";
import { promptTokensOf } from "./usage.ts";

/** Small by default, so that an answer can be read; clients ask for what they need. */
const dimensionsDefault = 256;
const dimensionsMax = 3_072;
const inputsMax = 2_048;

/** What is asked of the embeddings endpoint. */
type EmbeddingRequest = {
  /** One seed text for each input; tokens given as numbers are their decimal text. */
  readonly inputs: readonly string[];
  readonly promptTokens: number;
  readonly dimensions: number;
  readonly encoding: "float" | "base64";
};

/** The request, or why it is refused. */
export function readEmbeddingRequest(body: JsonObject): EmbeddingRequest | OpenaiError {
  const dimensions = body["dimensions"] ?? dimensionsDefault;
  if (!isWhole(dimensions) || dimensions < 1 || dimensions > dimensionsMax) {
    return invalidRequest(
      `'dimensions' must be a whole number from 1 to ${dimensionsMax}.`,
      "dimensions",
    );
  }
  const encoding = body["encoding_format"] ?? "float";
  if (encoding !== "float" && encoding !== "base64") {
    return invalidRequest("'encoding_format' must be 'float' or 'base64'.", "encoding_format");
  }
  const inputs = readInputs(body["input"]);
  if (inputs === undefined) {
    return invalidRequest(
      `'input' must be a text, or a list of 1 to ${inputsMax} texts or lists of tokens.`,
      "input",
    );
  }
  const promptTokens = inputs.reduce((sum, input) => sum + input.tokens, 0);
  return { inputs: inputs.map((input) => input.seed), promptTokens, dimensions, encoding };
}

/** The body of the answer; the caller knows the model's name and the usage to report. */
export function embeddingList(request: EmbeddingRequest, model: string, usage: object | undefined) {
  const data = request.inputs.map((seed, index) => {
    const vector = vectorOf(seed, request.dimensions);
    const embedding =
      request.encoding === "float"
        ? Array.from(vector)
        : Buffer.from(vector.buffer).toString("base64");
    return { object: "embedding", index, embedding };
  });
  return { object: "list", data, model, ...(usage === undefined ? {} : { usage }) };
}

type Input = { readonly seed: string; readonly tokens: number };

/** Every form that OpenAI takes: a text, tokens, or a list of either; undefined for others. */
function readInputs(input: unknown): Input[] | undefined {
  if (typeof input === "string") {
    return [textInput(input)];
  }
  if (!Array.isArray(input) || input.length === 0) {
    return undefined;
  }
  if (input.every(isWhole)) {
    return [{ seed: input.join(","), tokens: input.length }];
  }
  const inputs: Input[] = [];
  for (const item of input) {
    if (typeof item === "string") {
      inputs.push(textInput(item));
    } else if (Array.isArray(item) && item.length > 0 && item.every(isWhole)) {
      inputs.push({ seed: item.join(","), tokens: item.length });
    }
  }
  return inputs.length === input.length && inputs.length <= inputsMax ? inputs : undefined;
}

function textInput(text: string): Input {
  return { seed: text, tokens: promptTokensOf(text.length) };
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}

/** A unit vector from a xorshift generator that is seeded with the text's hash. */
function vectorOf(seed: string, dimensions: number): Float32Array {
  let state = Bun.hash.xxHash32(seed) | 1;
  const raw: number[] = [];
  let squares = 0;
  for (let index = 0; index < dimensions; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const value = state / 2_147_483_648;
    raw.push(value);
    squares += value * value;
  }
  const length = Math.sqrt(squares) || 1;
  return Float32Array.from(raw, (value) => value / length);
}
