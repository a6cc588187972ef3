/**
 * A file that is uploaded for batches, as it stands in its form: read before anybody is asked, so that what
 * is wrong with a line is told at once, and sent with the upstream's name of the model in every line.
 */
import { assert } from "../../../base/assert.ts";
import { allow, type Verdict } from "../../../base/verdict.ts";
import type { ClientRequest, FileReading, FormSpec } from "../../contract.ts";
import { type Refused, wrong } from "../../json-body.ts";
import type { ClientForm, FormPart } from "../../multipart.ts";
import type { Edit } from "../../splice.ts";
import { missing } from "../body-checks.ts";
import { readFields } from "../form.ts";
import { BatchInput } from "./input.ts";

/** What was not read by its lines can be made no batch of. */
const FOR_BATCHES = "batch";

/** A form that is for batches to one reader is so to all, and then has one file. */
export function refusePurpose(form: ClientForm): Refused | null {
  const fields = readFields(form, ["purpose"]);
  if (!fields.allowed) return fields;
  if (!isForBatches(form)) return null;
  const files = form.parts.filter(({ name }) => /^file(?:\[|$)/.test(name));
  const [file] = files;
  if (file === undefined) return missing("file");
  const isOne = files.length === 1 && file.name === "file" && file.filename !== null;
  return isOne ? null : wrong("'file' must be one file where 'purpose' is batch.", "file");
}

export function readBatchFile(request: ClientRequest): FileReading | null {
  const { form } = request;
  if (form === undefined || !isForBatches(form)) return null;
  const { start, end } = fileIn(form);
  const input = new BatchInput();
  return {
    start,
    end,
    push: (piece) => input.push(piece),
    heldBytes: () => input.heldBytes,
    finish: () => withBatchFile(request, input),
  };
}

function withBatchFile(request: ClientRequest, input: BatchInput): Verdict<ClientRequest> {
  const read = input.end();
  if (!read.allowed) return read;
  const { model, objects } = read.value;
  if (request.model !== "" && request.model !== model) {
    const message = `'x-tollgate-model' must be ${JSON.stringify(model)}, as in the lines of the file.`;
    return wrong(message, "x-tollgate-model");
  }
  const named = objects.length > 0 && { objects };
  return allow({ ...request, model, batchFile: read.value, ...named });
}

export const batchFileEdits: FormSpec["edits"] = (
  { form, model, batchFile },
  { model: asked },
): readonly Edit[] => {
  if (form === undefined || batchFile === undefined || asked === model) return [];
  const { start } = fileIn(form);
  const { modelSpans } = batchFile;
  const text = JSON.stringify(asked);
  const edits: Edit[] = [];
  for (let at = 0; at < modelSpans.length; at += 2) {
    edits.push({
      start: start + spanAt(modelSpans, at),
      end: start + spanAt(modelSpans, at + 1),
      text,
    });
  }
  return edits;
};

function spanAt(spans: readonly number[], at: number): number {
  const place = spans[at];
  assert(place !== undefined, "a span has a begin and an end");
  return place;
}

function isForBatches({ parts }: ClientForm): boolean {
  return parts.some(({ name, value }) => name === "purpose" && value === FOR_BATCHES);
}

function fileIn({ parts }: ClientForm): FormPart {
  const file = parts.find(({ name }) => name === "file");
  assert(file !== undefined, "a form for batches was accepted with its file");
  return file;
}
