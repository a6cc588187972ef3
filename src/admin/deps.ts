/** What the use-cases work with; assembled once when the process starts. */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { DirectoryAdmin } from "../gateway/directory-contract.ts";
import type { JobsAdmin } from "../gateway/jobs/jobs-admin.ts";
import type { Store } from "../store/contract.ts";

/** Live states as the directory tells them. */
export type BudgetState = NonNullable<Awaited<ReturnType<DirectoryAdmin["budgetState"]>>>;
export type LimitState = Awaited<ReturnType<DirectoryAdmin["limitStates"]>>[number];

export type Explained = Extract<
  Awaited<ReturnType<DirectoryAdmin["explain"]>>,
  { readonly allowed: true }
>["value"];

export type AdminDeps = {
  readonly store: Store;
  readonly directory: DirectoryAdmin;
  readonly jobs: JobsAdmin;
  readonly clock: Clock;
  readonly random: Random;
  /** Keys the hashes of access tokens. */
  readonly tokenPepper: Uint8Array;
  /** Seals the credentials of providers. */
  readonly credentialKey: Uint8Array;
};
