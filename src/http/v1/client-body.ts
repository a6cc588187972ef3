/** Reads a client's body within the bound and the time, whether its length was declared or not. */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { refuse, type Refusal } from "../../base/verdict.ts";
import { readBody } from "../../gateway/read-body.ts";

type BodyBytes = Uint8Array<ArrayBuffer>;

/** The declared length; null when the body is chunked or there is none. */
export function declaredBytes(headers: Headers): number | null {
  const text = headers.get("content-length");
  return text === null ? null : Number(text);
}

/** Refuses with `body_too_large`, or `invalid_request` when the body breaks off or takes too long. */
export async function readClientBody(clock: Clock, request: Request): Promise<BodyBytes | Refusal> {
  const late = Promise.withResolvers<Refusal>();
  const timer = clock.after(LIMITS.bodyReadMs, () => {
    late.resolve(refuse("invalid_request", "The body did not arrive in time.").refusal);
  });
  try {
    return await Promise.race([readWithin(request), late.promise]);
  } finally {
    timer.cancel();
  }
}

async function readWithin(request: Request): Promise<BodyBytes | Refusal> {
  try {
    // With a declared length the HTTP server holds the client to it, and the length was checked.
    if (declaredBytes(request.headers) !== null) {
      return new Uint8Array(await request.arrayBuffer());
    }
    if (request.body === null) return new Uint8Array(0);
    const read = await readBody(request.body.getReader(), LIMITS.bodyBytesMax, () => undefined);
    if (read.kind === "whole") return read.bytes;
    if (read.kind === "broken") return brokenOff();
    const message = `The body is larger than ${LIMITS.bodyBytesMax} bytes.`;
    return refuse("body_too_large", message).refusal;
  } catch {
    return brokenOff();
  }
}

function brokenOff(): Refusal {
  return refuse("invalid_request", "The body broke off before its end.").refusal;
}
