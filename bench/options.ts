/**
 * What a command line asks the bench for. `bun run bench` and `tollgate bench` read the same
 * options here, so they cannot differ. Anything not understood is wrong usage, never ignored.
 */
import { connectionsMax } from "./context.ts";
import type { LoadPlan } from "./load.ts";
import {
  addressOf,
  filesFrom,
  Misuse,
  type Reading,
  readingOf,
  numberOf,
  wholeOf,
  flagsOf,
} from "./option-values.ts";
import type { Way } from "./target-results.ts";

/** A whole run, or one target. */
export type BenchOptions = {
  /** Where results go besides the terminal; undefined: the mode's default. */
  readonly jsonPath: string | undefined;
  readonly plotPath: string | undefined;
} & (
  | { readonly kind: "suite"; readonly quick: boolean }
  | {
      readonly kind: "target";
      readonly ways: readonly Way[];
      readonly load: LoadPlan;
      readonly durationMs: number;
      readonly stream: boolean;
      readonly tokensMax: number;
    }
);

export const BENCH_USAGE = `Usage: bench [options]
       bench --target URL --token T [--direct URL] [options]
       bench overspend --help
       bench ledger-size --help
       bench failover --help
       bench overload --help
       bench slow-peers --help

Without --target it starts a scripted upstream, a bare Bun relay and Tollgate with every control
on, measures all three ways in one run of about five minutes, and judges them by Tollgate's goals.
With --target it measures any gateway that speaks the OpenAI dialect. Other commands ask other
questions: \`bench overspend\` whether many calls at once get more out of a budget than is in it,
\`bench ledger-size\` whether Tollgate stays as fast when its history is long, \`bench failover\` what
clients and providers feel when a provider fails, \`bench overload\` what is left of a gateway that is
asked for three times what it can do, \`bench slow-peers\` whether slow clients slow others down.

  --target URL        gateway to measure; a bare address gets /v1/chat/completions
  --token T           access token for the target
  --model M           model to ask for (sim-small)
  --direct URL        the same model without the gateway: prints what the gateway adds
  --direct-token T    credential for the direct way (none)
  --direct-model M    model of the direct way (that of --model)
  --concurrency N     clients that send back to back (1)
  --rate N            open loop instead: N exchanges per second, measured from planned start
  --gaps KIND         constant or exponential gaps between the arrivals of --rate (constant)
  --duration S        seconds of load on each way (10)
  --max-tokens N      model tokens that an answer may have, which bounds the cost (256)
  --stream            stream the answers: first frame and gap between frames
  --quick             a run of seconds that shows that everything works (without --target)
  --json FILE         write the results as JSON (without --target: bench/results/TIME.json)
  --plot FILE         draw the results, .svg or .html (without --target: bench/results/TIME.svg)
  --help              this text

Exit codes: 0 measured, 1 failed, 2 wrong usage.
`;

const flags = {
  target: { type: "string" },
  token: { type: "string" },
  model: { type: "string" },
  direct: { type: "string" },
  "direct-token": { type: "string" },
  "direct-model": { type: "string" },
  concurrency: { type: "string" },
  rate: { type: "string" },
  gaps: { type: "string" },
  duration: { type: "string" },
  "max-tokens": { type: "string" },
  stream: { type: "boolean" },
  quick: { type: "boolean" },
  json: { type: "string" },
  plot: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

type Values = ReturnType<typeof flagsOf<typeof flags>>;

/** Reads everything after the command's name. */
export function parseBenchOptions(args: readonly string[]): Reading<BenchOptions> {
  return readingOf(() => {
    const values = flagsOf(args, flags);
    if (values.help === true) return undefined;
    return values.target === undefined ? suite(values) : target(values, values.target);
  });
}

const bothModes = new Set(["json", "plot", "quick"]);

function suite(values: Values): BenchOptions {
  const stray = Object.keys(values).find((name) => !bothModes.has(name));
  if (stray !== undefined) throw new Misuse(`--${stray} needs --target`);
  return { kind: "suite", quick: values.quick === true, ...filesFrom(values) };
}

function target(values: Values, address: string): BenchOptions {
  if (values.quick === true) throw new Misuse("--quick is for a run without --target");
  if (values.token === undefined) throw new Misuse("--target needs --token");
  const model = values.model ?? "sim-small";
  const ways: Way[] = [
    { name: "target", url: addressOf("target", address), token: values.token, model },
  ];
  if (values.direct !== undefined) {
    ways.push({
      name: "direct",
      url: addressOf("direct", values.direct),
      token: values["direct-token"],
      model: values["direct-model"] ?? model,
    });
  } else if (values["direct-token"] !== undefined || values["direct-model"] !== undefined) {
    throw new Misuse("--direct-token and --direct-model need --direct");
  }
  const seconds = numberOf("duration", values.duration ?? "10", { min: 0.1, max: 3_600 });
  const durationMs = seconds * 1_000;
  const stream = values.stream === true;
  const tokensMax = wholeOf("max-tokens", values["max-tokens"] ?? "256", { min: 1, max: 1e6 });
  const load = loadOf(values);
  return { kind: "target", ways, load, durationMs, stream, tokensMax, ...filesFrom(values) };
}

function loadOf(values: Values): LoadPlan {
  if (values.rate !== undefined && values.concurrency !== undefined) {
    throw new Misuse("--rate and --concurrency exclude each other");
  }
  if (values.rate === undefined) {
    if (values.gaps !== undefined) throw new Misuse("--gaps needs --rate");
    const bounds = { min: 1, max: connectionsMax };
    const clients = wholeOf("concurrency", values.concurrency ?? "1", bounds);
    return { kind: "closed", clients };
  }
  const gaps = values.gaps ?? "constant";
  if (gaps !== "constant" && gaps !== "exponential") {
    throw new Misuse("--gaps must be constant or exponential");
  }
  const ratePerSecond = numberOf("rate", values.rate, { min: 0.01, max: 100_000 });
  return { kind: "open", ratePerSecond, gaps, inFlightMax: connectionsMax };
}
