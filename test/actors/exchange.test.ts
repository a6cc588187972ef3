/** What the exchange's actor guarantees: one way through, bounded, and no retry after content. */
import { describe, expect, test } from "bun:test";
import type { ExchangeEvent, ExchangeInput, ExchangeStep } from "../../actors/exchange-contract.ts";
import { until } from "../support/until.ts";
import { startExchange, type ExchangeHandle } from "../../actors/exchange.ts";

type Failed = Extract<ExchangeEvent, { type: "attempt.failed" }>;

function exchange(more: Partial<ExchangeInput> = {}): ExchangeHandle {
  const input = {
    exchangeId: "req_1",
    candidates: 2,
    attemptsMax: 3,
    deadlineMs: 60_000,
    atMs: 0,
    ...more,
  };
  return startExchange(input, (error) => {
    throw error;
  });
}

function failed(more: Partial<Failed> = {}): ExchangeEvent {
  return {
    type: "attempt.failed",
    retry: "elsewhere",
    throttled: false,
    retryAfterMs: null,
    jitter: 0.5,
    atMs: 0,
    ...more,
  };
}

/** The steps, from the first on, as events happen. */
function steps(handle: ExchangeHandle, events: readonly ExchangeEvent[]): ExchangeStep[] {
  const seen = [handle.step()];
  for (const event of events) {
    handle.send(event);
    seen.push(handle.step());
  }
  return seen;
}

/** A hundred exchanges that run at once and have ended: what each could still have told of a failure. */
function endedBodies(): WeakRef<object>[] {
  const started = Array.from({ length: 100 }, () => {
    const body = new Uint8Array(1_000);
    const input = { exchangeId: "req_1", candidates: 1, attemptsMax: 1, deadlineMs: 9, atMs: 0 };
    return { body: new WeakRef(body), handle: startExchange(input, () => body.fill(0)) };
  });
  for (const { handle } of started) steps(handle, [ENDED, SETTLED]);
  return started.map(({ body }) => body);
}

const REFUSED: ExchangeEvent = { type: "candidate.refused", atMs: 0 };
const ELAPSED: ExchangeEvent = { type: "backoff.elapsed", atMs: 100 };
const CONTENT: ExchangeEvent = { type: "content.started", atMs: 0 };
const ENDED: ExchangeEvent = { type: "answer.ended", atMs: 0 };
const LEFT: ExchangeEvent = { type: "client.left", atMs: 0 };
const SETTLED: ExchangeEvent = { type: "exchange.settled", atMs: 0 };

