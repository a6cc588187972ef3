/**
 * The plain exchange at one client, back to back: what each way costs when nothing competes. The
 * subjects take turns in short slices, so that the machine's noise falls on all of them.
 */
import { type BenchContext, loadOptions, of, requireSuccess } from "./context.ts";
import { plainExchange } from "./exchange.ts";
import { HttpClient } from "./http-client.ts";
import { failureCount, runLoad } from "./load.ts";
import { type Added, addedBy, type CurvePoint, Distribution, type Summary } from "./statistics.ts";
import { inTurn, type SubjectName } from "./subjects.ts";

/** Latency of one way over all its slices. */
export type PlainEntry = {
  readonly subject: SubjectName;
  readonly latency: Summary;
  readonly curve: readonly CurvePoint[];
  /** Against the direct way; of the direct way itself zero. */
  readonly added: Added;
  readonly failures: number;
};

/** An entry per way, in the order of the context's subjects. */
export async function measurePlain(context: BenchContext): Promise<readonly PlainEntry[]> {
  const { rounds, sliceMs, warmUpMs } = context.profile.plain;
  const runs = context.subjects.map((subject) => ({
    subject,
    client: new HttpClient(subject.endpoint),
    latency: new Distribution(),
    failures: 0,
  }));
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const run of inTurn(runs, round)) {
        context.signal.throwIfAborted();
        context.note(`${run.subject.name}, round ${round + 1} of ${rounds}`);
        const request = run.subject.request("plain");
        const result = await runLoad(
          loadOptions(context, { kind: "closed", clients: 1 }, { durationMs: sliceMs, warmUpMs }),
          () => plainExchange(run.client, request),
        );
        context.signal.throwIfAborted();
        requireSuccess(run.subject.name, result);
        run.latency.add(result.latency);
        run.failures += failureCount(result);
      }
    }
  } finally {
    for (const run of runs) run.client.close();
  }
  const entries = runs.map((run) => ({
    subject: run.subject.name,
    latency: run.latency.summary(),
    curve: run.latency.curve(),
    failures: run.failures,
  }));
  const direct = of(entries, "direct")?.latency;
  return entries.map((entry) => {
    const added = addedBy(entry.latency, direct ?? entry.latency);
    return Object.assign(entry, { added });
  });
}
