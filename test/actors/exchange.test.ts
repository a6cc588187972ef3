/** What the exchange's actor guarantees: one way through, bounded, and no retry after content. */
import { describe, expect, test } from "bun:test";
import type { ExchangeEvent, ExchangeInput, ExchangeStep } from "../../actors/contract.ts";
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

  test("cannot begin without a candidate", () => {
    expect(() => exchange({ candidates: 0 })).toThrow("an exchange needs a candidate");
  });
});
