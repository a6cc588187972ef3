/**
 * Keeps the real world out of a simulated run: while it lasts, every source of time, chance and
 * network that JavaScript reaches throws, so that a run which depends on one fails instead of being
 * different the next time. What comes after this turn of the event loop goes to the simulator.
 */

type Patch = { readonly owner: object; readonly name: string };

const FORBIDDEN: readonly Patch[] = [
  { owner: Math, name: "random" },
  { owner: performance, name: "now" },
  { owner: globalThis, name: "setTimeout" },
  { owner: globalThis, name: "setInterval" },
  { owner: globalThis, name: "fetch" },
  { owner: crypto, name: "randomUUID" },
  { owner: crypto, name: "getRandomValues" },
  { owner: process, name: "hrtime" },
  { owner: Bun, name: "randomUUIDv7" },
  { owner: Bun, name: "nanoseconds" },
  { owner: Bun, name: "sleep" },
  { owner: Bun, name: "connect" },
];

/** Something in the simulated program asked the real world for time, chance or the network. */
export class RealWorldError extends Error {
  override name = "RealWorldError";
}

const RealDate = Date;

/** Runs `body` with the traps set; `soon` gets what the program hands to `setImmediate`. */
export function inSimulation<T>(soon: (step: () => void) => void, body: () => T): T {
  const undo: (() => void)[] = [];
  const put = (owner: object, name: string, value: unknown): void => {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    const isFixed = before?.configurable === false;
    const set = (to: unknown): boolean =>
      isFixed
        ? Reflect.set(owner, name, to)
        : Reflect.defineProperty(owner, name, { value: to, configurable: true, writable: true });
    if (!set(value)) throw new Error(`${name} cannot be trapped`);
    undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(owner, name);
      else if (isFixed) set(before.value);
      else Object.defineProperty(owner, name, before);
    });
  };
  try {
    for (const { owner, name } of FORBIDDEN) put(owner, name, () => refuse(name));
    put(globalThis, "setImmediate", (step: () => void) => soon(step));
    put(globalThis, "Date", DATE_WITHOUT_NOW);
    // Collecting garbage takes real time and changes nothing that a run could see.
    put(Bun, "gc", () => undefined);
    return body();
  } finally {
    for (const restore of undo.toReversed()) restore();
  }
}

function refuse(name: string): never {
  throw new RealWorldError(`simulated code used ${name}`);
}

/** Dates of a given time are arithmetic; the date of now is not. */
const DATE_WITHOUT_NOW = new Proxy(RealDate, {
  construct: (target, args: number[]) =>
    args.length === 0 ? refuse("new Date()") : (Reflect.construct(target, args) as Date),
  apply: () => refuse("Date()"),
  get: (target, name) =>
    name === "now" ? () => refuse("Date.now") : (Reflect.get(target, name) as unknown),
});
