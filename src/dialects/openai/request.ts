/**
 * The upstream's bytes: the client's own, with the model's name, an output cap and the request for
 * usage spliced in where they differ from what the client sent.
 */
import { assert } from "../../base/assert.ts";
import type { ClientRequest, RequestEdits } from "../contract.ts";
import { type ScannedObject, scanObject } from "../json-scan.ts";
import { parseJson } from "../json.ts";
import { type Edit, insertMembers, replace, splice, within } from "../splice.ts";
import { INCLUDE_USAGE, MEMBERS, OUTPUT_CAP_MEMBERS } from "./members.ts";

const includeUsageText = `{"${INCLUDE_USAGE}":true}`;

type NewMember = readonly [key: string, value: string];

/** `request` must have been accepted; the very same bytes when nothing has to change. */
export function upstreamBytes(
  request: ClientRequest,
  edits: RequestEdits,
): Uint8Array<ArrayBuffer> {
  const { bytes } = request;
  const body = scanObject(bytes, MEMBERS);
  assert(body.kind === "object", "an accepted body is an object");
  const changes: Edit[] = [];
  const added: NewMember[] = [];
  if (edits.model !== request.model) {
    const span = body.members.get("model")?.value;
    const name = JSON.stringify(edits.model);
    // Where a surface has a default, the client may have named none.
    if (span === undefined) added.push(['"model"', name]);
    else changes.push(replace(span, name));
  }
  if (edits.outputTokensCap !== null && request.generates) {
    capOutput(bytes, body, edits.outputTokensCap, edits.outputCapMember, changes, added);
  }
  if (edits.includeUsage && request.stream && !request.usageAsked) {
    askForUsage(bytes, body, changes, added);
  }
  if (added.length > 0) changes.push(insertMembers(body, added));
  return splice(bytes, changes);
}

/** The same on surfaces where nothing but the model's name is ever changed. */
export function bytesWithModel(
  request: ClientRequest,
  { model, outputCapMember }: RequestEdits,
): Uint8Array<ArrayBuffer> {
  const none = { outputTokensCap: null, outputCapMember, includeUsage: false };
  return upstreamBytes(request, { model, ...none });
}

/** Lowers every limit of the client above the cap; sets the told one where the client set none. */
function capOutput(
  bytes: Uint8Array,
  body: ScannedObject,
  cap: number,
  told: RequestEdits["outputCapMember"],
  changes: Edit[],
  added: NewMember[],
): void {
  let isLimited = false;
  for (const name of OUTPUT_CAP_MEMBERS) {
    const span = body.members.get(name)?.value;
    const limit = span === undefined ? null : parseJson(bytes.subarray(span.start, span.end));
    if (span === undefined || typeof limit !== "number") continue;
    isLimited = true;
    if (limit > cap) changes.push(replace(span, String(cap)));
  }
  if (isLimited) return;
  const span = body.members.get(told)?.value;
  if (span === undefined) added.push([`"${told}"`, String(cap)]);
  else changes.push(replace(span, String(cap)));
}

function askForUsage(
  bytes: Uint8Array,
  body: ScannedObject,
  changes: Edit[],
  added: NewMember[],
): void {
  const span = body.members.get("stream_options")?.value;
  if (span === undefined) {
    added.push(['"stream_options"', includeUsageText]);
    return;
  }
  const options = scanObject(bytes.subarray(span.start, span.end), [INCLUDE_USAGE]);
  if (options.kind !== "object") {
    changes.push(replace(span, includeUsageText));
    return;
  }
  const asked = options.members.get(INCLUDE_USAGE)?.value;
  const edit =
    asked === undefined
      ? insertMembers(options, [[`"${INCLUDE_USAGE}"`, "true"]])
      : replace(asked, "true");
  changes.push(within(span, edit));
}
