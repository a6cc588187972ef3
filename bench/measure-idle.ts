/**
 * Memory of a stream that waits. A fifth of the streams is opened first and measured, then the
 * rest: the difference leaves out what the process allocates only once.
 */
import { sleep } from "../src/base/clock.ts";
import { type BenchContext, within } from "./context.ts";
import { HttpClient } from "./http-client.ts";
import { readUsage } from "./measure-cpu.ts";
import { FrameCounter } from "./sse-frames.ts";
import type { Subject, SubjectName } from "./subjects.ts";

/** Memory of one way's process per waiting stream. */
export type IdleEntry = {
  readonly subject: SubjectName;
  readonly streams: number;
  /** Negative when the process gave memory back meanwhile; undefined where it cannot be read. */
  readonly residentBytesPerStream: number | undefined;
};

const openWithinMs = 20_000;
const openAtOnce = 20;

/** The direct way has no process in the middle and is left out. */
export async function measureIdle(context: BenchContext): Promise<readonly IdleEntry[]> {
  const entries: IdleEntry[] = [];
  for (const subject of context.subjects) {
    if (subject.pid === undefined) continue;
    context.note(subject.name);
    entries.push(await measureOne(context, subject));
  }
  return entries;
}

async function measureOne(context: BenchContext, subject: Subject): Promise<IdleEntry> {
  const { streams, settleMs } = context.profile.idle;
  const { clock, signal } = context;
  const few = Math.ceil(streams / 5);
  const client = new HttpClient(subject.endpoint);
  try {
    await openStreams(context, client, { subject, count: few });
    await sleep(clock, settleMs, signal);
    const before = readUsage(subject);
    await openStreams(context, client, { subject, count: streams - few });
    await sleep(clock, settleMs, signal);
    signal.throwIfAborted();
    const after = readUsage(subject);
    const grownBytes =
      before === undefined || after === undefined
        ? undefined
        : (after.residentBytes - before.residentBytes) / (streams - few);
    return { subject: subject.name, streams, residentBytesPerStream: grownBytes };
  } finally {
    client.close();
    await sleep(clock, settleMs, signal);
  }
}

/** Resolves when each of `count` more streams has brought its first frame; throws when one ends. */
async function openStreams(
  context: BenchContext,
  client: HttpClient,
  wanted: { readonly subject: Subject; readonly count: number },
): Promise<void> {
  const request = wanted.subject.request("idle");
  for (let opened = 0; opened < wanted.count; opened += openAtOnce) {
    context.signal.throwIfAborted();
    const batch = Math.min(openAtOnce, wanted.count - opened);
    const opening = Array.from({ length: batch }, () => openStream(client, request));
    const complaint = `${wanted.subject.name}: a stream brought no frame in ${openWithinMs} ms`;
    await within(context.clock, { delayMs: openWithinMs, complaint }, Promise.all(opening));
  }
}

function openStream(client: HttpClient, request: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const frames = new FrameCounter({ onFrame: resolve });
    void client
      .send(request, { onBody: (bytes) => frames.push(bytes) })
      .then((reply) =>
        reject(new Error(reply.arrived ? `HTTP ${reply.status}, and it ended` : reply.reason)),
      );
  });
}
