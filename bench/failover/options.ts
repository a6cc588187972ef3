/**
 * What a command line asks `bench failover` for. As for the benchmark itself, anything that is not
 * understood is wrong usage, never ignored.
 */
import {
  filesFrom,
  Misuse,
  numberOf,
  type Reading,
  readingOf,
  flagsOf,
  secondsOf,
  wholeOf,
} from "../option-values.ts";
import type { Files } from "../save.ts";

/** How a provider fails. */
export type FailWay = (typeof FAIL_WAYS)[number];
export const FAIL_WAYS = ["503", "hang", "refused", "429"] as const;

export type FailoverOptions = Files & {
  readonly ways: readonly FailWay[];
  /** Providers behind the route; with 1 there is nobody to fail over to. */
  readonly providers: number;
  readonly ratePerSecond: number;
  readonly stream: boolean;
  readonly healthyMs: number;
  readonly failingMs: number;
  readonly healedMs: number;
  /** How long Tollgate waits for a provider's first byte. */
  readonly firstByteMs: number;
};

export const FAILOVER_USAGE = `Usage: bench failover [options]

Starts Tollgate with simulated providers behind one route, sends requests at a steady rate whatever
becomes of them, and lets the first provider fail, one way after the other: it answers 503 to all,
never answers, is not there, answers 429 with a retry-after. Each time it heals again. Tells what
clients saw of it, how much load the failing provider got before and after Tollgate left it alone,
and when traffic came back. With the defaults it takes a minute.

  --fail WAYS         ways to fail, in this order, joined by commas (503,hang,refused,429)
  --providers N       providers behind the route, 2 or 3 (2)
  --alone             one provider only: refusals at once, and no storm on it
  --rate N            requests per second (100)
  --stream            stream the answers
  --healthy S         seconds of each way before the provider fails (2.5)
  --failing S         seconds that it fails; within the 4 for which a breaker opens at least (3.5)
  --healed S          seconds after it heals (7)
  --first-byte MS     how long Tollgate waits for a provider's first byte (1000)
  --json FILE         write the results as JSON (bench/results/failover-TIME.json)
  --plot FILE         draw the results, .svg or .html (bench/results/failover-TIME.svg)
  --help              this text

Exit codes: 0 no goal was missed, 1 failed or a goal was missed, 2 wrong usage.
`;

const flags = {
  fail: { type: "string" },
  providers: { type: "string" },
  alone: { type: "boolean" },
  rate: { type: "string" },
  stream: { type: "boolean" },
  healthy: { type: "string" },
  failing: { type: "string" },
  healed: { type: "string" },
  "first-byte": { type: "string" },
  json: { type: "string" },
  plot: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads everything after the word `failover`. */
export function parseFailoverOptions(args: readonly string[]): Reading<FailoverOptions> {
  return readingOf(() => {
    const values = flagsOf(args, flags);
    if (values.help === true) return undefined;
    if (values.alone === true && values.providers !== undefined) {
      throw new Misuse("--alone and --providers exclude each other");
    }
    const span = { min: 0.5, max: 60 };
    return {
      ways: waysOf(values.fail ?? FAIL_WAYS.join(",")),
      providers:
        values.alone === true
          ? 1
          : wholeOf("providers", values.providers ?? "2", { min: 2, max: 3 }),
      ratePerSecond: numberOf("rate", values.rate ?? "100", { min: 1, max: 5_000 }),
      stream: values.stream === true,
      healthyMs: secondsOf("healthy", values.healthy ?? "2.5", span),
      failingMs: secondsOf("failing", values.failing ?? "3.5", span),
      healedMs: secondsOf("healed", values.healed ?? "7", span),
      firstByteMs: wholeOf("first-byte", values["first-byte"] ?? "1000", { min: 50, max: 60_000 }),
      ...filesFrom(values),
    };
  });
}

function waysOf(text: string): readonly FailWay[] {
  return text.split(",").map((name) => {
    const way = FAIL_WAYS.find((one) => one === name);
    if (way === undefined) {
      throw new Misuse(`--fail must name ${FAIL_WAYS.join(", ")}, joined by commas`);
    }
    return way;
  });
}
