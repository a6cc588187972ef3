/** Refusals and failures as companies word them, from the files under `fixtures/failures`. */
import { readFileSync } from "node:fs";
import type { FailureKind } from "../../src/dialects/failure-contract.ts";

export type FailureFixture = {
  readonly what: string;
  /** null: it comes within an answer. */
  readonly status: number | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** A JSON value, or the text itself. */
  readonly body: unknown;
  /** null: nothing that the status alone does not tell. */
  readonly kind: FailureKind | null;
  readonly retry_after_ms?: number;
};

export function failuresOf(company: string): readonly FailureFixture[] {
  const path = `${import.meta.dir}/fixtures/failures/${company}.json`;
  const file: { failures: readonly FailureFixture[] } = JSON.parse(readFileSync(path, "utf8"));
  return file.failures;
}

export function textOf(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

export function bytesOf(body: unknown): Uint8Array {
  return new TextEncoder().encode(textOf(body));
}
