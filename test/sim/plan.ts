/**
 * A plan: everything that will be done to the gateway in one run, as data. The seed draws it; a
 * failing one is shrunk by leaving things out, so nothing in it depends on its neighbours.
 */
import type { BudgetTerms, LimitTerms, ModelName, ProviderName } from "./oracle-types.ts";
import type { ProviderHabits } from "./town.ts";

/** Classes of faults that a seed has or has not. */
export const CLASSES = [
  "statuses",
  "connections",
  "cuts",
  "silences",
  "usage",
  "errors",
  "leavers",
  "crashes",
  "exits",
  "halts",
  "disk",
  "edits",
  "suspensions",
  "jumps",
  "rollover",
  "limits",
  "slowness",
  "bursts",
] as const;
type FaultClass = (typeof CLASSES)[number];
export type Mix = ReadonlySet<FaultClass>;

/** What a provider does with one request. */
export type Script = {
  readonly kind:
    | "ok"
    | "no_usage"
    | "usage_above"
    | "usage_below"
    | "usage_twice"
    | "status"
    | "refuse"
    | "reset"
    | "silent"
    | "cut"
    | "error_first"
    | "error_later"
    | "endless"
    | "garbage";
  /** For `status`. */
  readonly status: number;
  readonly retryAfterS: number | null;
  /** Tokens that it would like to generate. */
  readonly outputTokens: number;
  readonly cachedShare: number;
  readonly firstByteMs: number;
  readonly betweenMs: number;
  readonly pieces: number;
  /** For what breaks off: after this many pieces. */
  readonly brokenAfter: number;
  /** Goes on generating, and charging, when the gateway hangs up. */
  readonly goesOn: boolean;
  /** Splits its events over several reads. */
  readonly isSplit: boolean;
};

export type Client = {
  readonly kind: "stays" | "leaves_at" | "leaves_after_reads" | "leaves_at_end";
  readonly whenMs: number;
  readonly reads: number;
  /** Time between its reads. */
  readonly slowMs: number;
  readonly bodyMs: number;
  readonly timeoutMs: number | null;
  /** How often it asks in all, when it is refused or fails. */
  readonly tries: number;
};

export type Arrival = {
  readonly number: number;
  readonly atMs: number;
  readonly resident: number;
  readonly route: string;
  readonly stream: boolean;
  readonly maxTokens: number | null;
  readonly choices: number;
  readonly padding: number;
  /** For whom it asks, in its own word. */
  readonly endUser: string | null;
  readonly client: Client;
  /** For its first attempts; further ones go well. */
  readonly scripts: readonly Script[];
};

export type Edit =
  | {
      readonly atMs: number;
      readonly do: "amount";
      readonly budget: number;
      readonly amountNanoUsd: number | null;
    }
  | {
      readonly atMs: number;
      readonly do: "mode";
      readonly budget: number;
      readonly mode: "hard" | "soft";
    }
  | { readonly atMs: number; readonly do: "add"; readonly budget: BudgetTerms }
  | { readonly atMs: number; readonly do: "remove"; readonly budget: number }
  | {
      readonly atMs: number;
      readonly do: "limit";
      readonly limit: number;
      readonly maxConcurrent: number | null;
    }
  | {
      readonly atMs: number;
      readonly do: "top_up";
      readonly budget: number;
      readonly amountNanoUsd: number;
      /** null: until its window ends. */
      readonly forMs: number | null;
    }
  | { readonly atMs: number; readonly do: "reset"; readonly budget: number }
  | {
      readonly atMs: number;
      readonly do: "provider";
      readonly provider: ProviderName;
      readonly change: Partial<ProviderHabits & { readonly enabled: boolean }>;
    }
  | {
      /** What this model costs from now on, as a multiple of what it costs at first. */
      readonly atMs: number;
      readonly do: "price";
      readonly model: ModelName;
      readonly times: number;
    }
  | {
      readonly atMs: number;
      readonly do: "status";
      readonly tenant: number;
      readonly status: "active" | "suspended";
    };

export type Crash = {
  readonly atMs: number;
  /** Messages to the disk and the network that still get out after that, within one turn. */
  readonly effectsLeft: number;
  readonly downMs: number;
};

export type DiskFault = {
  /** Hits the first write from then on. */
  readonly atMs: number;
  readonly kind:
    | "stall"
    | "late_answer"
    | "fail"
    | "doubt_lost"
    | "doubt_kept"
    | "die_before"
    | "die_after";
  readonly durationMs: number;
};

/** Stopped properly, as by the first signal. */
export type Exit = {
  readonly atMs: number;
  /** What runs may go on for so long. */
  readonly withinMs: number;
  readonly downMs: number;
};

/** The process does nothing for a while, and the world goes on. */
export type Halt = { readonly atMs: number; readonly durationMs: number };

export type Jump = { readonly atMs: number; readonly byMs: number };

export type Plan = {
  readonly seed: number;
  readonly wallStartMs: number;
  readonly providers: Readonly<Record<ProviderName, ProviderHabits>>;
  readonly budgets: readonly BudgetTerms[];
  readonly limits: readonly LimitTerms[];
  readonly arrivals: readonly Arrival[];
  readonly edits: readonly Edit[];
  readonly crashes: readonly Crash[];
  readonly exits: readonly Exit[];
  readonly halts: readonly Halt[];
  readonly disk: readonly DiskFault[];
  readonly jumps: readonly Jump[];
};

/** The members of a plan that can be shrunk. */
export const LISTS = [
  "crashes",
  "exits",
  "halts",
  "disk",
  "jumps",
  "edits",
  "limits",
  "arrivals",
  "budgets",
] as const;

/** An answer as it should be; what is drawn into a script changes it. */
export const GOOD: Script = {
  kind: "ok",
  status: 200,
  retryAfterS: null,
  outputTokens: 20,
  cachedShare: 0,
  firstByteMs: 30,
  betweenMs: 5,
  pieces: 3,
  brokenAfter: 1,
  goesOn: true,
  isSplit: false,
};

export const STAYING: Client = {
  kind: "stays",
  whenMs: 0,
  reads: 0,
  slowMs: 0,
  bodyMs: 0,
  timeoutMs: null,
  tries: 1,
};
