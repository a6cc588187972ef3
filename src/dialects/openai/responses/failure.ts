/** Errors that a response, or an event of its stream, tells of, as the body of a refusal would tell them. */
import type { AnswerFailure } from "../../contract.ts";
import type { JsonObject } from "../../json.ts";
import { failureOf } from "../chunk.ts";

export function failureOfError(error: JsonObject): AnswerFailure {
  const body = { error };
  const text = JSON.stringify(body);
  return failureOf(body, text) ?? { body: text, status: null };
}
