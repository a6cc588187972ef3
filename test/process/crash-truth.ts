/**
 * What the simulated provider received and answered, against what the ledger holds, request by
 * request: every request that arrived is an attempt, what was answered is posted, and what never
 * arrived says so.
 */
import type { Received } from "../../bench/upstream/received.ts";
import { type AttemptSeen, type LedgerSeen, type PostingSeen, total } from "./ledger.ts";
import type { Sent } from "./load.ts";
import { NANO_PER_TOKEN } from "./operator.ts";

/** Counts of one comparison, for whoever reads the test's output. */
export type CrashFacts = {
  readonly sent: number;
  readonly received: number;
  readonly attempts: number;
  /** Attempts that a crash cut off. */
  readonly crashed: number;
  /** How the ledger says that attempts ended which never arrived. */
  readonly unsent: Readonly<Record<string, number>>;
};

/** Whether a posting tells the truth about an attempt that never arrived: cut off, or never made. */
function admitsUnsent({ kind, outcome }: PostingSeen): boolean {
  // A client that leaves as its request goes out may stop it on the way; it is billed all the same.
  return kind === "expire" || kind === "void" || outcome === "client_gone";
}

/** The provider's truth against the ledger, request by request. */
export function compare(
  sent: readonly Sent[],
  received: readonly Readonly<Received>[],
  { attempts, requestIds }: LedgerSeen,
): { readonly breaches: readonly string[]; readonly facts: CrashFacts } {
  const receivedOf = Map.groupBy(received, ({ script }) => markIn(script));
  const attemptsOf = Map.groupBy(attempts, ({ model }) => markIn(model));
  const breaches: string[] = [];
  const unsent: Record<string, number> = {};
  const facts = { sent: sent.length, received: 0, attempts: attempts.length, crashed: 0, unsent };
  const known = new Set(sent.map(({ mark }) => mark));
  for (const mark of [...receivedOf.keys(), ...attemptsOf.keys()]) {
    if (!known.has(mark)) breaches.push(`nobody sent ${mark}`);
  }
  let answeredNanoUsd = 0;
  for (const { mark, leaves } of sent) {
    const arrived = receivedOf.get(mark) ?? [];
    const held = attemptsOf.get(mark) ?? [];
    const postings = held.flatMap((attempt) => attempt.postings);
    facts.received += arrived.length;
    if (arrived.length === 0) {
      for (const { outcome } of postings) unsent[outcome] = (unsent[outcome] ?? 0) + 1;
    }
    facts.crashed += postings.filter(({ kind }) => kind === "expire").length;
    if (arrived.length > held.length) {
      breaches.push(`${mark}: ${arrived.length} requests arrived, ${held.length} are held`);
    }
    if (held.length - arrived.length > postings.filter(admitsUnsent).length) {
      breaches.push(`${mark}: never arrived, but the ledger says ${JSON.stringify(postings)}`);
    }
    const answered = total(arrived.map(costOf));
    const posted = total(postings.map((posting) => posting.amountNanoUsd));
    answeredNanoUsd += answered;
    // A client that leaves owes what it was given, which may end before what the provider wrote.
    if (posted < answered && !leaves)
      breaches.push(`${mark}: ${answered} answered, ${posted} posted`);
    breaches.push(...held.flatMap((attempt) => wrongEnds(attempt, requestIds)));
  }
  const postedNanoUsd = total(
    attempts.flatMap(({ postings }) => postings.map((posting) => posting.amountNanoUsd)),
  );
  if (postedNanoUsd < answeredNanoUsd)
    breaches.push(`posted ${postedNanoUsd} < ${answeredNanoUsd}`);
  return { breaches, facts };
}

function markIn(text: string): string {
  return /key=(m\d+)/.exec(text)?.[1] ?? "";
}

/** What the provider charges for an answer whose usage it has sent. */
function costOf({ usage }: Readonly<Received>): number {
  if (usage === undefined) return 0;
  const { promptTokens, completionTokens } = usage;
  return promptTokens * NANO_PER_TOKEN.input + completionTokens * NANO_PER_TOKEN.output;
}

/** An attempt that a crash cut off is posted at its hold, says that it is estimated, and is listed. */
function wrongEnds(
  { id, heldNanoUsd, requestId, postings }: AttemptSeen,
  requestIds: ReadonlySet<string>,
): readonly string[] {
  return postings
    .filter(({ kind }) => kind === "expire")
    .filter(
      ({ amountNanoUsd, estimated }) =>
        amountNanoUsd !== heldNanoUsd || estimated !== 1 || !requestIds.has(requestId),
    )
    .map((posting) => `attempt ${id} of ${requestId} ended wrongly: ${JSON.stringify(posting)}`);
}
