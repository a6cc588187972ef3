/** Reads a client's body within the bound and the time, whether its length was declared or not. */
import { LIMITS } from "../../base/limits.ts";
import { refuse, type Refusal } from "../../base/verdict.ts";
import type { UploadedForm } from "../../gateway/exchange.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import type { BodyPlace } from "../../gateway/load/body-room.ts";
import { readBody } from "../../gateway/read-body.ts";
import { readForm } from "../../gateway/upload/read-form.ts";

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
  tenantId: string,
): Promise<BodyBytes | Refusal> {
  const place = bodyRoom.enter(tenantId);
  const late = Promise.withResolvers<Refusal>();
  const timer = clock.after(LIMITS.bodyReadMs, () => {
    late.resolve(refuse("invalid_request", "The body did not arrive in time.").refusal);
  });
  try {
    return await Promise.race([readWithin(request, place), late.promise]);
  } finally {
    timer.cancel();
    // What comes of a late one after this finds no place, and is the last that is read of it.
    place.leave();
  }
}

/** The same of a multipart form, which need not fit into the memory. Throws what the disk says. */
export async function readClientForm(
  gateway: Gateway,
  { headers, body }: Request,
  tenantId: string,
  bytesMax: number,
): Promise<UploadedForm | Refusal> {
  return await readForm(gateway, {
    headers,
    reader: body?.getReader() ?? null,
    tenantId,
    bytesMax,
  });
}

async function readWithin(request: Request, place: BodyPlace): Promise<BodyBytes | Refusal> {
  try {
    const declared = declaredBytes(request.headers);
    // With a declared length the HTTP server holds the client to it. In one go it costs half the time.
    if (declared !== null && declared <= LIMITS.bodySmallBytesMax) {
      return place.take(declared) ? new Uint8Array(await request.arrayBuffer()) : crowded();
    }
    return request.body === null ? new Uint8Array(0) : await readPieces(request.body, place);
  } catch {
    return brokenOff();
  }
}

/**
 * As it comes: Bun 1.4.4 gives every piece at once, declared or chunked, and takes no more than some
 * megabytes from who sends faster than they are read.
 */
async function readPieces(
  body: NonNullable<Request["body"]>,
  place: BodyPlace,
): Promise<BodyBytes | Refusal> {
  const reader = body.getReader();
  let isCrowded = false;
  const read = await readBody(reader, LIMITS.bodyBytesMax, (bytes) => {
    if (isCrowded || place.take(bytes)) return;
    isCrowded = true;
    // The next read is the last then.
    void reader.cancel();
  });
  if (isCrowded) return crowded();
  if (read.kind === "whole") return read.bytes;
  if (read.kind === "broken") return brokenOff();
  const message = `The body is larger than ${LIMITS.bodyBytesMax} bytes.`;
  return refuse("body_too_large", message).refusal;
}

function crowded(): Refusal {
  const message = "Too many bodies are being read at once.";
  return refuse("gateway_overloaded", message, { retryAfterMs: CROWDED_RETRY_MS }).refusal;
}

function brokenOff(): Refusal {
  return refuse("invalid_request", "The body broke off before its end.").refusal;
}
