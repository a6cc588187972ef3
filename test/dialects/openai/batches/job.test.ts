/** What answers about a batch say of the work behind it. */
import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../../src/base/limits.ts";
import {
  batchMade,
  batchState,
  startedBatch,
} from "../../../../src/dialects/openai/batches/job.ts";

const BATCH = {
  id: "batch_1",
  object: "batch",
  endpoint: "/v1/chat/completions",
  input_file_id: "file-in",
  status: "in_progress",
  output_file_id: null,
  error_file_id: "",
  request_counts: { total: 2, completed: 0, failed: 0 },
};

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const state = (members: object) => batchState(bytesOf({ ...BATCH, ...members }));
function answered(status: string, request_counts: unknown) {
  const told = state({ status, request_counts });
  return told?.state === "ended" ? told.answered : undefined;
}

const usage = (input_tokens: number) => ({ input_tokens, output_tokens: 7 });

describe("an answer about a batch", () => {
  test("names the job that it has begun, by an id that can be asked for", () => {
    expect(startedBatch(bytesOf(BATCH))).toEqual({ kind: "batch", id: "batch_1" });
    for (const id of [undefined, null, 7, "", "../files"]) {
      expect(startedBatch(bytesOf({ ...BATCH, id }))).toBeNull();
    }
    expect(startedBatch(new TextEncoder().encode("no JSON"))).toBeNull();
  });

  test("says that it runs, that it has ended, or nothing that is known", () => {
    for (const status of ["validating", "in_progress", "finalizing", "cancelling"]) {
      expect(state({ status })).toEqual({ state: "running" });
    }
    for (const status of ["completed", "failed", "expired", "cancelled"]) {
      const ended = { state: "ended", outputs: [], answered: 0, usage: null } as const;
      expect(state({ status })).toEqual(ended);
    }
    for (const status of ["paused", null, undefined, 7]) expect(state({ status })).toBeNull();
    expect(batchState(bytesOf([BATCH]))).toBeNull();
  });

  test("names the files that came of it, and what it used in all", () => {
    const ended = { status: "expired", output_file_id: "file-out", error_file_id: "file-err" };
    expect(state({ ...ended, usage: usage(20_000_000) })).toEqual({
      state: "ended",
      outputs: ["file-out", "file-err"],
      answered: 0,
      usage: {
        inputTokens: 20_000_000,
        outputTokens: 7,
        cachedInputTokens: 0,
        reasoningTokens: 0,
        details: null,
      },
    });
    // More than two answers can use is no report.
    expect(state({ ...ended, usage: usage(20_000_001) })).toMatchObject({ usage: null });
  });

  test("says how many of its requests were answered, where that can be", () => {
    expect(answered("completed", { total: 3, completed: 2, failed: 1 })).toBe(2);
    for (const counts of [null, undefined, {}, { completed: -1 }, { completed: 1.5 }, 7]) {
      expect(answered("cancelled", counts)).toBeNull();
    }
    expect(answered("completed", { completed: LIMITS.batchLinesMax + 1 })).toBeNull();
    // It never began.
    expect(answered("failed", null)).toBe(0);
  });

  test("is kept for lists as it was told last, and its files are its tenant's", () => {
    const ended = { ...BATCH, status: "completed", output_file_id: "file-out" };
    expect(batchMade(bytesOf(ended))).toEqual([
      { kind: "batch", id: "batch_1", detail: JSON.stringify(ended) },
      { kind: "file", id: "file-out", keptMs: LIMITS.filesKeptMs },
    ]);
    const long = { ...BATCH, metadata: { note: "x".repeat(LIMITS.objectDetailCharsMax) } };
    expect(batchMade(bytesOf(long))).toEqual([{ kind: "batch", id: "batch_1" }]);
    expect(batchMade(bytesOf({ ...BATCH, id: null }))).toEqual([]);
  });
});
