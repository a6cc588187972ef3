/**
 * What a command line asks `bench overspend` for. As for the benchmark itself, anything that is not
 * understood is wrong usage, never ignored.
 */
import { type NanoUsd, type PicoUsd, parseUsd, parseUsdPerMillion } from "../../src/base/units.ts";
import { connectionsMax } from "../context.ts";
import { Misuse, addressOf, wholeOf, flagsOf } from "../option-values.ts";

/** What a call costs: told, or counted from what the upstream generated. */
export type Pricing =
  | { readonly kind: "per_call"; readonly callNanoUsd: NanoUsd }
  | { readonly kind: "per_token"; readonly inputPicoUsd: PicoUsd; readonly outputPicoUsd: PicoUsd };

/** Where the upstream that counts is. */
export type UpstreamPlace =
  | { readonly kind: "running"; readonly url: URL }
  | { readonly kind: "start"; readonly port: number };

/** A gateway that somebody else configured. */
export type OverspendTarget = {
  readonly url: URL;
  /** Each has room of its own; the rounds take them in turn. */
  readonly tokens: readonly string[];
  readonly upstream: UpstreamPlace;
  /** Absent: overshoot is told in calls alone. */
  readonly pricing: Pricing | undefined;
};

export type OverspendOptions = {
  /** Absent: Tollgate itself, started and configured for the occasion. */
  readonly target: OverspendTarget | undefined;
  readonly model: string;
  /** Calls that each access token has room for. */
  readonly room: number;
  /** Calls of a round. */
  readonly calls: number;
  readonly rounds: number;
  /** Over how long the calls of the later rounds arrive. */
  readonly jitterMs: number;
  readonly tokensMax: number;
  readonly jsonPath: string | undefined;
};

export type OverspendReading =
  | { readonly kind: "options"; readonly options: OverspendOptions }
  | { readonly kind: "help" }
  | { readonly kind: "misuse"; readonly complaint: string };

/** Where a gateway's configuration expects the upstream when nobody said otherwise. */
const UPSTREAM_PORT = 9_009;

export const OVERSPEND_USAGE = `Usage: bench overspend [options]
       bench overspend --target URL --token T --room K [options]

Sends many calls at once to a gateway whose access token has room for K of them, plain and streamed
in turn, and counts at the upstream how many got through. Without --target it starts Tollgate, with
a fresh access token and a hard budget for exactly K calls in each round.

  --target URL        gateway to test; a bare address gets /v1/chat/completions
  --token T           access token with room for K calls; repeat it for rounds with fresh room
  --room K            calls that each access token has room for (10 without --target)
  --model M           model to ask for (sim-small)
  --calls N           calls of a round (200)
  --rounds N          rounds, plain and streamed in turn (6)
  --jitter MS         from the third round on the calls arrive within this time, not at once (50)
  --max-tokens N      model tokens that an answer has, which bounds a call's cost (16)
  --upstream-port P   the scripted upstream is started there, on 127.0.0.1 (${UPSTREAM_PORT})
  --upstream URL      or is a \`tollgate simulator\` that already runs
  --call-cost-usd D   what a call costs, to tell the overshoot in dollars; or its prices:
  --input-usd D       dollars per million input tokens
  --output-usd D      dollars per million output tokens
  --json FILE         write the results as JSON
  --help              this text

Another gateway, here LiteLLM: give it a model whose upstream is the scripted one, with a price, and
a key whose budget is K calls' worth. With 16 output tokens at 1,000 dollars per million a call costs
0.016 dollars, so max_budget 0.16 is room for 10:

  model_list:
    - model_name: sim-small
      litellm_params: {model: openai/sim-small, api_base: "http://127.0.0.1:${UPSTREAM_PORT}/v1", api_key: x,
                       input_cost_per_token: 0, output_cost_per_token: 0.001}

  curl localhost:4000/key/generate -H "Authorization: Bearer $MASTER_KEY" \\
    -H 'Content-Type: application/json' -d '{"max_budget": 0.16}'
  bench overspend --target http://localhost:4000 --token sk-… --room 10 --call-cost-usd 0.016

Any gateway of the OpenAI dialect is tested the same way. Switch off its cache. A gateway that looks
for its upstream when it starts needs the upstream first: run \`tollgate simulator --port ${UPSTREAM_PORT}
--script headers_delay_ms=100\` and say --upstream http://127.0.0.1:${UPSTREAM_PORT} here. Nobody else may use that
upstream meanwhile.

Exit codes: 0 nobody overspent, 1 overspent or nothing could be counted, 2 wrong usage.
`;

