/** A job as it is followed: its attempt, who keeps it, and what it may cost. */
import { assert } from "../../base/assert.ts";
import type { JobKind } from "../../base/object-kind.ts";
import type { AttemptScopes } from "../../base/scope.ts";
import type { NanoUsd } from "../../base/units.ts";
import type { BatchBounds } from "../../dialects/job-contract.ts";
import type { Usage } from "../../dialects/usage-contract.ts";
import type { JobRow, KnownJob } from "../../store/jobs-contract.ts";
import { parsePriceJson } from "../prices/price-json.ts";
import { NO_USAGE } from "../exchange.ts";
import type { ModelPrice } from "../prices/price.ts";

export type Job = {
  readonly attemptId: string;
  readonly requestId: string;
  readonly kind: JobKind;
  /** By which its provider is asked for it. */
  readonly objectId: string;
  /** Public name, and the upstream's. */
  readonly route: string;
  readonly model: string;
  readonly scopes: AttemptScopes;
  readonly credentialPosition: number | null;
  readonly credentialHash: string | null;
  /** Of a batch: what its lines can cost together. */
  readonly bounds: BatchBounds | null;
  /** The likely tokens of all its input, where its provider does not tell. */
  readonly inputTokensEstimate: number;
  readonly price: ModelPrice;
  readonly heldNanoUsd: NanoUsd;
  readonly heldAtMs: number;
};

/** As the store keeps it beside its attempt. */
export function rowOf(job: Job): JobRow {
  const { attemptId, kind, objectId, route, bounds, inputTokensEstimate } = job;
  const { credentialPosition, credentialHash } = job;
  const text = bounds === null ? null : JSON.stringify(bounds);
  const row = { attemptId, kind, objectId, route, bounds: text, inputTokensEstimate };
  return { ...row, credentialPosition, credentialHash };
}

export function jobOf({ isOpen, price, bounds, ...known }: KnownJob): {
  readonly isOpen: boolean;
  readonly job: Job;
} {
  const priced = parsePriceJson(price);
  assert(priced, `the ledger's price of ${known.attemptId} cannot be read`);
  // Written by `rowOf` of this or an earlier version.
  const read = bounds === null ? null : (JSON.parse(bounds) as BatchBounds);
  return { isOpen, job: { ...known, price: priced, bounds: read } };
}

/** What a job came to. */
export type JobEnd = {
  readonly costNanoUsd: NanoUsd;
  readonly estimated: boolean;
  readonly usage: Usage;
  readonly outcome: string;
  /** Of the operator who ended it; absent: nobody did, or said why. */
  readonly note?: string;
};

/** It could not be asked for, or its provider did not say: why, in a word like those of attempts. */
export type Unheard = { readonly unheard: string };

/** unknown: its provider says that there is no such thing, or that it has ended and nothing of its answers. */
export type Look = JobEnd | "running" | "unknown" | Unheard;

export function isUnheard(heard: unknown): heard is Unheard {
  return typeof heard === "object" && heard !== null && "unheard" in heard;
}

/** The most that it can have cost, where nobody tells. */
export function unknownEnd({ heldNanoUsd }: Job, outcome: string): JobEnd {
  return { costNanoUsd: heldNanoUsd, estimated: true, usage: NO_USAGE, outcome };
}
