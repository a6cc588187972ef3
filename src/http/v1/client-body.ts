/** Reads a client's body within the bound and the time, whether its length was declared or not. */
import { LIMITS } from "../../base/limits.ts";
import { refuse, type Refusal } from "../../base/verdict.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { readBody } from "../../gateway/read-body.ts";

/** Nobody knows how fast others send; most bodies take less. */
const CROWDED_RETRY_MS = 1_000;

type BodyBytes = Uint8Array<ArrayBuffer>;

/** The declared length; null when the body is chunked or there is none. */
export function declaredBytes(headers: Headers): number | null {
  const text = headers.get("content-length");
  return text === null ? null : Number(text);
}

type Room = Pick<Gateway, "clock" | "bodyRoom">;

/**
 * Refuses with `body_too_large`, with `invalid_request` when the body breaks off or takes too long, and
 * with `gateway_overloaded` when too much is being read already.
 */
export async function readClientBody(
  { clock, bodyRoom }: Room,
  request: Request,
): Promise<BodyBytes | Refusal> {
  const room = { bodyRoom, takenBytes: 0 };
  const late = Promise.withResolvers<Refusal>();
  const timer = clock.after(LIMITS.bodyReadMs, () => {
    late.resolve(refuse("invalid_request", "The body did not arrive in time.").refusal);
  });
  try {
    return await Promise.race([readWithin(request, room), late.promise]);
  } finally {
    timer.cancel();
    room.bodyRoom.giveBack(room.takenBytes);
  }
}

/** What this body has taken of the room for all of them. */
type TakenRoom = { readonly bodyRoom: Gateway["bodyRoom"]; takenBytes: number };

function takeRoom(room: TakenRoom, bytes: number): boolean {
  if (!room.bodyRoom.take(bytes)) return false;
  room.takenBytes += bytes;
  return true;
}

async function readWithin(request: Request, room: TakenRoom): Promise<BodyBytes | Refusal> {
  try {
    // With a declared length the HTTP server holds the client to it, and the length was checked.
    const declared = declaredBytes(request.headers);
    if (declared !== null) {
      if (!takeRoom(room, declared)) return crowded();
      return new Uint8Array(await request.arrayBuffer());
    }
    if (request.body === null) return new Uint8Array(0);
    const reader = request.body.getReader();
    let isCrowded = false;
    const read = await readBody(reader, LIMITS.bodyBytesMax, (bytes) => {
      if (isCrowded || takeRoom(room, bytes)) return;
      isCrowded = true;
      // The next read is the last then.
      void reader.cancel();
    });
    if (isCrowded) return crowded();
    if (read.kind === "whole") return read.bytes;
    if (read.kind === "broken") return brokenOff();
    const message = `The body is larger than ${LIMITS.bodyBytesMax} bytes.`;
    return refuse("body_too_large", message).refusal;
  } catch {
    return brokenOff();
  }
}

function crowded(): Refusal {
  const message = "Too many bodies are being read at once.";
  return refuse("gateway_overloaded", message, { retryAfterMs: CROWDED_RETRY_MS }).refusal;
}

function brokenOff(): Refusal {
  return refuse("invalid_request", "The body broke off before its end.").refusal;
}
