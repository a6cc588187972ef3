/** What a provider's gate guarantees: no attempt too many, a bounded wait, and one answer for each who waits. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { GateEvent, GateInput, GateTerms, GateTurn } from "../../actors/gate-contract.ts";
import {
  gateFullMs,
  gateState,
  isUnbounded,
  startGate,
  type GateHandle,
} from "../../actors/gate.ts";
import { assert } from "../../src/base/assert.ts";
import { PRIORITY_CLASSES, type PriorityClass } from "../../src/base/priority.ts";
import type { Refusal } from "../../src/base/verdict.ts";

const FULL = "The provider has no free slot.";
const CROWDED = "The provider has no free slot, and too many wait for one.";
const WAITED = "The provider had no free slot in time.";

function gate(terms: Partial<GateTerms>, more: Partial<GateInput> = {}): GateHandle {
  const input = { providerId: "prv_1", maxConcurrent: null, queue: null, taken: [], peak: 0 };
  return startGate({ ...input, ...terms, ...more }, (error) => {
    throw error;
  });
}

type Who = {
  readonly tenantId?: string;
  readonly priorityClass?: PriorityClass;
  readonly deadlineMs?: number;
};

/** `taken`, until when it waits, or what it was refused with. */
function request(
  handle: GateHandle,
  attemptId: string,
  atMs: number,
  who: Who = {},
): "taken" | number | Refusal {
  const verdict = handle.ask({
    type: "slot.request",
    attemptId,
    tenantId: "ten_1",
    priorityClass: "default",
    deadlineMs: 1_000_000,
    atMs,
    ...who,
  });
  if (!verdict.allowed) return verdict.refusal;
  return verdict.value.waitsUntilMs ?? "taken";
}

function turn(handle: GateHandle, event: GateEvent): GateTurn {
  const verdict = handle.ask(event);
  assert(verdict.allowed, `refused: ${event.type}`);
  return verdict.value;
}

function release(handle: GateHandle, attemptId: string, atMs: number): GateTurn {
  return turn(handle, { type: "slot.release", attemptId, atMs });
}

function refusal(message: string, retryAfterMs: number): Refusal {
  return { code: "provider_unavailable", message, retryAfterMs };
}

describe("a gate without a queue", () => {
  test("lets as many through as it has slots, and refuses the next at once", () => {
    const handle = gate({ maxConcurrent: 2 });
    expect(request(handle, "a", 0)).toBe("taken");
    expect(request(handle, "b", 0)).toBe("taken");
    expect(request(handle, "c", 0)).toEqual(refusal(FULL, 1_000));
    expect(release(handle, "a", 400)).toEqual({ waitsUntilMs: null, granted: [], dropped: [] });
    expect(request(handle, "c", 400)).toBe("taken");
    expect(gateState(handle)).toEqual({ inFlight: 2, waiting: 0, slots: 2 });
  });

  test("tells to come back after as long as a slot takes to come free", () => {
    const handle = gate({ maxConcurrent: 4 });
    for (const attemptId of ["a", "b", "c", "d"]) request(handle, attemptId, 0);
    release(handle, "a", 8_000);
    request(handle, "e", 8_000);
    // Four slots of 8 s each: one comes free every 2 s.
    expect(request(handle, "f", 8_000)).toEqual(refusal(FULL, 2_000));
    expect(gateFullMs(handle, { tenantId: "ten_1", priorityClass: "default" })).toBe(2_000);
  });

  test("gives a slot back once, and knows nothing of strangers", () => {
    const handle = gate({ maxConcurrent: 1 });
    request(handle, "a", 0);
    release(handle, "stranger", 1);
    expect(gateState(handle).inFlight).toBe(1);
    release(handle, "a", 1);
    release(handle, "a", 2);
    expect(gateState(handle)).toEqual({ inFlight: 0, waiting: 0, slots: 1 });
  });

  test("refuses rather than to count the same attempt twice", () => {
    let failed = 0;
    const handle = startGate(
      { providerId: "prv_1", maxConcurrent: 2, queue: null, taken: [["a", 0]], peak: 0 },
      () => {
        failed += 1;
      },
    );
    expect(request(handle, "a", 0)).toMatchObject({ code: "internal_error" });
    expect([failed, handle.isAlive()]).toEqual([1, false]);
  });
});

