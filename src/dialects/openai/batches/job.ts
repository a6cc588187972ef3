/** What an answer about a batch tells: that it has begun, how it stands, and the files that come of it. */
import { isObjectId, type MadeObject } from "../../../base/object-kind.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Usage } from "../../usage-contract.ts";
import type { JobState, StartedJob } from "../../job-contract.ts";
import { isObject, type JsonObject, parseJson, withoutMark } from "../../json.ts";
import { readResponseUsage } from "../responses/usage.ts";

/** As OpenAI's API names them, and whoever follows it (types of openai-node 7.55, 2026-11). */
const RUNNING: ReadonlySet<unknown> = new Set([
  "validating",
  "in_progress",
  "finalizing",
  "cancelling",
]);
const ENDED: ReadonlySet<unknown> = new Set(["completed", "failed", "expired", "cancelled"]);

/** The answers, and the errors in place of answers. */
const OUTPUT_MEMBERS = ["output_file_id", "error_file_id"] as const;

export function startedBatch(answer: Uint8Array): StartedJob | null {
  const id = batchIn(answer)?.["id"];
  return isId(id) ? { kind: "batch", id } : null;
}

/** null: nobody knows what it says; it may well go on. */
export function batchState(answer: Uint8Array): JobState | null {
  const batch = batchIn(answer);
  if (batch === null) return null;
  if (RUNNING.has(batch["status"])) return { state: "running" };
  if (!ENDED.has(batch["status"])) return null;
  // What failed as a whole has never begun.
  const answered = batch["status"] === "failed" ? 0 : answeredOf(batch);
  return { state: "ended", outputs: outputsOf(batch), answered, usage: usageOf(batch) };
}

/** The batch as it stands now, for lists, and the files that came of it. */
export function batchMade(answer: Uint8Array): readonly MadeObject[] {
  const batch = batchIn(answer);
  if (batch === null || !isId(batch["id"])) return [];
  const detail = JSON.stringify(batch);
  return [
    {
      kind: "batch",
      id: batch["id"],
      ...(detail.length <= LIMITS.objectDetailCharsMax && { detail }),
    },
    ...outputsOf(batch).map((id): MadeObject => ({ kind: "file", id, keptMs: LIMITS.filesKeptMs })),
  ];
}

function batchIn(answer: Uint8Array): JsonObject | null {
  const batch = parseJson(withoutMark(answer));
  return isObject(batch) ? batch : null;
}

/** Each once; some name a file by an empty text before there is one. */
function outputsOf(batch: JsonObject): readonly string[] {
  return [...new Set(OUTPUT_MEMBERS.map((member) => batch[member]).filter(isId))];
}

function answeredOf({ request_counts: counts }: JsonObject): number | null {
  const count = isObject(counts) ? counts["completed"] : null;
  return isCount(count) ? count : null;
}

function usageOf({ usage, request_counts: counts }: JsonObject): Usage | null {
  const total = isObject(counts) ? counts["total"] : null;
  return readResponseUsage(usage, {}, isCount(total) && total > 0 ? total : LIMITS.batchLinesMax);
}

function isCount(value: unknown): value is number {
  const isWhole = typeof value === "number" && Number.isInteger(value);
  return isWhole && value >= 0 && value <= LIMITS.batchLinesMax;
}

function isId(id: unknown): id is string {
  return typeof id === "string" && isObjectId(id);
}
