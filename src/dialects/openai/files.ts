/**
 * Files that a provider keeps: uploaded by a form, shown, deleted, and given back as the bytes that they
 * are. None of it costs anything. A file is of no model; the client says for which one it is meant, so that
 * the provider that serves that model keeps it. One for batches says so itself.
 */
import type { MadeObject } from "../../base/object-kind.ts";
import { LIMITS } from "../../base/limits.ts";
import { allow } from "../../base/verdict.ts";
import { watchBytes } from "../bytes-watch.ts";
import type { ClientRequest, Codec } from "../contract.ts";
import { refuseModelName } from "../json-body.ts";
import { isObject, parseJson, withoutMark } from "../json.ts";
import { freeRequest, ownedCodec } from "../owned.ts";
import { splice } from "../splice.ts";
import { refusePurpose, batchFileEdits, readBatchFile } from "./batches/upload.ts";
import { formCodec, formOf } from "./form.ts";

const SECOND_MS = 1_000;

const FILE = { kind: "file", watch: watchBytes } as const;

const { usage, failureIn, output } = ownedCodec({ surface: "file", ...FILE });

export const filesCodec: Codec = {
  ...formCodec(LIMITS.fileFormBytesMax),
  surface: "files",
  path: () => "/files",
  modelInHeader: true,
  accept: (bytes, { model }, form) => {
    const refused = (model === null ? null : refuseModelName(model)) ?? refusePurpose(formOf(form));
    return (
      refused ?? allow({ ...freeRequest("files", bytes), model: model ?? "", form: formOf(form) })
    );
  },
  // A field named model would be the provider's; the lines of batches are for a model of ours.
  form: { bodyBytesMax: LIMITS.fileFormBytesMax, edits: batchFileEdits, reads: readBatchFile },
  request: (request, edits) => splice(request.bytes, batchFileEdits(request, edits)),
  watch: watchBytes,
  usage,
  failureIn,
  output,
  made: fileMade,
};

export const fileCodec: Codec = ownedCodec({ surface: "file", ...FILE });
export const fileDeleteCodec: Codec = ownedCodec({ surface: "file_delete", ...FILE });
export const fileContentCodec: Codec = ownedCodec({
  surface: "file_content",
  ...FILE,
  // A file of JSON is a file all the same: it is never held to be looked at.
  watchBytes,
});

/** The file that an answer describes, with that description for lists, if it is short as all real ones. */
function fileMade(
  answer: Uint8Array,
  { batchFile }: Pick<ClientRequest, "batchFile">,
): readonly MadeObject[] {
  const bytes = withoutMark(answer);
  const told = parseJson(bytes);
  if (!isObject(told) || typeof told["id"] !== "string") return [];
  const detail = JSON.stringify(told);
  return [
    {
      kind: "file",
      id: told["id"],
      keptMs: keptMs(told["created_at"], told["expires_at"]),
      ...(detail.length <= LIMITS.objectDetailCharsMax && { detail }),
      ...(batchFile !== undefined && { batch: JSON.stringify({ bounds: batchFile.bounds }) }),
    },
  ];
}

/** Without an end a file is kept until it is deleted. */
function keptMs(createdAt: unknown, expiresAt: unknown): number {
  if (typeof createdAt !== "number" || typeof expiresAt !== "number") return LIMITS.filesKeptMs;
  const ms = (expiresAt - createdAt) * SECOND_MS;
  return ms > 0 && ms < LIMITS.filesKeptMs ? Math.ceil(ms) : LIMITS.filesKeptMs;
}
