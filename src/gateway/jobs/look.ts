/**
 * One look at a job: how it stands at its provider, and when it has ended, what it cost. Answers are counted
 * one by one while they are read; what the provider says of the whole is believed only where they are gone.
 */
import { assert } from "../../base/assert.ts";
import type { JobKind } from "../../base/object-kind.ts";
import { codecOf } from "../../dialects/catalogue.ts";
import type { Codec } from "../../dialects/contract.ts";
import type { Usage } from "../../dialects/usage-contract.ts";
import type { BatchBounds, JobOutput, JobState, OutputLine } from "../../dialects/job-contract.ts";
import type { Surface } from "../../dialects/surfaces.ts";
import { addUsage } from "../../dialects/usage-counts.ts";
import { NO_USAGE } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { noteMadeAt } from "../objects/made.ts";
import { BatchCost } from "../prices/batch-cost.ts";
import { exactNanoUsd } from "../prices/cost.ts";
import { askKeeper, readKept, type Heard } from "./ask-keeper.ts";
import { isUnheard, type Job, type JobEnd, type Look, unknownEnd } from "./job.ts";

const SURFACE_OF: Readonly<Record<JobKind, Surface>> = {
  batch: "batch",
  response: "response",
};

/** Throws what a bug throws; a provider that fails is one that could not be asked. */
export async function lookAt(gateway: Gateway, job: Job): Promise<Look> {
  const surface = SURFACE_OF[job.kind];
  const answer = await askKeeper(gateway, job, surface, job.objectId);
  if (answer === "unknown" || isUnheard(answer)) return answer;
  const codec = codecOf(surface);
  const state = codec.jobState?.(answer) ?? null;
  await noteMadeAt(gateway, placeOf(job), codec.made?.(answer, {}) ?? []);
  if (state === null) return { unheard: "not_understood" };
  if (state.state === "running") return "running";
  return job.bounds === null
    ? endOf(job, state)
    : await endOfBatch(gateway, { ...job, bounds: job.bounds }, codec, state);
}

type Ended = Extract<JobState, { state: "ended" }>;

function endOf(job: Job, { usage, outputTokensSeen = 0 }: Ended): JobEnd {
  if (usage !== null) {
    const costNanoUsd = exactNanoUsd(usage, job.price);
    return { costNanoUsd, estimated: false, usage, outcome: "ok" };
  }
  const { inputTokensEstimate: inputTokens } = job;
  const likely = { ...NO_USAGE, inputTokens, outputTokens: outputTokensSeen };
  const costNanoUsd = Math.min(exactNanoUsd(likely, job.price), job.heldNanoUsd);
  return { costNanoUsd, estimated: true, usage: likely, outcome: "usage_missing" };
}

/** A job of many requests. */
type Batch = Job & { readonly bounds: BatchBounds };

async function endOfBatch(
  gateway: Gateway,
  batch: Batch,
  { jobOutput }: Codec,
  { outputs, answered = null, usage }: Ended,
): Promise<Look> {
  assert(jobOutput, "what tells of a batch reads its answers");
  const sum = new BatchSum(batch);
  let areAllThere = outputs.length > 0;
  for (const fileId of outputs) {
    const read = await readOutput(gateway, batch, fileId, jobOutput(batch.bounds.surface), sum);
    if (isUnheard(read)) return read;
    if (read === "unknown") areAllThere = false;
  }
  const isWhole = answered === null ? areAllThere && sum.lines > 0 : sum.lines >= answered;
  if (isWhole) return sum.end();
  if (usage !== null) return endByTotal(batch, usage);
  const isGone = outputs.length > 0 && !areAllThere;
  // Its files may be told of, and filled, a little later than its end.
  return isGone ? unknownEnd(batch, "output_gone") : "unknown";
}

/** All answers in one: their tiers cannot be told apart any more. */
function endByTotal({ price, heldNanoUsd }: Batch, usage: Usage): JobEnd {
  const cost = new BatchCost(price);
  cost.add(usage);
  const costNanoUsd = Math.min(cost.nanoUsd(), heldNanoUsd);
  return { costNanoUsd, estimated: true, usage, outcome: "output_gone" };
}

async function readOutput(
  gateway: Gateway,
  batch: Batch,
  fileId: string,
  output: JobOutput,
  sum: BatchSum,
): Promise<Heard<true>> {
  const take = async (lines: readonly OutputLine[]): Promise<void> => {
    for (const line of lines) sum.add(line);
    const made = lines.flatMap((line) => line.made);
    await noteMadeAt(gateway, placeOf(batch), made);
  };
  const heard = await readKept(gateway, batch, fileId, (piece) => take(output.push(piece)));
  if (heard === true) await take(output.end());
  return heard;
}

/** Answers of a batch, added up. */
class BatchSum {
  readonly #batch: Batch;
  readonly #cost: BatchCost;
  readonly #reportedCost: BatchCost;
  #usage: Usage = NO_USAGE;
  #isEstimated = false;
  #lines = 0;

  constructor(batch: Batch) {
    this.#batch = batch;
    this.#cost = new BatchCost(batch.price);
    this.#reportedCost = new BatchCost(batch.price);
  }

  /** Of requests that failed, too. */
  get lines(): number {
    return this.#lines;
  }

  add({ isAnswered, usage, output }: OutputLine): void {
    this.#lines += 1;
    if (!isAnswered) return;
    const used = usage ?? this.#likely(output.tokens);
    if (usage === null) this.#isEstimated = true;
    else this.#reportedCost.add(usage);
    this.#usage = addUsage(this.#usage, used);
    this.#cost.add(used);
  }

  #likely(outputTokens: number): Usage {
    const { bounds, inputTokensEstimate } = this.#batch;
    return {
      ...NO_USAGE,
      inputTokens: Math.ceil(inputTokensEstimate / bounds.lines),
      outputTokens,
    };
  }

  /**
   * The truth, even when it passes the hold; what is estimated beside it never does, nor do more answers than
   * were asked for.
   */
  end(): JobEnd {
    const { bounds, heldNanoUsd } = this.#batch;
    const areTooMany = this.#lines > bounds.lines;
    const toldNanoUsd = areTooMany ? 0 : this.#reportedCost.nanoUsd();
    return {
      costNanoUsd: Math.max(toldNanoUsd, Math.min(this.#cost.nanoUsd(), heldNanoUsd)),
      estimated: this.#isEstimated || areTooMany,
      usage: this.#usage,
      outcome: "ok",
    };
  }
}

function placeOf(job: Job) {
  const { scopes, credentialPosition, credentialHash, route, model } = job;
  const { tenantId, tokenId, providerId } = scopes;
  return { tenantId, tokenId, providerId, credentialPosition, credentialHash, route, model };
}
