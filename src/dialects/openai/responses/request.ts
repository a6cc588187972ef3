/** The upstream's bytes: the client's own, with the model's name and an output cap spliced in. */
import { assert } from "../../../base/assert.ts";
import type { ClientRequest, RequestEdits } from "../../contract.ts";
import { scanObject } from "../../json-scan.ts";
import { parseJson } from "../../json.ts";
import { type Edit, insertMembers, splice } from "../../splice.ts";
import { MEMBERS, OUTPUT_CAP_MEMBER } from "./members.ts";

/** `request` must have been accepted; the very same bytes when nothing has to change. */
export function responseBytes(
  request: ClientRequest,
  { model, outputTokensCap: cap }: RequestEdits,
): Uint8Array<ArrayBuffer> {
  const { bytes } = request;
  const body = scanObject(bytes, MEMBERS);
  assert(body.kind === "object", "an accepted body is an object");
  const edits: Edit[] = [];
  if (model !== request.model) {
    const named = body.members.get("model")?.value;
    assert(named !== undefined, "an accepted body names its model");
    edits.push({ ...named, text: JSON.stringify(model) });
  }
  if (cap !== null) {
    const limited = body.members.get(OUTPUT_CAP_MEMBER)?.value;
    const limit = limited && parseJson(bytes.subarray(limited.start, limited.end));
    if (limited === undefined) {
      edits.push(insertMembers(body, [[`"${OUTPUT_CAP_MEMBER}"`, String(cap)]]));
    } else if (typeof limit !== "number" || limit > cap) {
      edits.push({ ...limited, text: String(cap) });
    }
  }
  return splice(bytes, edits);
}
