/**
 * What a command line asks `bench overload` for. As for the benchmark itself, anything that is not
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

/** What there is too little of. */
export type Bottleneck = (typeof BOTTLENECKS)[number];
export const BOTTLENECKS = ["provider", "gateway"] as const;

export type OverloadOptions = Files & {
  readonly bottlenecks: readonly Bottleneck[];
  /** In times of the capacity that was found. */
  readonly times: number;
  readonly capacityMs: number;
  readonly normalMs: number;
  readonly overloadMs: number;
  readonly recoveryMs: number;
  readonly provider: ProviderBounds;
};

/** The provider whose slots are the bottleneck. */
export type ProviderBounds = {
  readonly slots: number;
  readonly answerMs: number;
  readonly waitingMax: number;
  readonly waitMs: number;
};

export const OVERLOAD_USAGE = `Usage: bench overload [options]

Starts Tollgate, finds what it can serve with clients that wait for their answers, and then offers
that rate, three times that rate for 20 seconds, and that rate again, in an open loop that does not
care how the answers come. Tells how much was served meanwhile against the most that can be, how
long the served ones took, how the others were refused, what memory it took, and how soon all was
well again. What there is too little of is the provider's slots (max_concurrent, with a queue), and
then the processor that Tollgate runs on. With the defaults both take 85 seconds.

  --bottleneck B      provider, gateway or both (both)
  --times N           overload, in times the capacity (3)
  --capacity S        seconds for finding the capacity (4)
  --normal S          seconds at the capacity before the overload (4)
  --overload S        seconds of overload (20)
  --recovery S        seconds at the capacity after it (8)
  --slots N           attempts that the provider takes at once (32)
  --answer MS         how long it takes for an answer (100)
  --waiting N         attempts that may wait for a slot (64)
  --wait MS           how long one may wait (500)
  --json FILE         write the results as JSON (bench/results/overload-TIME.json)
  --plot FILE         draw the results, .svg or .html (bench/results/overload-TIME.svg)
  --help              this text

Load generator, upstream and Tollgate are processes of their own. Where the gateway is the bottleneck
Tollgate gets the first processor for itself and the others share the rest, if the system has
taskset: else the load would take from Tollgate what it is measured by.

Exit codes: 0 no goal was missed, 1 failed or a goal was missed, 2 wrong usage.
`;

const flags = {
  bottleneck: { type: "string" },
  times: { type: "string" },
  capacity: { type: "string" },
  normal: { type: "string" },
  overload: { type: "string" },
  recovery: { type: "string" },
  slots: { type: "string" },
  answer: { type: "string" },
  waiting: { type: "string" },
  wait: { type: "string" },
  json: { type: "string" },
  plot: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads everything after the word `overload`. */
export function parseOverloadOptions(args: readonly string[]): Reading<OverloadOptions> {
  return readingOf(() => {
    const values = flagsOf(args, flags);
    if (values.help === true) return undefined;
    const span = { min: 0.5, max: 60 };
    return {
      bottlenecks: bottlenecksOf(values.bottleneck ?? "both"),
      times: numberOf("times", values.times ?? "3", { min: 1, max: 20 }),
      capacityMs: secondsOf("capacity", values.capacity ?? "4", span),
      normalMs: secondsOf("normal", values.normal ?? "4", span),
      overloadMs: secondsOf("overload", values.overload ?? "20", span),
      recoveryMs: secondsOf("recovery", values.recovery ?? "8", span),
      provider: {
        slots: wholeOf("slots", values.slots ?? "32", { min: 1, max: 1_000 }),
        answerMs: wholeOf("answer", values.answer ?? "100", { min: 10, max: 10_000 }),
        waitingMax: wholeOf("waiting", values.waiting ?? "64", { min: 1, max: 10_000 }),
        waitMs: wholeOf("wait", values.wait ?? "500", { min: 1, max: 60_000 }),
      },
      ...filesFrom(values),
    };
  });
}

function bottlenecksOf(text: string): readonly Bottleneck[] {
  if (text === "both") return BOTTLENECKS;
  const bottleneck = BOTTLENECKS.find((one) => one === text);
  if (bottleneck === undefined) {
    throw new Misuse(`--bottleneck must be ${BOTTLENECKS.join(" or ")}, or both`);
  }
  return [bottleneck];
}