const flags = {
  target: { type: "string" },
  token: { type: "string", multiple: true },
  room: { type: "string" },
  model: { type: "string" },
  calls: { type: "string" },
  rounds: { type: "string" },
  jitter: { type: "string" },
  "max-tokens": { type: "string" },
  upstream: { type: "string" },
  "upstream-port": { type: "string" },
  "call-cost-usd": { type: "string" },
  "input-usd": { type: "string" },
  "output-usd": { type: "string" },
  json: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

type Values = ReturnType<typeof flagsOf<typeof flags>>;

/** Reads everything after the word `overspend`. */
export function parseOverspendOptions(args: readonly string[]): OverspendReading {
  try {
    const values = flagsOf(args, flags);
    return values.help === true
      ? { kind: "help" }
      : { kind: "options", options: optionsFrom(values) };
  } catch (error) {
    // What parseArgs throws is a TypeError that names the flag and what is wrong with it.
    if (error instanceof Misuse || error instanceof TypeError) {
      return { kind: "misuse", complaint: error.message };
    }
    throw error;
  }
}

function optionsFrom(values: Values): OverspendOptions {
  const target = values.target === undefined ? undefined : targetFrom(values, values.target);
  if (target === undefined) refuseStrays(values);
  if (target !== undefined && values.room === undefined) throw new Misuse("--target needs --room");
  const whole = (name: keyof typeof flags, fallback: string, min: number, max: number): number =>
    wholeOf(name, String(values[name] ?? fallback), { min, max });
  const options: OverspendOptions = {
    target,
    model: values.model ?? "sim-small",
    room: whole("room", "10", 0, 1e6),
    calls: whole("calls", "200", 1, connectionsMax),
    rounds: whole("rounds", "6", 1, 1_000),
    jitterMs: whole("jitter", "50", 0, 60_000),
    tokensMax: whole("max-tokens", "16", 1, 100_000),
    jsonPath: values.json,
  };
  if (options.calls <= options.room) {
    throw new Misuse("--calls must be more than --room, else nobody can overspend");
  }
  return options;
}

const needTarget = [
  "token",
  "upstream",
  "upstream-port",
  "call-cost-usd",
  "input-usd",
  "output-usd",
] as const;

function refuseStrays(values: Values): void {
  const stray = needTarget.find((name) => values[name] !== undefined);
  if (stray !== undefined) throw new Misuse(`--${stray} needs --target`);
}

function targetFrom(values: Values, address: string): OverspendTarget {
  const { token: tokens } = values;
  if (tokens === undefined) throw new Misuse("--target needs --token");
  return {
    url: addressOf("target", address),
    tokens,
    upstream: placeFrom(values),
    pricing: pricingFrom(values),
  };
}

function placeFrom(values: Values): UpstreamPlace {
  const { upstream, "upstream-port": port } = values;
  if (upstream === undefined) {
    const bounds = { min: 0, max: 65_535 };
    return { kind: "start", port: wholeOf("upstream-port", port ?? `${UPSTREAM_PORT}`, bounds) };
  }
  if (port !== undefined) throw new Misuse("--upstream and --upstream-port exclude each other");
  return { kind: "running", url: addressOf("upstream", upstream) };
}

function pricingFrom(values: Values): Pricing | undefined {
  const call = values["call-cost-usd"];
  const input = values["input-usd"];
  const output = values["output-usd"];
  if (call !== undefined) {
    if (input !== undefined || output !== undefined) {
      throw new Misuse("--call-cost-usd excludes --input-usd and --output-usd");
    }
    const callNanoUsd = amountOf("call-cost-usd", parseUsd(call));
    return { kind: "per_call", callNanoUsd };
  }
  if (input === undefined && output === undefined) return undefined;
  return {
    kind: "per_token",
    inputPicoUsd: amountOf("input-usd", parseUsdPerMillion(input ?? "0")),
    outputPicoUsd: amountOf("output-usd", parseUsdPerMillion(output ?? "0")),
  };
}

function amountOf(name: string, amount: number | undefined): number {
  if (amount === undefined) throw new Misuse(`--${name} must be an amount such as 0.0125`);
  return amount;
}
