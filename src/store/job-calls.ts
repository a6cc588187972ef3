/**
 * Attempts that stay open until their provider has done its work: recovery leaves them alone, because a
 * job goes on whatever becomes of this process.
 *
 * Invariant: a job outlives its attempt's posting only until its end is noted, never the other way round.
 */
import { and, eq, sql } from "drizzle-orm";
import { attempts, jobs, openAttempts, postings, priceVersions } from "../../drizzle/schema.ts";
import type { Connection } from "./database.ts";
import type { KnownJob } from "./jobs-contract.ts";
import type { Calls } from "./protocol.ts";

type JobCalls = Pick<Calls, "noteJob" | "endJob" | "knownJobs" | "requestOfEnded">;

/** What the ledger says of all of a request's attempts. */
const RECOUNT = sql.raw(`
  (input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost_nano_usd, estimated) =
  (select sum(p.input_tokens), sum(p.output_tokens), sum(p.cached_input_tokens),
     sum(p.reasoning_tokens), sum(p.amount_nano_usd), max(p.estimated)
   from attempts a join postings p on p.attempt_id = a.id where a.request_id = requests.id)`);

export function jobCalls({ orm, sqlite }: Connection): JobCalls {
  return {
    noteJob: (job) => {
      // Noted again where nobody knows whether it was.
      orm.insert(jobs).values(job).onConflictDoNothing().run();
      return null;
    },
    endJob: (attemptId) => sqlite.transaction(() => end(orm, attemptId)).immediate(),
    knownJobs: () => known(orm),
    requestOfEnded: (attemptId) => requestOfEnded(orm, attemptId),
  };
}

/** Its request's row says from now on what the job has cost. */
function end(orm: Connection["orm"], attemptId: string): boolean {
  const job = known(orm, attemptId).at(0);
  if (job === undefined) return true;
  if (job.isOpen) return false;
  orm.delete(jobs).where(eq(jobs.attemptId, attemptId)).run();
  orm.run(sql`update requests set ${RECOUNT} where id = ${job.requestId}`);
  return true;
}

function requestOfEnded(orm: Connection["orm"], attemptId: string): string | null {
  const ended = orm
    .select({ requestId: attempts.requestId })
    .from(attempts)
    .innerJoin(postings, eq(postings.attemptId, attempts.id))
    .where(eq(attempts.id, attemptId))
    .get();
  return ended?.requestId ?? null;
}

/** All of them, or the one of an attempt. */
function known(orm: Connection["orm"], attemptId?: string): readonly KnownJob[] {
  return (
    orm
      .select({ job: jobs, attempt: attempts, price: priceVersions.price, open: openAttempts })
      .from(jobs)
      // Walked from its left, the few; an inner join in this order would walk all attempts there are.
      .crossJoin(attempts)
      .innerJoin(priceVersions, eq(priceVersions.seq, attempts.priceVersion))
      .leftJoin(openAttempts, eq(openAttempts.attemptSeq, attempts.seq))
      .where(
        and(
          eq(attempts.id, jobs.attemptId),
          attemptId === undefined ? undefined : eq(jobs.attemptId, attemptId),
        ),
      )
      .orderBy(attempts.seq)
      .all()
      .map(({ job, attempt, price, open }) => {
        const { requestId, model, heldNanoUsd, heldAtMs } = attempt;
        const { tenantId, projectId, tokenId, endUserId, routeId, providerId } = attempt;
        const scopes = { tenantId, projectId, tokenId, endUserId, routeId, providerId };
        const isOpen = open !== null;
        return { ...job, isOpen, requestId, scopes, model, price, heldNanoUsd, heldAtMs };
      })
  );
}
