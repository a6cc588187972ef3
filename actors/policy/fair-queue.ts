/**
 * Who waits for a slot, and who is next. Classes share by weight: those that wait together are served
 * 70 to 20 to 10, and what an empty class does not use the others get. Within a class tenants take
 * turns, however many each has waiting; within a tenant the first to come is first.
 *
 * Room is shared by the same rule: where all places are taken, the newest of whoever has most beyond
 * its share makes room. The structure belongs to one actor and changes only through this file.
 *
 * Invariant: nobody who waits is passed by more than a bounded number of times.
 */
import { PRIORITY_CLASSES, type PriorityClass } from "../../src/base/priority.ts";

export type Waiter = {
  readonly attemptId: string;
  readonly tenantId: string;
  readonly priorityClass: PriorityClass;
  /** From then on a slot is of no use to it. */
  readonly untilMs: number;
};

type ClassQueue = {
  /** The tenant whose turn is next comes first; none is empty. */
  readonly tenants: Map<string, Waiter[]>;
  count: number;
  /** What it was served so far, in units of its weight: the class with the least is next. */
  pass: number;
};

export type FairQueue = {
  readonly classes: Readonly<Record<PriorityClass, ClassQueue>>;
  readonly byId: Map<string, Waiter>;
  /** Where the class stood that was served last; one that comes anew begins there. */
  pass: number;
};

/** What one grant costs a class: 140 divided by its weight of 70, 20 or 10. */
const STRIDES: Readonly<Record<PriorityClass, number>> = { interactive: 2, default: 7, batch: 14 };

export function createFairQueue(): FairQueue {
  const classes = { interactive: emptyClass(), default: emptyClass(), batch: emptyClass() };
  return { classes, byId: new Map(), pass: 0 };
}

function emptyClass(): ClassQueue {
  return { tenants: new Map(), count: 0, pass: 0 };
}

export function waitingCount({ byId }: FairQueue): number {
  return byId.size;
}

export function enqueue(queue: FairQueue, waiter: Waiter): void {
  const { priorityClass, tenantId, attemptId } = waiter;
  const its = queue.classes[priorityClass];
  // While nobody of a class waits it saves nothing up.
  if (its.count === 0) its.pass = Math.max(its.pass, queue.pass);
  const ofTenant = its.tenants.get(tenantId);
  if (ofTenant === undefined) its.tenants.set(tenantId, [waiter]);
  else ofTenant.push(waiter);
  its.count += 1;
  queue.byId.set(attemptId, waiter);
}

/** False when nobody of this name waits. */
export function leaveQueue(queue: FairQueue, attemptId: string): boolean {
  const waiter = queue.byId.get(attemptId);
  if (waiter === undefined) return false;
  const its = queue.classes[waiter.priorityClass];
  const ofTenant = its.tenants.get(waiter.tenantId) ?? [];
  ofTenant.splice(ofTenant.indexOf(waiter), 1);
  if (ofTenant.length === 0) its.tenants.delete(waiter.tenantId);
  its.count -= 1;
  queue.byId.delete(attemptId);
  return true;
}

export type Dequeued = {
  /** null: nobody who could still use a slot waits. */
  readonly next: Waiter | null;
  /** Those before it whose time was over; they cost their class and tenant nothing. */
  readonly late: readonly Waiter[];
};

/** Takes out whose turn it is. */
export function dequeue(queue: FairQueue, atMs: number): Dequeued {
  const late: Waiter[] = [];
  for (;;) {
    const its = nextClass(queue);
    const first = its?.tenants.entries().next();
    if (its === null || first === undefined || first.done === true) return { next: null, late };
    const [tenantId, ofTenant] = first.value;
    const waiter = ofTenant[0];
    if (waiter === undefined || !leaveQueue(queue, waiter.attemptId)) return { next: null, late };
    if (waiter.untilMs <= atMs) {
      late.push(waiter);
      continue;
    }
    queue.pass = its.pass;
    its.pass += STRIDES[waiter.priorityClass];
    // Its tenant's next turn comes after everybody else's.
    if (its.tenants.delete(tenantId)) its.tenants.set(tenantId, ofTenant);
    return { next: waiter, late };
  }
}

function nextClass({ classes }: FairQueue): ClassQueue | null {
  let next: ClassQueue | null = null;
  for (const name of PRIORITY_CLASSES) {
    const its = classes[name];
    if (its.count > 0 && (next === null || its.pass < next.pass)) next = its;
  }
  return next;
}

/**
 * Where all places are taken: who makes room for one more of this class and tenant; null when it is
 * the newcomer itself who has most beyond its share.
 */
export function pushedOutFor(
  { classes }: FairQueue,
  { priorityClass, tenantId }: Pick<Waiter, "priorityClass" | "tenantId">,
): Waiter | null {
  let fullest: PriorityClass = priorityClass;
  let most = 0;
  for (const name of PRIORITY_CLASSES) {
    const load = (classes[name].count + (name === priorityClass ? 1 : 0)) * STRIDES[name];
    if (load < most) continue;
    most = load;
    fullest = name;
  }
  const { tenants } = classes[fullest];
  const isOwn = fullest === priorityClass;
  let largest: readonly Waiter[] | null = null;
  let size = isOwn ? (tenants.get(tenantId)?.length ?? 0) + 1 : 0;
  for (const ofTenant of tenants.values()) {
    if (ofTenant.length <= size) continue;
    size = ofTenant.length;
    largest = ofTenant;
  }
  return largest?.at(-1) ?? null;
}
