/** Work on one thing at a time: what reads and then writes must not run beside itself. */

/** Runs `work` after all work with the same key that was given before; different keys run freely. */
export type Turns = <T>(key: string, work: () => Promise<T>) => Promise<T>;

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = last.get(key) ?? Promise.resolve();
    const mine = before.then(work);
    // The next in turn does not care how this one ended.
    const ended = mine.then(
      () => null,
      () => null,
    );
    last.set(key, ended);
    try {
      return await mine;
    } finally {
      if (last.get(key) === ended) last.delete(key);
    }
  };
}
