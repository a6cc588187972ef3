/**
 * Runs the rounds: many calls at once, plain and streamed in turn, then spread over a moment, and
 * after each round the question to the upstream what arrived.
 */
import { type Clock, sleep } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";
import type { NanoUsd } from "../../src/base/units.ts";
import { chatEndpoint } from "../chat-request.ts";
import { HttpClient } from "../http-client.ts";
import { type CallEnd, type CallPlan, makeCall } from "./call.ts";
import { judge, type Judgement, type RoundSeen } from "./judge.ts";
import type { OverspendOptions, Pricing } from "./options.ts";
import { type CallSeen, costOfCall, type Truth } from "./truth.ts";

/** A gateway that is ready to be called, and how to see what gets through it. */
export type Arena = {
  readonly gateway: URL;
  readonly tokens: readonly string[];
  readonly truth: Truth;
  readonly pricing: Pricing | undefined;
};

export type RoundContext = {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Says what is being done right now. */
  readonly note: (text: string) => void;
};

/** The first rounds of both kinds are sent at once, whatever the jitter. */
const roundsAtOnce = 2;

/** All rounds, one after the other, and what they come to. */
export async function runRounds(
  options: OverspendOptions,
  arena: Arena,
  context: RoundContext,
): Promise<Judgement> {
  const { truth, pricing, tokens } = arena;
  const endpoint = chatEndpoint(arena.gateway);
  const rounds: RoundSeen[] = [];
  let costliestNanoUsd: NanoUsd | undefined;
  for (let round = 0; round < options.rounds; round += 1) {
    const tokenIndex = round % tokens.length;
    const stream = round % 2 === 1;
    const spreadMs = round < roundsAtOnce ? 0 : options.jitterMs;
    context.note(`round ${round + 1} of ${options.rounds}, ${stream ? "streamed" : "plain"}`);
    const { model, tokensMax, calls } = options;
    const token = tokens[tokenIndex] ?? "";
    const plan: CallPlan = { endpoint, token, model, stream, tokensMax };
    const before = await truth.lastNumber();
    const ends = await sendAll(plan, { count: calls, from: round * calls, spreadMs }, context);
    const seen = await truth.callsAfter(before);
    const costs = pricing === undefined ? [] : seen.map((call) => costOfCall(call, pricing));
    costliestNanoUsd = largest(costliestNanoUsd, costs);
    rounds.push({ tokenIndex, stream, spreadMs, calls, ...summary(seen, costs, pricing, ends) });
  }
  return judge(rounds, options.room, costliestNanoUsd);
}

function largest(known: NanoUsd | undefined, costs: readonly NanoUsd[]): NanoUsd | undefined {
  return costs.length === 0 ? known : Math.max(known ?? 0, ...costs);
}

function summary(
  seen: readonly CallSeen[],
  costs: readonly NanoUsd[],
  pricing: Pricing | undefined,
  ends: readonly CallEnd[],
) {
  const labels = new Map<string, number>();
  for (const { label } of ends) labels.set(label, (labels.get(label) ?? 0) + 1);
  const countOf = (kind: CallEnd["kind"]): number => ends.filter((end) => end.kind === kind).length;
  return {
    through: seen.length,
    spentNanoUsd: pricing === undefined ? undefined : costs.reduce((sum, cost) => sum + cost, 0),
    ends: [...labels]
      .map(([label, count]) => ({ label, count }))
      .toSorted((a, b) => b.count - a.count),
    answered: countOf("answered"),
    refused: countOf("refused"),
    failed: countOf("failed"),
  };
}

type Burst = { readonly count: number; readonly from: number; readonly spreadMs: number };

/** Every call has a connection of its own, so that none waits for another. */
async function sendAll(
  plan: CallPlan,
  { count, from, spreadMs }: Burst,
  { clock, random, signal }: RoundContext,
): Promise<readonly CallEnd[]> {
  const client = new HttpClient(plan.endpoint);
  const stop = (): void => client.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const calls = Array.from({ length: count }, async (_, index) => {
      if (spreadMs > 0) await sleep(clock, random.unit() * spreadMs, signal);
      return await makeCall(client, plan, from + index);
    });
    const ends = await Promise.all(calls);
    signal.throwIfAborted();
    return ends;
  } finally {
    signal.removeEventListener("abort", stop);
    client.close();
  }
}
