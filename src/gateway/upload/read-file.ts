/**
 * Reads a file within a client's form for the codec that asked for it, from memory or from the spool, piece
 * by piece: others have their turn in between, and no more is held than the codec holds.
 */
import { assert } from "../../base/assert.ts";
import type { Verdict } from "../../base/verdict.ts";
import type { ClientRequest, FileReading } from "../../dialects/contract.ts";
import type { UploadedForm } from "../exchange.ts";
import { nextTurn, TURN_BYTES } from "../in-turns.ts";
import type { BodyPlace, BodyRoom } from "../load/body-room.ts";
import { crowded } from "./read-form.ts";

/** Refuses as the codec does, and with `gateway_overloaded` where there is no room for what it holds. */
export async function readFile(
  bodyRoom: BodyRoom,
  tenantId: string,
  upload: UploadedForm,
  reading: FileReading,
): Promise<Verdict<ClientRequest>> {
  const place = bodyRoom.enter(tenantId);
  try {
    return await readInto(reading, upload, place);
  } finally {
    place.leave();
  }
}

async function readInto(
  reading: FileReading,
  { bytes, spool }: UploadedForm,
  place: BodyPlace,
): Promise<Verdict<ClientRequest>> {
  const block = new Uint8Array(spool === null ? 0 : TURN_BYTES);
  let takenBytes = block.length;
  if (!place.take(takenBytes)) return { allowed: false, refusal: crowded() };
  for (let at = reading.start; at < reading.end;) {
    const end = Math.min(at + TURN_BYTES, reading.end);
    const piece =
      spool === null
        ? bytes.subarray(at, end)
        : await readPiece(spool, block.subarray(0, end - at), at);
    at += piece.length;
    const refused = reading.push(piece);
    if (refused !== null) return refused;
    const moreBytes = block.length + reading.heldBytes() - takenBytes;
    if (moreBytes > 0) {
      if (!place.take(moreBytes)) return { allowed: false, refusal: crowded() };
      takenBytes += moreBytes;
    }
    if (spool === null) await nextTurn();
  }
  return reading.finish();
}

async function readPiece(
  { read }: NonNullable<UploadedForm["spool"]>,
  target: Uint8Array<ArrayBuffer>,
  offset: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await read(target, offset);
  assert(bytes > 0, "a spool ended before its end");
  return target.subarray(0, bytes);
}
