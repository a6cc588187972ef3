/** Long work in small pieces, so that others have their turn on the event loop in between. */

/** Two hundred short lines: what is looked at in one go keeps others waiting for some milliseconds. */
export const TURN_BYTES = 16 * 1024;

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Hands all of it to `take`, piece by piece. */
export async function takeInTurns(
  bytes: Uint8Array,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += TURN_BYTES) {
    await take(bytes.subarray(at, at + TURN_BYTES));
    await nextTurn();
  }
}
