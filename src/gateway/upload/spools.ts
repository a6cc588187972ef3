/**
 * Temporary files for bodies that are too large for the memory. Each is unlinked before its first byte
 * is written, so it has no name by which anybody could read it, and is gone with the process.
 *
 * Invariants: all of them together stay within a bound and leave the ledger its room on the disk. As of
 * other rooms (src/gateway/load/body-room.ts) a tenant has at most four times what is free.
 */
import { open, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../base/assert.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import type { Spool } from "../exchange.ts";

/** Bytes are gathered to so many before they are written. */
const BLOCK_BYTES = 128 * 1024;

/** Written between two looks at how much is free on the disk. */
const LOOK_EVERY_BYTES = 16 * 1024 * 1024;

type SpoolBounds = {
  /** All of them together. */
  readonly bytesMax: number;
  /** What they leave free of their disk. */
  readonly diskReserveBytes: number;
};

const BOUNDS: SpoolBounds = {
  bytesMax: LIMITS.spoolsBytesMax,
  diskReserveBytes: LIMITS.diskReserveBytes,
};

/** Times what is free. */
const SHARE = 4;

const NAME_BYTES = 12;

type Handle = Awaited<ReturnType<typeof open>>;

/** There is no room for more: on the disk, or of what all bodies together may have of it. */
export class NoRoomError extends Error {
  override name = "NoRoomError";
}

export class Spools {
  readonly #folder: string;
  readonly #random: Random;
  readonly #bounds: SpoolBounds;
  readonly #bytesOf = new Map<string, number>();
  #takenBytes = 0;
  #toldAtMs = -Infinity;

  constructor(folder: string, random: Random, bounds: SpoolBounds = BOUNDS) {
    this.#folder = folder;
    this.#random = random;
    this.#bounds = bounds;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Whether nobody was told within a minute that there is no room: a line for each would be load. */
  isNews(nowMs: number): boolean {
    if (nowMs - this.#toldAtMs < LIMITS.noRoomToldMs) return false;
    this.#toldAtMs = nowMs;
    return true;
  }

  /** Throws {@link NoRoomError}, or what the disk says. */
  async begin(tenantId: string): Promise<SpoolWriter> {
    await this.#look();
    const name = Buffer.from(this.#random.bytes(NAME_BYTES)).toString("hex");
    const path = join(this.#folder, `spool-${name}`);
    // Dying between these two leaves an empty file.
    const handle = await open(path, "wx+", 0o600).catch(fail);
    try {
      await unlink(path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new SpoolWriter(handle, {
      take: (bytes) => this.#take(tenantId, bytes),
      giveBack: (bytes) => this.#add(tenantId, -bytes),
      look: () => this.#look(),
    });
  }

  /** Others write to this disk too. */
  async #look(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#folder);
    const { diskReserveBytes } = this.#bounds;
    if (bavail * bsize >= diskReserveBytes) return;
    throw new NoRoomError(`less than ${diskReserveBytes} bytes are free in ${this.#folder}`);
  }

  #take(tenantId: string, bytes: number): void {
    const free = this.#bounds.bytesMax - this.#takenBytes - bytes;
    const tenants = (this.#bytesOf.get(tenantId) ?? 0) + bytes;
    if (tenants > SHARE * free) throw new NoRoomError("the tenant has its share of all uploads");
    this.#add(tenantId, bytes);
  }

  #add(tenantId: string, bytes: number): void {
    this.#takenBytes += bytes;
    const tenants = (this.#bytesOf.get(tenantId) ?? 0) + bytes;
    assert(tenants >= 0, "more room was given back than was taken");
    if (tenants === 0) this.#bytesOf.delete(tenantId);
    else this.#bytesOf.set(tenantId, tenants);
  }
}

type Room = {
  readonly take: (bytes: number) => void;
  readonly giveBack: (bytes: number) => void;
  readonly look: () => Promise<void>;
};

/** A spool while it is being filled; `discard` or `finish` it in the end. */
class SpoolWriter {
  readonly #handle: Handle;
  readonly #room: Room;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #inBlock = 0;
  #writtenBytes = 0;
  #takenBytes = 0;
  #lookAtBytes = LOOK_EVERY_BYTES;

  constructor(handle: Handle, room: Room) {
    this.#handle = handle;
    this.#room = room;
  }

  /** One at a time. Throws {@link NoRoomError}, or what the disk says. */
  async add(bytes: Uint8Array): Promise<void> {
    this.#room.take(bytes.byteLength);
    this.#takenBytes += bytes.byteLength;
    for (let taken = 0; taken < bytes.byteLength;) {
      const piece = bytes.subarray(taken, taken + BLOCK_BYTES - this.#inBlock);
      this.#block.set(piece, this.#inBlock);
      this.#inBlock += piece.byteLength;
      taken += piece.byteLength;
      if (this.#inBlock === BLOCK_BYTES) await this.#write();
    }
  }

  async finish(): Promise<Spool> {
    await this.#write();
    return new SpooledFile(this.#handle, this.#writtenBytes, () => this.#leave());
  }

  /** Not while something is being added. */
  async discard(): Promise<void> {
    this.#leave();
    await this.#handle.close();
  }

  #leave(): void {
    this.#room.giveBack(this.#takenBytes);
    this.#takenBytes = 0;
  }

  async #write(): Promise<void> {
    if (this.#writtenBytes >= this.#lookAtBytes) {
      await this.#room.look();
      this.#lookAtBytes += LOOK_EVERY_BYTES;
    }
    try {
      for (let at = 0; at < this.#inBlock;) {
        const left = this.#inBlock - at;
        const { bytesWritten } = await this.#handle.write(
          this.#block,
          at,
          left,
          this.#writtenBytes,
        );
        at += bytesWritten;
        this.#writtenBytes += bytesWritten;
      }
    } catch (error) {
      fail(error);
    }
    this.#inBlock = 0;
  }
}

/** The disk, a quota, the size that files may have, or the number of those that may be open. */
const NO_ROOM = /^(?:ENOSPC|EDQUOT|EFBIG|EMFILE|ENFILE)$/;

function fail(error: unknown): never {
  const isFull = error instanceof Error && "code" in error && NO_ROOM.test(String(error.code));
  throw isFull ? new NoRoomError(error.message, { cause: error }) : error;
}

class SpooledFile implements Spool {
  readonly byteLength: number;
  readonly #handle: Handle;
  readonly #leave: () => void;
  #isClosed = false;
  #reading = 0;

  constructor(handle: Handle, byteLength: number, leave: () => void) {
    this.byteLength = byteLength;
    this.#handle = handle;
    this.#leave = leave;
  }

  readonly read = async (target: Uint8Array, offset: number): Promise<number> => {
    if (this.#isClosed) throw new Error("the spool was closed");
    this.#reading += 1;
    try {
      return (await this.#handle.read(target, 0, target.byteLength, offset)).bytesRead;
    } finally {
      this.#reading -= 1;
      this.#letGo();
    }
  };

  readonly close = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#leave();
    this.#letGo();
  };

  /** Not under a read: the descriptor's number could be another file's by then. */
  #letGo(): void {
    if (!this.#isClosed || this.#reading > 0) return;
    this.#handle.close().catch(() => {
      // It has neither a name nor readers: there is nothing left to be lost.
    });
  }
}