describe("a gate with a queue", () => {
  const queue = { waitingMax: 2, waitMs: 5_000 };

  test("keeps who finds no slot waiting, and gives the next slot away in the same turn", () => {
    const handle = gate({ maxConcurrent: 1, queue });
    request(handle, "a", 0);
    expect(request(handle, "b", 10)).toBe(5_010);
    expect(release(handle, "a", 100).granted).toEqual(["b"]);
    expect(gateState(handle)).toEqual({ inFlight: 1, waiting: 0, slots: 1 });
  });

  test("lets nobody wait beyond its exchange's own deadline", () => {
    const handle = gate({ maxConcurrent: 1, queue });
    request(handle, "a", 0);
    expect(request(handle, "b", 10, { deadlineMs: 300 })).toBe(300);
    expect(request(handle, "c", 10)).toBe(5_010);
    const { granted, dropped } = release(handle, "a", 300);
    expect(granted).toEqual(["c"]);
    // Its one slot was kept for 300 ms, and nobody waits any more but the one that got it.
    expect(dropped).toEqual([{ attemptId: "b", refusal: refusal(WAITED, 1_000) }]);
  });

  test("keeps nobody who has no time to wait", () => {
    const handle = gate({ maxConcurrent: 1, queue: { waitingMax: 2, waitMs: 500 } });
    request(handle, "a", 0);
    expect(request(handle, "b", 10, { deadlineMs: 10 })).toEqual(refusal(FULL, 1_000));
    expect(gateState(handle)).toEqual({ inFlight: 1, waiting: 0, slots: 1 });
    release(handle, "a", 20);
    expect(request(handle, "b", 30, { deadlineMs: 30 })).toBe("taken");
  });

  test("never keeps more than it may, and says when all of them have had their turn", () => {
    const handle = gate({ maxConcurrent: 2, queue });
    for (const attemptId of ["a", "b"]) request(handle, attemptId, 0);
    release(handle, "a", 4_000);
    for (const attemptId of ["c", "d", "e"]) request(handle, attemptId, 4_000);
    // Two slots of 4 s each, two before it.
    expect(request(handle, "f", 4_000)).toEqual(refusal(CROWDED, 6_000));
    expect(gateState(handle).waiting).toBe(2);
  });

  test("makes room for a tenant that has less, and tells the one that goes", () => {
    const handle = gate({ maxConcurrent: 1, queue });
    for (const attemptId of ["a", "b", "c"]) request(handle, attemptId, 0);
    expect(gateFullMs(handle, { tenantId: "ten_2", priorityClass: "default" })).toBe(0);
    const verdict = handle.ask({
      type: "slot.request",
      attemptId: "other",
      tenantId: "ten_2",
      priorityClass: "default",
      deadlineMs: 1_000_000,
      atMs: 0,
    });
    expect(verdict).toEqual({
      allowed: true,
      value: {
        waitsUntilMs: 5_000,
        granted: [],
        dropped: [{ attemptId: "c", refusal: refusal(CROWDED, 1_000) }],
      },
    });
  });

  test("forgets who cancels, and tells it why", () => {
    const handle = gate({ maxConcurrent: 1, queue });
    for (const attemptId of ["a", "b"]) request(handle, attemptId, 0);
    const cancel = { type: "slot.cancel", attemptId: "b", atMs: 10 } as const;
    expect(turn(handle, cancel).dropped.map(({ attemptId }) => attemptId)).toEqual(["b"]);
    expect(turn(handle, cancel).dropped).toEqual([]);
    expect(release(handle, "a", 20).granted).toEqual([]);
  });

  test("grants more when an operator allows more, and lets go whom it may not keep", () => {
    const handle = gate({ maxConcurrent: 1, queue: { waitingMax: 5, waitMs: 5_000 } });
    for (const attemptId of ["a", "b", "c", "d"]) request(handle, attemptId, 0);
    const terms = { maxConcurrent: 2, queue: { waitingMax: 1, waitMs: 5_000 } };
    const { granted, dropped } = turn(handle, { type: "gate.configure", terms, atMs: 10 });
    expect([granted, dropped.map(({ attemptId }) => attemptId)]).toEqual([["b"], ["d"]]);
  });

  test("on the way out tells all who wait, keeps nobody, and still gives what is free", () => {
    const handle = gate({ maxConcurrent: 1, queue });
    for (const attemptId of ["a", "b", "c"]) request(handle, attemptId, 0);
    const { dropped } = turn(handle, { type: "gate.drain", atMs: 10 });
    expect(dropped.map(({ attemptId, refusal: { code } }) => [attemptId, code])).toEqual([
      ["b", "gateway_draining"],
      ["c", "gateway_draining"],
    ]);
    expect(request(handle, "d", 20)).toMatchObject({ code: "gateway_draining" });
    expect(release(handle, "a", 30).granted).toEqual([]);
    expect(request(handle, "e", 30)).toBe("taken");
  });
});

