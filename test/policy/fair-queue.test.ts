/** Guarantee: classes share by weight and tenants by turns, and nobody who waits is starved. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  createFairQueue,
  dequeue,
  enqueue,
  leaveQueue,
  pushedOutFor,
  waitingCount,
  type FairQueue,
  type Waiter,
} from "../../actors/policy/fair-queue.ts";
import { PRIORITY_CLASSES, type PriorityClass } from "../../src/base/priority.ts";

const NEVER_MS = 1_000_000;

function waiter(
  attemptId: string,
  tenantId: string,
  priorityClass: PriorityClass = "default",
  untilMs = NEVER_MS,
): Waiter {
  return { attemptId, tenantId, priorityClass, untilMs };
}

/** `count` of one tenant and class, named `<tenant><class initial><number>`. */
function fill(
  queue: FairQueue,
  count: number,
  tenantId: string,
  of: PriorityClass = "default",
): void {
  for (let each = 0; each < count; each += 1) {
    enqueue(queue, waiter(`${tenantId}${of.charAt(0)}${each}`, tenantId, of));
  }
}

function take(queue: FairQueue, count: number): string[] {
  return Array.from({ length: count }, () => dequeue(queue, 0).next?.attemptId ?? "nobody");
}

/** How many of each class are among these. */
function perClass(names: readonly string[]): string {
  const count = (initial: string): number => names.filter((name) => name[1] === initial).length;
  return `${count("i")} ${count("d")} ${count("b")}`;
}

describe("the classes", () => {
  test("share 70 to 20 to 10 while all of them wait", () => {
    const queue = createFairQueue();
    for (const name of PRIORITY_CLASSES) fill(queue, 200, "a", name);
    expect(perClass(take(queue, 200))).toBe("140 40 20");
  });

  test("get what an empty class does not use", () => {
    const queue = createFairQueue();
    fill(queue, 90, "a", "default");
    fill(queue, 90, "a", "batch");
    expect(perClass(take(queue, 90))).toBe("0 60 30");
    expect(perClass(take(queue, 90))).toBe("0 30 60");
  });

  test("save nothing up while nobody of them waits", () => {
    const queue = createFairQueue();
    fill(queue, 100, "a", "batch");
    take(queue, 50);
    fill(queue, 100, "b", "interactive");
    expect(perClass(take(queue, 17))).toBe("15 0 2");
  });
});

describe("the tenants of a class", () => {
  test("take turns, however many each has waiting", () => {
    const queue = createFairQueue();
    fill(queue, 100, "a");
    fill(queue, 2, "b");
    fill(queue, 1, "c");
    expect(take(queue, 6)).toEqual(["ad0", "bd0", "cd0", "ad1", "bd1", "ad2"]);
  });

  test("are each served in the order in which their attempts came", () => {
    const queue = createFairQueue();
    fill(queue, 3, "a");
    leaveQueue(queue, "ad1");
    expect(take(queue, 3)).toEqual(["ad0", "ad2", "nobody"]);
  });
});

describe("an attempt whose time is over", () => {
  test("is passed over, and costs its tenant no turn", () => {
    const queue = createFairQueue();
    enqueue(queue, waiter("late", "a", "default", 100));
    enqueue(queue, waiter("first", "a"));
    enqueue(queue, waiter("second", "b"));
    const { next, late } = dequeue(queue, 100);
    expect([next?.attemptId, late.map(({ attemptId }) => attemptId)]).toEqual(["first", ["late"]]);
    expect(waitingCount(queue)).toBe(1);
  });
});

function pushedOut(queue: FairQueue, tenantId: string, of: PriorityClass = "default"): string {
  return pushedOutFor(queue, { tenantId, priorityClass: of })?.attemptId ?? "the newcomer";
}

