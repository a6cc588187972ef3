/**
 * What the event loop and the writer thread say to each other, as JSON text: one string per batch
 * costs less than a structured clone of its rows. A batch is answered by exactly one `committed`
 * or `failed`; then each of its calls is answered by its number.
 */
import type { Owner } from "../base/scope.ts";
import type {
  Configuration,
  HoldRecord,
  NamedNoun,
  Noun,
  OwnerLedgerState,
  Page,
  PostingRecord,
  Recovery,
  RequestRecord,
  Rows,
  WindowSum,
  Written,
} from "./contract.ts";
import type { RequestDetail, RequestFilter, UsageQuery, UsageRow } from "./history-contract.ts";
import type { KeyClaim, KeyStep } from "./idempotency-contract.ts";
import type { JobRow, KnownJob } from "./jobs-contract.ts";
import type { ObjectQuery, ObjectRow, ObjectStep } from "./objects-contract.ts";
import type {
  AlertFilter,
  AlertRecord,
  AlertRow,
  LearnedRow,
  LedgerState,
  UnpricedCount,
  UnpricedModel,
} from "./money-contract.ts";

/** A posting on its way to the ledger. */
export type PostingOp = PostingRecord & {
  /**
   * Void of a hold whose commit ended in doubt and whose caller was told that it does not exist:
   * right when the hold is there, and nothing to tell of when it is not.
   */
  readonly ifHeld?: true;
};

/** A configured row of any noun, as it crosses threads. */
export type AnyRow = Rows[Noun];
/** Members of a row that are compared or changed. */
export type RowMembers = Readonly<Record<string, unknown>>;

/** A page to read: at most `limit` rows, beyond `beyondId` in the order of the page. */
export type PageFrom = { readonly limit: number; readonly beyondId: string | null };

/** The calls the thread answers. */
export type Calls = {
  readonly configuration: () => Configuration;
  readonly insert: (noun: Noun, row: AnyRow) => Written<AnyRow>;
  readonly get: (noun: Noun, id: string) => AnyRow | null;
  readonly names: (
    noun: NamedNoun,
    ids: readonly string[],
  ) => readonly (readonly [id: string, name: string])[];
  readonly page: (noun: Noun, where: RowMembers, query: PageFrom) => Page<AnyRow>;
  readonly update: (
    noun: Noun,
    id: string,
    change: RowMembers,
    ifVersion: number | null,
  ) => Written<AnyRow>;
  readonly remove: (noun: Noun, id: string) => Written<AnyRow>;
  readonly ownerState: (owner: Owner, windows: readonly WindowSum[]) => OwnerLedgerState;
  readonly windowSums: (windows: readonly WindowSum[]) => readonly number[];
  readonly recordAlert: (alert: AlertRecord) => boolean;
  readonly alertPage: (filter: AlertFilter, query: PageFrom) => Page<AlertRow>;
  readonly countUnpriced: (count: UnpricedCount) => null;
  readonly unpricedModels: () => readonly UnpricedModel[];
  readonly saveLearned: (rows: readonly LearnedRow[]) => null;
  readonly learned: () => readonly LearnedRow[];
  readonly stepKeys: (steps: readonly KeyStep[]) => readonly (KeyClaim | null)[];
  readonly expireKeys: (nowMs: number, rowsMax: number) => number;
  readonly stepObjects: (steps: readonly ObjectStep[]) => null;
  readonly findObjects: (
    tenantId: string,
    ids: readonly string[],
    nowMs: number,
  ) => readonly ObjectRow[];
  readonly listObjects: (query: ObjectQuery) => readonly ObjectRow[];
  readonly expireObjects: (nowMs: number, rowsMax: number) => number;
  readonly noteJob: (job: JobRow) => null;
  readonly endJob: (attemptId: string) => boolean;
  readonly knownJobs: () => readonly KnownJob[];
  readonly requestOfEnded: (attemptId: string) => string | null;
  readonly ledgerState: () => LedgerState;
  readonly acceptLedger: () => LedgerState;
  readonly requestPage: (
    filter: RequestFilter,
    query: PageFrom,
  ) => Page<NonNullable<RequestDetail["request"]>>;
  readonly requestDetail: (requestId: string) => RequestDetail | null;
  readonly usage: (query: UsageQuery) => readonly UsageRow[];
  readonly setting: (name: string) => string | null;
  readonly setSetting: (name: string, value: string) => null;
};
export type CallName = keyof Calls;

export type CallMessage = {
  readonly id: number;
  readonly name: CallName;
  readonly args: readonly unknown[];
};

export type OpenMessage = {
  readonly type: "open";
  /** Path of the database file. */
  readonly file: string;
  /** False when a thread is restarted: its process still settles the open attempts. */
  readonly recover: boolean;
  readonly nowMs: number;
};

export type BatchMessage = {
  readonly type: "batch";
  readonly holds: readonly HoldRecord[];
  readonly postings: readonly PostingOp[];
  readonly rows: readonly RequestRecord[];
  /** Write and sync something even if there is nothing to write, to see whether the disk works. */
  readonly probe: boolean;
  /** Made after everything above. Those that come in steps are answered in any order. */
  readonly calls: readonly CallMessage[];
};

export type ToThread = OpenMessage | BatchMessage | { readonly type: "close" };

/** One thing in a batch that was kept out although the rest committed. */
export type KeptOut = {
  readonly what: "posting_unknown" | "posting_repeated" | "posting_invalid" | "row_invalid";
  readonly id: string;
  readonly detail: string;
};

export type FromThread =
  | { readonly type: "opened"; readonly recovery: Recovery; readonly sqliteVersion: string }
  | { readonly type: "unopened"; readonly detail: string }
  | {
      readonly type: "committed";
      /** Holds of the batch that are not on disk, by their place in it. */
      readonly refusedHolds?: readonly (readonly [place: number, detail: string])[];
      readonly keptOut?: readonly KeptOut[];
      /** Present when the disk has so little room that only postings should be written. */
      readonly shortOfSpace?: string;
    }
  | {
      readonly type: "failed";
      readonly detail: string;
      /** True when the batch may come back to life although it was rolled back. */
      readonly uncertain: boolean;
    }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | {
      readonly type: "unanswered";
      readonly id: number;
      /** world: the disk failed; bug: we did. */
      readonly kind: "world" | "bug";
      readonly detail: string;
    }
  | { readonly type: "closed" };
