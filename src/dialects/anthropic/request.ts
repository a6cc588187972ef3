/**
 * The upstream's bytes: the client's own, with the model's name and a lower output limit spliced in
 * where they differ from what the client sent.
 */
import { assert } from "../../base/assert.ts";
import type { ClientRequest, RequestEdits } from "../contract.ts";
import { scanObject, type ScannedObject } from "../json-scan.ts";
import { type Edit, splice } from "../splice.ts";
import { MEMBERS } from "./members.ts";

/** `request` must have been accepted; the very same bytes when nothing has to change. */
export function upstreamBytes(
  request: ClientRequest,
  edits: RequestEdits,
): Uint8Array<ArrayBuffer> {
  const { bytes, outputTokensMax } = request;
  const isRenamed = edits.model !== request.model;
  const cap = edits.outputTokensCap;
  const isCapped = cap !== null && outputTokensMax !== null && outputTokensMax > cap;
  if (!isRenamed && !isCapped) return bytes;
  const body = scanObject(bytes, MEMBERS);
  assert(body.kind === "object", "an accepted body is an object");
  const changes: Edit[] = [];
  if (isRenamed) changes.push(replaced(body, "model", JSON.stringify(edits.model)));
  if (isCapped) changes.push(replaced(body, "max_tokens", String(cap)));
  return splice(bytes, changes);
}

function replaced(body: ScannedObject, name: string, text: string): Edit {
  const member = body.members.get(name);
  assert(member !== undefined, "an accepted body has the member");
  return { start: member.value.start, end: member.value.end, text };
}
