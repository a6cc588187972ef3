/** `bench overspend` as a command: prepares the gateway, runs the rounds, reports, cleans up. */
import { formatTime, systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { chatEndpoint } from "../chat-request.ts";
import { resultsJson } from "../results.ts";
import { save } from "../save.ts";
import { type BenchIo, Progress } from "../terminal.ts";
import { targetArena, tollgateArena } from "./arena.ts";
import { OVERSPEND_USAGE, type OverspendOptions, parseOverspendOptions } from "./options.ts";
import { type OverspendResults, overspendReport } from "./report.ts";
import { runRounds } from "./rounds.ts";

/** 0 nobody overspent, 1 overspent or nothing could be counted, 2 wrong usage. */
type OverspendExit = 0 | 1 | 2;

/** An estimate for the progress line alone. */
const roundMs = 1_500;

/** Runs what the arguments ask for until `signal` aborts; throws what made it impossible. */
export async function runOverspend(
  args: readonly string[],
  io: BenchIo,
  signal: AbortSignal,
): Promise<OverspendExit> {
  const reading = parseOverspendOptions(args);
  if (reading.kind === "help") {
    io.out(OVERSPEND_USAGE);
    return 0;
  }
  if (reading.kind === "misuse") {
    io.err(`${reading.complaint}\nTry overspend --help.\n`);
    return 2;
  }
  const results = await measure(reading.options, io, signal);
  io.out(overspendReport(results));
  const { jsonPath } = reading.options;
  if (jsonPath !== undefined) await save(jsonPath, resultsJson(results), io);
  return results.overspent || results.through === 0 ? 1 : 0;
}

async function measure(
  options: OverspendOptions,
  io: BenchIo,
  signal: AbortSignal,
): Promise<OverspendResults> {
  const startedAt = formatTime(systemClock.nowMs());
  await using stack = new AsyncDisposableStack();
  const surroundings = { stack, clock: systemClock, signal, say: io.err };
  const arena =
    options.target === undefined
      ? await tollgateArena(options, surroundings)
      : await targetArena(options.target, surroundings);
  const progress = new Progress(io, systemClock, 1);
  stack.defer(() => progress.end());
  progress.begin("calling", roundMs * options.rounds);
  const { note } = progress;
  const context = { clock: systemClock, random: systemRandom, signal, note };
  const judgement = await runRounds(options, arena, context);
  return {
    kind: "overspend",
    startedAt,
    gateway: chatEndpoint(arena.gateway).href,
    model: options.model,
    room: options.room,
    accessTokens: arena.tokens.length,
    overspent: judgement.worstOvershootCalls > 0,
    ...judgement,
  };
}
