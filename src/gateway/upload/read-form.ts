/**
 * Reads a client's multipart form: it is looked through while it comes, and kept in memory where it is
 * small, else in a spool. How fast a client may send is how fast the disk takes it.
 */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { refuse, type Refusal } from "../../base/verdict.ts";
import { boundaryOf } from "../../dialects/multipart-headers.ts";
import { MultipartScan } from "../../dialects/multipart.ts";
import { BytePieces } from "../byte-pieces.ts";
import type { Spool, UploadedForm } from "../exchange.ts";
import { freeBytes } from "../free-bytes.ts";
import type { BodyPlace, BodyRoom } from "../load/body-room.ts";
import { IDEMPOTENCY_KEY } from "../share/idempotency-key.ts";
import type { Log } from "../../telemetry/log.ts";
import { type ByteReader, discard } from "../transport.ts";
import { NoRoomError, type Spools } from "./spools.ts";

/** Nobody knows how fast others send; most bodies take less. */
const CROWDED_RETRY_MS = 5_000;

/** What a form takes of the memory whatever its length: the block it is looked through in. */
const SCAN_BYTES = 64 * 1024;

export type FormParts = {
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
  readonly bodyRoom: BodyRoom;
  readonly spools: Spools;
};

export type FormSource = {
  readonly headers: Headers;
  /** null: there is no body at all. */
  readonly reader: ByteReader | null;
  readonly tenantId: string;
  readonly bytesMax: number;
};

/**
 * Refuses with `body_too_large`, with `invalid_request` when it is no form, breaks off or takes too long,
 * and with `gateway_overloaded` when there is no room for it. Throws what the disk says.
 */
export async function readForm(
  { clock, log, bodyRoom, spools }: FormParts,
  { headers, reader, tenantId, bytesMax }: FormSource,
): Promise<UploadedForm | Refusal> {
  const boundary = boundaryOf(headers.get("content-type") ?? "");
  if (boundary === null) {
    if (reader !== null) discard(reader);
    return refuse("invalid_request", "The body must be multipart/form-data with a boundary.")
      .refusal;
  }
  // Only who sends the same again under one key must be known again; a hash of it all is not free.
  const hash = headers.has(IDEMPOTENCY_KEY) ? new Bun.CryptoHasher("sha256") : null;
  const scan = new MultipartScan(boundary, hash);
  const place = bodyRoom.enter(tenantId);
  const kept = new KeptBody(place, () => spools.begin(tenantId));
  let isLate = false;
  const timer = clock.after(LIMITS.formReadMs, () => {
    isLate = true;
    if (reader !== null) discard(reader);
  });
  let read: UploadedForm | Refusal | null = null;
  try {
    const refusal = place.take(SCAN_BYTES)
      ? await takeAll(reader, scan, kept, bytesMax)
      : crowded();
    if (isLate) return refuse("invalid_request", "The body did not arrive in time.").refusal;
    const form = refusal ?? scan.end();
    if (typeof form === "string") return refuse("invalid_request", form).refusal;
    read = "parts" in form ? { form, ...(await kept.finish()) } : form;
    return read;
  } catch (error) {
    if (!(error instanceof NoRoomError)) throw error;
    if (spools.isNews(clock.monotonicMs())) log.warn("upload.no_room", { error });
    return crowded();
  } finally {
    timer.cancel();
    place.leave();
    if (read === null || "code" in read) {
      if (reader !== null) discard(reader);
      await kept.discard();
    }
  }
}

/** null: all of it has come. */
async function takeAll(
  reader: ByteReader | null,
  scan: MultipartScan,
  kept: KeptBody,
  bytesMax: number,
): Promise<Refusal | null> {
  if (reader === null) return null;
  let bytes = 0;
  for (;;) {
    const piece = await reader.read().catch(() => null);
    if (piece === null) {
      return refuse("invalid_request", "The body broke off before its end.").refusal;
    }
    if (piece.done) return null;
    bytes += piece.value.byteLength;
    if (bytes > bytesMax) {
      return refuse("body_too_large", `The body is larger than ${bytesMax} bytes.`).refusal;
    }
    scan.push(piece.value);
    // What is wrong already need not be read to its end.
    if (scan.problem !== null) return refuse("invalid_request", scan.problem).refusal;
    await kept.add(piece.value);
  }
}

export function crowded(): Refusal {
  const message = "There is no room for so large a body at this time.";
  return refuse("gateway_overloaded", message, { retryAfterMs: CROWDED_RETRY_MS }).refusal;
}

type Writer = Awaited<ReturnType<Spools["begin"]>>;

/** In memory up to a bound, then in a spool from its first byte on. */
class KeptBody {
  readonly #place: BodyPlace;
  readonly #begin: () => Promise<Writer>;
  readonly #pieces = new BytePieces();
  #writer: Writer | null = null;

  constructor(place: BodyPlace, begin: () => Promise<Writer>) {
    this.#place = place;
    this.#begin = begin;
  }

  async add(bytes: Uint8Array): Promise<void> {
    if (this.#writer !== null) {
      await this.#writer.add(bytes);
      freeBytes(bytes);
      return;
    }
    if (this.#pieces.length + bytes.byteLength > LIMITS.formInMemoryBytesMax) {
      this.#writer = await this.#begin();
      await this.#writer.add(this.#pieces.joined());
      this.#pieces.clear();
      return await this.#writer.add(bytes);
    }
    if (!this.#place.take(bytes.byteLength))
      throw new NoRoomError("the memory for bodies is taken");
    this.#pieces.add(bytes);
  }

  async finish(): Promise<{
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly spool: Spool | null;
  }> {
    const spool = this.#writer === null ? null : await this.#writer.finish();
    return { bytes: this.#pieces.joined(), spool };
  }

  /** Not while something is being added. */
  async discard(): Promise<void> {
    await this.#writer?.discard();
  }
}
