/**
 * One exchange with a subject, plain or streamed, and what its answer was worth. A status other
 * than 200 and a stream without its terminator are failures with a reason that a person can read.
 */
import type { Clock } from "../src/base/clock.ts";
import type { ExchangeObserver, HttpClient, Reply } from "./http-client.ts";
import type { Outcome } from "./load.ts";
import { FrameCounter } from "./sse-frames.ts";
import { Distribution } from "./statistics.ts";

const reasonCharactersMax = 200;

/** Keeps the beginning of an answer that is a refusal; other answers cost nothing. */
class RefusalWatch implements ExchangeObserver {
  #refused = false;
  #text = "";

  readonly onHead = (status: number): void => {
    this.#refused = status !== 200;
  };

  readonly onBody = (bytes: Buffer): void => {
    if (this.#refused && this.#text.length < 4_096) this.#text += bytes.toString("utf8");
  };

  /** Why the reply is a failure; undefined when it is none. */
  judge(reply: Reply): Outcome {
    if (!reply.arrived) return reply.reason;
    if (reply.status === 200) return undefined;
    return `HTTP ${reply.status}: ${messageOf(this.#text)}`.slice(0, reasonCharactersMax);
  }
}

function messageOf(body: string): string {
  try {
    const answer: unknown = JSON.parse(body);
    const message = (answer as { error?: { message?: unknown } } | null)?.error?.message;
    if (typeof message === "string") return message;
  } catch {
    // Not JSON: the text itself says the most.
  }
  return body.trim();
}

/** Sends one request and waits for its whole answer. */
export async function plainExchange(client: HttpClient, request: Uint8Array): Promise<Outcome> {
  const watch = new RefusalWatch();
  return watch.judge(await client.send(request, watch));
}

/** What many streams of one subject showed, taken together. */
export class StreamRecord {
  /** From planned start to the first frame. */
  readonly firstFrame = new Distribution();
  /** Between two frames of one stream. */
  readonly gap = new Distribution(4);
  streamCount = 0;
  frameCount = 0;
  mergedCount = 0;
  /** Frames that a stream should have had and did not, as far as an expectation is known. */
  lostCount = 0;

  /** Streams one answer into this record; `framesExpected` when the number is known. */
  async exchange(
    client: HttpClient,
    request: Uint8Array,
    stream: { plannedAtMs: number; framesExpected: number | undefined; clock: Clock },
  ): Promise<Outcome> {
    const { clock, plannedAtMs } = stream;
    const watch = new RefusalWatch();
    let lastAtMs: number | undefined;
    const frames = new FrameCounter({
      onFrame: () => {
        const nowMs = clock.monotonicMs();
        if (lastAtMs === undefined) this.firstFrame.recordMs(nowMs - plannedAtMs);
        else this.gap.recordMs(nowMs - lastAtMs);
        lastAtMs = nowMs;
        this.frameCount += 1;
      },
    });
    const reply = await client.send(request, {
      onHead: watch.onHead,
      onBody: (bytes) => {
        watch.onBody(bytes);
        frames.push(bytes);
      },
      onReadEnd: () => frames.endRead(),
    });
    this.streamCount += 1;
    // The last read is still being handed on when the reply resolves within it, never after it.
    this.mergedCount += frames.mergedCount;
    this.lostCount += Math.max(0, (stream.framesExpected ?? 0) - frames.frameCount);
    return watch.judge(reply) ?? (frames.done ? undefined : "stream ended without [DONE]");
  }

  add(other: StreamRecord): void {
    this.firstFrame.add(other.firstFrame);
    this.gap.add(other.gap);
    this.streamCount += other.streamCount;
    this.frameCount += other.frameCount;
    this.mergedCount += other.mergedCount;
    this.lostCount += other.lostCount;
  }
}
