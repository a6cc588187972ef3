/**
 * Assertions that stay on in production. A failed one is a bug of ours: it costs the request or the
 * actor it happened in, never the process, and never bends the ledger.
 */

export class AssertionError extends Error {
  override name = "AssertionError";
}

/** Throws {@link AssertionError} with `message` unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (condition === false || condition === null || condition === undefined) {
    throw new AssertionError(message);
  }
}

/** For the default branch of an exhaustive switch; reaching it is a bug. */
export function assertNever(value: never): never {
  throw new AssertionError(`unexpected value ${JSON.stringify(value)}`);
}