function told(
  handle: GateHandle,
  attemptId: string,
  kind: "clean" | "congested",
  atMs: number,
): GateTurn {
  return turn(handle, { type: "limit.outcome", attemptId, kind, atMs });
}

describe("a provider that complains", () => {
  const many = Array.from({ length: 20 }, (_, place): [string, number] => [`a${place}`, 0]);

  test("gets fewer at once, and who finds no slot then waits", () => {
    const handle = gate({ queue: { waitingMax: 5, waitMs: 1_000 } }, { taken: many });
    expect(isUnbounded(handle)).toBe(true);
    told(handle, "a0", "congested", 100);
    expect(gateState(handle)).toEqual({ inFlight: 20, waiting: 0, slots: 18 });
    expect(request(handle, "b", 100)).toBe(1_100);
    for (let each = 0; each < 2; each += 1) release(handle, `a${each}`, 200);
    expect(gateState(handle)).toEqual({ inFlight: 18, waiting: 1, slots: 18 });
    expect(release(handle, "a2", 200).granted).toEqual(["b"]);
  });

  test("is bounded by the operator too: the tighter of the two holds", () => {
    const handle = gate({ maxConcurrent: 10 }, { taken: many });
    told(handle, "a0", "congested", 100);
    expect(gateState(handle).slots).toBe(10);
  });

  test("gets a waiting attempt at once when its answers raise the limit", () => {
    const handle = gate({ queue: { waitingMax: 5, waitMs: 9_000 } }, { taken: many.slice(0, 5) });
    told(handle, "a0", "congested", 100);
    request(handle, "b", 100);
    for (let each = 0; each < 4; each += 1)
      expect(told(handle, "a1", "clean", 200).granted).toEqual([]);
    expect(told(handle, "a1", "clean", 200).granted).toEqual(["b"]);
  });
});

// ---- whatever happens ------------------------------------------------------------------------

const anyStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("request" as const),
      tenantId: fc.constantFrom("a", "b", "c"),
      priorityClass: fc.constantFrom(...PRIORITY_CLASSES),
      patienceMs: fc.integer({ min: 0, max: 500 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("release" as const), place: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), place: fc.nat(50) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("outcome" as const),
      place: fc.nat(50),
      kind: fc.constantFrom("clean" as const, "congested" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("configure" as const),
      maxConcurrent: fc.option(fc.integer({ min: 1, max: 8 })),
      waitingMax: fc.option(fc.integer({ min: 1, max: 6 })),
    }),
  },
);

type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

/** One of these, whichever; nobody where there is none. */
function oneOf(set: ReadonlySet<string>, place: number): string {
  return [...set][place % Math.max(1, set.size)] ?? "nobody";
}