describe("an exchange", () => {
  test("attempts, relays, settles and ends", () => {
    expect(steps(exchange(), [CONTENT, ENDED, SETTLED])).toEqual([
      { do: "attempt", candidate: 0, attemptNumber: 1 },
      { do: "relay" },
      { do: "settle", failed: false },
      { do: "end" },
    ]);
  });

  test("goes to the next candidate at once, round again after a wait, and gives up at the third failure", () => {
    expect(steps(exchange(), [failed(), failed(), ELAPSED, failed()])).toEqual([
      { do: "attempt", candidate: 0, attemptNumber: 1 },
      { do: "attempt", candidate: 1, attemptNumber: 2 },
      { do: "wait", delayMs: 50 },
      { do: "attempt", candidate: 0, attemptNumber: 3 },
      { do: "settle", failed: true },
    ]);
  });

  test("stays with a candidate that may be asked the same again", () => {
    expect(steps(exchange(), [failed({ retry: "same" }), ELAPSED, failed()])).toEqual([
      { do: "attempt", candidate: 0, attemptNumber: 1 },
      { do: "wait", delayMs: 25 },
      { do: "attempt", candidate: 0, attemptNumber: 2 },
      { do: "attempt", candidate: 1, attemptNumber: 3 },
    ]);
  });

  test("gives up at once where repeating is of no use", () => {
    expect(steps(exchange(), [failed({ retry: "never" })]).at(-1)).toEqual({
      do: "settle",
      failed: true,
    });
  });

  test("spends no attempt on a candidate that refuses, and gives up when all have", () => {
    expect(
      steps(exchange({ candidates: 3 }), [REFUSED, failed(), REFUSED, ELAPSED, REFUSED]),
    ).toEqual([
      { do: "attempt", candidate: 0, attemptNumber: 1 },
      { do: "attempt", candidate: 1, attemptNumber: 1 },
      { do: "attempt", candidate: 2, attemptNumber: 2 },
      { do: "wait", delayMs: 25 },
      { do: "attempt", candidate: 1, attemptNumber: 2 },
      { do: "settle", failed: true },
    ]);
    expect(steps(exchange(), [REFUSED, REFUSED]).at(-1)).toEqual({ do: "settle", failed: true });
  });

  test("retries nothing after the first content", () => {
    for (const retry of ["never", "same", "elsewhere"] as const) {
      expect(steps(exchange(), [CONTENT, failed({ retry })]).at(-1)).toEqual({
        do: "settle",
        failed: true,
      });
    }
  });

  test("waits as long as a provider asked, when that fits the deadline", () => {
    const single = { candidates: 1, deadlineMs: 10_000 };
    const asked = { throttled: true, retryAfterMs: 2_000 };
    expect(steps(exchange(single), [failed(asked)]).at(-1)).toEqual({ do: "wait", delayMs: 2_200 });
    expect(steps(exchange(single), [failed({ ...asked, retryAfterMs: 9_900 })]).at(-1)).toEqual({
      do: "settle",
      failed: true,
    });
  });

  test("begins no attempt after its deadline, though a timer was late", () => {
    const handle = exchange({ candidates: 1, deadlineMs: 1_000 });
    expect(steps(handle, [failed(), { type: "backoff.elapsed", atMs: 1_000 }]).at(-1)).toEqual({
      do: "settle",
      failed: true,
    });
  });

  test("settles when the client leaves, wherever it is before that", () => {
    const settle = { do: "settle", failed: true } as const;
    expect(steps(exchange(), [LEFT]).at(-1)).toEqual(settle);
    expect(steps(exchange({ candidates: 1 }), [failed(), LEFT]).at(-1)).toEqual(settle);
    expect(steps(exchange(), [CONTENT, LEFT]).at(-1)).toEqual(settle);
    expect(steps(exchange(), [CONTENT, ENDED, LEFT]).at(-1)).toEqual({
      do: "settle",
      failed: false,
    });
    expect(steps(exchange(), [LEFT, SETTLED, LEFT]).at(-1)).toEqual({ do: "end" });
  });

  test("cannot begin without a candidate, which is told to whoever begins it", () => {
    for (const _ of [1, 2]) {
      expect(() => exchange({ candidates: 0 })).toThrow("an exchange needs a candidate");
    }
    expect(exchange().step()).toEqual({ do: "attempt", candidate: 0, attemptNumber: 1 });
  });

  test("begins without a trace of the exchange whose actor it takes over", () => {
    steps(exchange({ candidates: 1 }), [failed(), ELAPSED, REFUSED, SETTLED]);
    expect(steps(exchange({ candidates: 3 }), [failed(), failed(), CONTENT, ENDED])).toEqual([
      { do: "attempt", candidate: 0, attemptNumber: 1 },
      { do: "attempt", candidate: 1, attemptNumber: 2 },
      { do: "attempt", candidate: 2, attemptNumber: 3 },
      { do: "relay" },
      { do: "settle", failed: false },
    ]);
  });

  test("moves nothing after its end, the next exchange least of all", () => {
    const ended = exchange();
    steps(ended, [CONTENT, ENDED, SETTLED]);
    const next = exchange();
    for (const event of [failed(), REFUSED, ELAPSED, CONTENT, ENDED, LEFT, SETTLED]) {
      expect(ended.send(event)).toBe(true);
    }
    expect([ended.step(), ended.isAlive()]).toEqual([{ do: "end" }, true]);
    expect(next.step()).toEqual({ do: "attempt", candidate: 0, attemptNumber: 1 });
    next.send(ENDED);
    next.send(SETTLED);
    expect([ended.step(), next.step()]).toEqual([{ do: "end" }, { do: "end" }]);
  });

  test("keeps its own actor, however many run at once and in whatever order they end", () => {
    const many = Array.from({ length: 400 }, () => exchange());
    for (const handle of many.slice(0, 390)) steps(handle, [ENDED, SETTLED]);
    const later = Array.from({ length: 400 }, () => exchange());
    for (const handle of later) handle.send(CONTENT);
    expect(many.slice(390).map((handle) => handle.step())).toEqual(
      Array.from({ length: 10 }, () => ({ do: "attempt", candidate: 0, attemptNumber: 1 })),
    );
    for (const handle of later.slice(0, 200)) steps(handle, [ENDED, SETTLED]);
    expect(later.map((handle) => handle.step().do)).toEqual([
      ...Array.from({ length: 200 }, () => "end" as const),
      ...Array.from({ length: 200 }, () => "relay" as const),
    ]);
  });

  test("that failed takes no other with it: its actor is not used again", () => {
    const told: string[] = [];
    const start = (name: string): ExchangeHandle =>
      startExchange(
        { exchangeId: name, candidates: 2, attemptsMax: 3, deadlineMs: 9, atMs: 0 },
        () => told.push(name),
      );
    steps(start("before"), [ENDED, SETTLED]);
    const dying = start("dying");
    expect(dying.send(failed({ jitter: Number.NaN }))).toBe(false);
    expect([dying.send(SETTLED), dying.isAlive()]).toEqual([false, false]);
    const after = start("after");
    expect(steps(after, [CONTENT, ENDED, SETTLED]).at(-1)).toEqual({ do: "end" });
    expect(dying.step()).toEqual({ do: "settle", failed: true });
    expect(told).toEqual(["dying", "dying"]);
  });

  test("that has ended is held by nothing", async () => {
    const ended = endedBodies();
    // One or the other may still lie on the stack, where the collector finds it.
    await until(() => {
      Bun.gc(true);
      return ended.filter((body) => body.deref() !== undefined).length < 10;
    });
  });
});
