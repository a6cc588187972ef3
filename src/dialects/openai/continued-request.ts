/**
 * The body that asks a model to go on with an answer which broke off: the client's own bytes, with what
 * was answered so far as the last message, and the output limits lowered by it. Spliced, like every
 * body.
 *
 * Members by server (2026-11): `"prefix": true` in the last message at DeepSeek's beta address and at
 * Mistral; `continue_final_message` with `add_generation_prompt: false` at vLLM and SGLang.
 */
import { assert } from "../../base/assert.ts";
import type { AnswerSoFar, ClientRequest } from "../contract.ts";
import { scanObject } from "../json-scan.ts";
import { isObject, parseJson } from "../json.ts";
import { type Edit, insertMembers, splice } from "../splice.ts";
import { MEMBERS, OUTPUT_CAP_MEMBERS } from "./members.ts";

/** What a body may not have, or only with a value that changes nothing. */
const GUARDS = ["response_format", "logprobs", "continue_final_message"] as const;

/** Whether an answer to this request could be gone on with at all. */
export function isContinuable({ bytes, surface, stream, choices }: ClientRequest): boolean {
  if (surface !== "chat" || !stream || choices !== 1) return false;
  const body = scanObject(bytes, [...MEMBERS, ...GUARDS]);
  if (body.kind !== "object") return false;
  const valueOf = (name: string): unknown => {
    const span = body.members.get(name)?.value;
    return span === undefined ? undefined : parseJson(bytes.subarray(span.start, span.end));
  };
  const [format, logprobs, isContinued] = GUARDS.map(valueOf);
  // A schema holds for the whole answer, and a server would begin it anew.
  const isText = (format ?? null) === null || (isObject(format) && format["type"] === "text");
  const messages = valueOf("messages");
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  return (
    isText &&
    logprobs !== true &&
    isContinued !== true &&
    isObject(last) &&
    last["role"] !== "assistant"
  );
}

/** null: the client's output limit leaves nothing to generate. */
export function continuedRequest(
  request: ClientRequest,
  { how, text, outputTokens }: AnswerSoFar,
): ClientRequest | null {
  const { bytes, outputTokensMax } = request;
  const body = scanObject(bytes, MEMBERS);
  assert(body.kind === "object", "an accepted body is an object");
  const messages = body.members.get("messages")?.value;
  assert(messages !== undefined, "an accepted chat has messages");
  const left = outputTokensMax === null ? null : outputTokensMax - outputTokens;
  if (left !== null && left <= 0) return null;
  const mark = how === "prefix" ? ',"prefix":true' : "";
  const message = `,{"role":"assistant","content":${JSON.stringify(text)}${mark}}`;
  const edits: Edit[] = [{ start: messages.end - 1, end: messages.end - 1, text: message }];
  for (const name of OUTPUT_CAP_MEMBERS) {
    const span = body.members.get(name)?.value;
    const limit = span === undefined ? null : parseJson(bytes.subarray(span.start, span.end));
    if (span === undefined || typeof limit !== "number") continue;
    edits.push({
      start: span.start,
      end: span.end,
      text: String(Math.max(1, limit - outputTokens)),
    });
  }
  if (how === "continue_final_message") {
    const members = ['"continue_final_message"', '"add_generation_prompt"'] as const;
    edits.push(
      insertMembers(body, [
        [members[0], "true"],
        [members[1], "false"],
      ]),
    );
  }
  const continued = splice(bytes, edits);
  const textBytes = request.textBytes + continued.byteLength - bytes.byteLength;
  return { ...request, bytes: continued, outputTokensMax: left, textBytes };
}
