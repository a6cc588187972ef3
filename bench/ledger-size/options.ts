/**
 * What a command line asks `bench ledger-size` for. As for the benchmark itself, anything that is
 * not understood is wrong usage, never ignored.
 */
import { Misuse, wholeOf, flagsOf } from "../option-values.ts";

export type LedgerSizeOptions = {
  /** Exchanges in the history: each is a request row, and nearly each an attempt and its posting. */
  readonly rows: number;
  readonly accessTokens: number;
  /** Walk the generated ledger as `tollgate ledger verify` does before it is measured. */
  readonly verify: boolean;
  /** How often each thing is measured. */
  readonly effort: Effort;
  /** Where the databases are made and stay; undefined: in a temporary folder that goes again. */
  readonly keepDir: string | undefined;
  readonly jsonPath: string | undefined;
};

/** Counts and times of a run's measurements. */
export type Effort = {
  readonly coldReads: number;
  readonly warmReads: number;
  /** Slices of load on each way, and how long one is. */
  readonly chatRounds: number;
  readonly sliceMs: number;
};

const FULL: Effort = { coldReads: 5, warmReads: 30, chatRounds: 8, sliceMs: 1_500 };
const QUICK: Effort = { coldReads: 1, warmReads: 2, chatRounds: 1, sliceMs: 500 };

export type LedgerSizeReading =
  | { readonly kind: "options"; readonly options: LedgerSizeOptions }
  | { readonly kind: "help" }
  | { readonly kind: "misuse"; readonly complaint: string };

export const LEDGER_SIZE_USAGE = `Usage: bench ledger-size [options]

Makes a Tollgate with a long history and measures what operators and clients feel of it: the first
page of requests, the state of a budget, the usage of a month, the start, and plain exchanges against
a Tollgate whose database is empty. 10 million exchanges take some minutes and 11 GB of disk.

  --rows N            exchanges in the history (10000000)
  --tokens N          access tokens that made them (500)
  --verify            prove the generated ledger before measuring: chains, sums, one posting each
  --quick             measure little: shows that everything works
  --keep DIR          make the databases there, in a folder that is empty, and leave them
  --json FILE         write the results as JSON
  --help              this text

Exit codes: 0 every goal was met, 1 failed or a goal was missed, 2 wrong usage.
`;

const flags = {
  rows: { type: "string" },
  tokens: { type: "string" },
  verify: { type: "boolean" },
  quick: { type: "boolean" },
  keep: { type: "string" },
  json: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads everything after the word `ledger-size`. */
export function parseLedgerSizeOptions(args: readonly string[]): LedgerSizeReading {
  try {
    const values = flagsOf(args, flags);
    if (values.help === true) return { kind: "help" };
    const options = {
      rows: wholeOf("rows", values.rows ?? "10000000", { min: 1_000, max: 100_000_000 }),
      accessTokens: wholeOf("tokens", values.tokens ?? "500", { min: 1, max: 100_000 }),
      verify: values.verify === true,
      effort: values.quick === true ? QUICK : FULL,
      keepDir: values.keep,
      jsonPath: values.json,
    };
    return { kind: "options", options };
  } catch (error) {
    // What parseArgs throws is a TypeError that names the flag and what is wrong with it.
    if (error instanceof Misuse || error instanceof TypeError) {
      return { kind: "misuse", complaint: error.message };
    }
    throw error;
  }
}
