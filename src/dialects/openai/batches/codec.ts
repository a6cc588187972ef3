/**
 * Batches: the requests of a file that was uploaded for them, answered in the provider's own time. A batch
 * is of the model that its file is for, and paid as its lines are.
 */
import { isObjectId } from "../../../base/object-kind.ts";
import { allow, type Verdict } from "../../../base/verdict.ts";
import { watchBytes } from "../../bytes-watch.ts";
import type { ClientRequest, Codec } from "../../contract.ts";
import type { BatchBounds } from "../../job-contract.ts";
import { readJsonBody, wrong } from "../../json-body.ts";
import { freeRequest, ownedCodec } from "../../owned.ts";
import { missing } from "../body-checks.ts";
import { batchMade, batchState, startedBatch } from "./job.ts";
import { lineCodecAt, lineUrlOf } from "./line-codecs.ts";
import { BatchOutput } from "./output.ts";

/** By which others than the lines of the file could be asked for (SiliconFlow, Mistral, Together, 2026-11). */
const OTHER_REQUESTS = [
  "model",
  "models",
  "model_id",
  "replace",
  "requests",
  "input_files",
] as const;
const MEMBERS = ["input_file_id", "endpoint", ...OTHER_REQUESTS] as const;

const KEPT = { kind: "batch", watch: watchBytes, made: batchMade } as const;

const { usage, ...about } = ownedCodec({ surface: "batches", ...KEPT });

export const batchesCodec: Codec = {
  ...about,
  accept: acceptBatch,
  // It is no free question: what it costs is not told yet, whatever the answer says.
  usage: (answer) => (usage(answer) === undefined ? undefined : null),
  ofFile: withBounds,
  job: startedBatch,
};

export const batchCodec: Codec = {
  ...ownedCodec({ surface: "batch", ...KEPT }),
  jobState: batchState,
  jobOutput: (surface) => new BatchOutput(surface),
};

export const batchCancelCodec: Codec = {
  ...ownedCodec({ surface: "batch_cancel", ...KEPT }),
  jobState: batchState,
};

/** Refuses with `invalid_json`, or with `invalid_request` and the member's name. */
function acceptBatch(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  const read = readJsonBody(bytes, MEMBERS);
  if (!read.allowed) return read;
  const { body } = read.value;
  const other = OTHER_REQUESTS.find((member) => (body[member] ?? null) !== null);
  if (other !== undefined) {
    return wrong(`'${other}' must not be given: a batch is what the lines of its file say.`, other);
  }
  const id = body["input_file_id"] ?? null;
  if (id === null) return missing("input_file_id");
  if (typeof id !== "string" || !isObjectId(id)) {
    return wrong("'input_file_id' must be the id of a file.", "input_file_id");
  }
  const { endpoint } = body;
  if (typeof endpoint !== "string") return missing("endpoint");
  const objects = [{ kind: "file", id, param: "input_file_id" }] as const;
  return allow({ ...freeRequest("batches", bytes), batchUrl: endpoint, objects });
}

/** `batch`: what is remembered of the file; refuses with `invalid_request`. */
function withBounds(request: ClientRequest, batch: string | null): Verdict<ClientRequest> {
  if (batch === null) {
    const message = "The file must have been uploaded through this API with the purpose batch.";
    return wrong(message, "input_file_id");
  }
  const { bounds } = JSON.parse(batch) as { readonly bounds: BatchBounds };
  if (lineCodecAt(request.batchUrl ?? "")?.surface !== bounds.surface) {
    const url = lineUrlOf(bounds.surface);
    return wrong(`'endpoint' must be ${url}, as in the lines of the file.`, "endpoint");
  }
  const { beyondPrice, endUser } = bounds;
  const endUserId = endUser === null || endUser === "several" ? null : endUser.id;
  const known = { ...request, batch: bounds, endUserId };
  return allow(beyondPrice === null ? known : { ...known, beyondPrice });
}
