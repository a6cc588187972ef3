/** What surfaces of this dialect check and read of a body in the same way, and word as OpenAI does. */
import { endUserWord } from "../end-user.ts";
import { type Refused, refuseModelName, wrong } from "../json-body.ts";
import { isObject, type JsonObject } from "../json.ts";
import { END_USER_MEMBERS, INCLUDE_USAGE } from "./members.ts";

export const TOKENS_MAX = 2 ** 31 - 1;
export const CHOICES_MAX = 128;

export function refuseModel(model: unknown): Refused | null {
  if (model === undefined || model === null) return missing("model");
  if (typeof model !== "string") return wrong("'model' must be a string.", "model");
  if (model === "") return wrong("'model' must not be empty.", "model");
  return refuseModelName(model);
}

/** As OpenAI, we take null for an absent optional member (types of openai-node 7.55, 2026-11). */
export function refuseStream(body: JsonObject): Refused | null {
  const stream = body["stream"] ?? false;
  if (typeof stream !== "boolean") return wrong("'stream' must be a boolean.", "stream");
  const options = body["stream_options"] ?? {};
  if (!isObject(options)) return wrong("'stream_options' must be an object.", "stream_options");
  const asked = options[INCLUDE_USAGE] ?? false;
  const name = `stream_options.${INCLUDE_USAGE}`;
  return typeof asked === "boolean" ? null : wrong(`'${name}' must be a boolean.`, name);
}

export function refuseNumber(body: JsonObject, name: string, max: number, min = 1): Refused | null {
  const value = body[name] ?? min;
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max)
    return null;
  return wrong(`'${name}' must be an integer from ${min} to ${max}.`, name);
}

export function missing(name: string): Refused {
  return wrong(`Missing required parameter: '${name}'.`, name);
}

export function asksUsage(body: JsonObject): boolean {
  const options = body["stream_options"];
  return body["stream"] === true && isObject(options) && options[INCLUDE_USAGE] === true;
}

/** For whom the client asks; null: it does not say. */
export function endUserOf(body: JsonObject): string | null {
  return endUserWord(END_USER_MEMBERS.map((member) => body[member]));
}

/** One plain answer, and nothing in it is generated. */
export const NOTHING_MADE = {
  stream: false,
  usageAsked: false,
  outputTokensMax: null,
  choices: 1,
  generates: false,
} as const;

/** The body is all of the input: nothing in it has a size of its own, and no tool brings more. */
export const ALL_SHOWN = {
  images: 0,
  hasUnsized: false,
  offersTools: false,
  toolCallsMax: {},
} as const;