describe("where all places are taken", () => {
  test("the newest of the tenant with most makes room, and for nobody of its own", () => {
    const queue = createFairQueue();
    fill(queue, 9, "a");
    fill(queue, 1, "b");
    expect(pushedOut(queue, "b")).toBe("ad8");
    expect(pushedOut(queue, "c")).toBe("ad8");
    expect(pushedOut(queue, "a")).toBe("the newcomer");
  });

  test("tenants with as many as each other turn a newcomer of theirs away", () => {
    const queue = createFairQueue();
    fill(queue, 5, "a");
    fill(queue, 5, "b");
    expect(pushedOut(queue, "a")).toBe("the newcomer");
    expect(pushedOut(queue, "b")).toBe("the newcomer");
    expect(pushedOut(queue, "c")).toBe("ad4");
  });

  test("a class that holds more than its share makes room for one that does not", () => {
    const queue = createFairQueue();
    fill(queue, 10, "a", "batch");
    expect(pushedOut(queue, "a", "interactive")).toBe("ab9");
    expect(pushedOut(queue, "b", "batch")).toBe("ab9");
    const busy = createFairQueue();
    fill(busy, 14, "a", "interactive");
    fill(busy, 1, "b", "batch");
    expect(pushedOut(busy, "c", "interactive")).toBe("ai13");
    expect(pushedOut(busy, "c", "default")).toBe("ai13");
  });
});

const anyWaiters = fc.array(
  fc.record({
    tenantId: fc.constantFrom("a", "b", "c"),
    priorityClass: fc.constantFrom(...PRIORITY_CLASSES),
  }),
  { minLength: 1, maxLength: 60 },
);

describe("whoever waits", () => {
  test("comes out once, whatever the mixture", () => {
    fc.assert(
      fc.property(anyWaiters, (all) => {
        const queue = createFairQueue();
        const names = all.map((_, place) => String(place));
        for (const [place, each] of all.entries()) {
          enqueue(queue, { ...each, attemptId: String(place), untilMs: NEVER_MS });
        }
        expect(take(queue, all.length).toSorted()).toEqual(names.toSorted());
        expect(waitingCount(queue)).toBe(0);
        expect(dequeue(queue, 0)).toEqual({ next: null, late: [] });
      }),
    );
  });

  test("is passed by a bounded number of times, though others keep coming", () => {
    fc.assert(
      fc.property(anyWaiters, fc.constantFrom(...PRIORITY_CLASSES), (others, of) => {
        const queue = createFairQueue();
        let came = 0;
        const come = (): void => {
          const other = others[came % others.length];
          if (other !== undefined) enqueue(queue, { ...other, attemptId: `${came}`, untilMs: 1 });
          came += 1;
        };
        for (let each = 0; each < 30; each += 1) come();
        enqueue(queue, waiter("it", "other", of));
        // Of any fourteen grants one is even of the lowest class, and its tenants are four at most.
        let passedBy = 0;
        while (dequeue(queue, 0).next?.attemptId !== "it") {
          come();
          passedBy += 1;
        }
        expect(passedBy).toBeLessThanOrEqual(4 * 14);
      }),
    );
  });

  test("is pushed out only by one who has less", () => {
    fc.assert(
      fc.property(anyWaiters, fc.constantFrom("a", "b", "c", "d"), (all, tenantId) => {
        const queue = createFairQueue();
        for (const [place, each] of all.entries()) {
          enqueue(queue, { ...each, attemptId: String(place), untilMs: NEVER_MS });
        }
        const newcomer = waiter("newcomer", tenantId);
        const out = pushedOutFor(queue, newcomer);
        enqueue(queue, newcomer);
        leaveQueue(queue, (out ?? newcomer).attemptId);
        const has = (one: Waiter): number =>
          queue.classes[one.priorityClass].tenants.get(one.tenantId)?.length ?? 0;
        if (out?.priorityClass === newcomer.priorityClass) {
          expect(has(out)).toBeGreaterThanOrEqual(has(newcomer));
        }
        expect(waitingCount(queue)).toBe(all.length);
      }),
    );
  });
});