/** What the gate was told and has said, kept beside it by other means. */
class Shadow {
  readonly running = new Set<string>();
  readonly waiting = new Set<string>();
  /** How often each that waited was answered. */
  readonly answers = new Map<string, number>();
  waited = 0;
  readonly #handle: GateHandle;

  constructor(handle: GateHandle) {
    this.#handle = handle;
  }

  step(step: Step, attemptId: string, atMs: number): void {
    switch (step.do) {
      case "request":
        this.#request(step, attemptId, atMs);
        return;
      case "release":
        this.release(oneOf(this.running, step.place), atMs);
        return;
      case "cancel": {
        const cancelled = oneOf(this.waiting, step.place);
        this.#follow(turn(this.#handle, { type: "slot.cancel", attemptId: cancelled, atMs }));
        return;
      }
      case "outcome":
        this.#follow(told(this.#handle, oneOf(this.running, step.place), step.kind, atMs));
        return;
      case "configure": {
        const { maxConcurrent, waitingMax } = step;
        const queue = waitingMax === null ? null : { waitingMax, waitMs: 200 };
        const terms = { maxConcurrent, queue };
        this.#follow(turn(this.#handle, { type: "gate.configure", terms, atMs }));
      }
    }
  }

  release(attemptId: string, atMs: number): void {
    this.running.delete(attemptId);
    this.#follow(release(this.#handle, attemptId, atMs));
  }

  /** Both know of the same, and nobody waits beside a free slot. */
  check(): void {
    const { inFlight, waiting, slots } = gateState(this.#handle);
    expect([inFlight, waiting]).toEqual([this.running.size, this.waiting.size]);
    expect(waiting).toBeLessThanOrEqual(this.#handle.record().terms.queue?.waitingMax ?? 0);
    if (waiting > 0) expect(inFlight).toBeGreaterThanOrEqual(slots ?? Infinity);
  }

  #request(step: Extract<Step, { do: "request" }>, attemptId: string, atMs: number): void {
    const { tenantId, priorityClass, patienceMs } = step;
    const slots = gateState(this.#handle).slots ?? Infinity;
    const ask = { attemptId, tenantId, priorityClass, deadlineMs: atMs + patienceMs, atMs };
    const verdict = this.#handle.ask({ type: "slot.request", ...ask });
    if (!verdict.allowed) return;
    if (verdict.value.waitsUntilMs === null) {
      this.running.add(attemptId);
      expect(this.running.size).toBeLessThanOrEqual(slots);
    } else {
      this.waiting.add(attemptId);
      this.waited += 1;
    }
    this.#follow(verdict.value);
  }

  #follow({ granted, dropped }: GateTurn): void {
    for (const id of granted) this.#answer(id, true);
    for (const { attemptId } of dropped) this.#answer(attemptId, false);
    if (granted.length === 0) return;
    expect(this.running.size).toBeLessThanOrEqual(gateState(this.#handle).slots ?? Infinity);
  }

  #answer(id: string, hasSlot: boolean): void {
    expect(this.waiting.delete(id)).toBe(true);
    this.answers.set(id, (this.answers.get(id) ?? 0) + 1);
    if (hasSlot) this.running.add(id);
  }
}

test("whatever happens: never a slot too many, one answer for each wait, nothing left at rest", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 200 }), (steps) => {
      const handle = gate({ maxConcurrent: 3, queue: { waitingMax: 4, waitMs: 200 } });
      const shadow = new Shadow(handle);
      let atMs = 0;
      for (const [place, step] of steps.entries()) {
        atMs += 20;
        shadow.step(step, `${place}`, atMs);
        shadow.check();
      }
      while (shadow.running.size > 0) shadow.release(oneOf(shadow.running, 0), atMs);
      expect([...shadow.answers.values()].filter((count) => count !== 1)).toEqual([]);
      expect(shadow.answers.size).toBe(shadow.waited);
      expect(gateState(handle)).toMatchObject({ inFlight: 0, waiting: 0 });
    }),
  );
});
