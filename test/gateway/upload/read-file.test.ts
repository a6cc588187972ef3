/** A file within a form is read in small pieces, others having their turn, within the room for bodies. */
import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { allow, refuse } from "../../../src/base/verdict.ts";
import type { FileReading } from "../../../src/dialects/contract.ts";
import { freeRequest } from "../../../src/dialects/owned.ts";
import type { Spool, UploadedForm } from "../../../src/gateway/exchange.ts";
import { BodyRoom } from "../../../src/gateway/load/body-room.ts";
import { readFile } from "../../../src/gateway/upload/read-file.ts";

const TENANT = "ten_1";
const PIECE_BYTES_MAX = 16 * 1024;
const request = freeRequest("files", new Uint8Array(0));

const pattern = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) % 251);

const inMemory = (bytes: Uint8Array<ArrayBuffer>): UploadedForm => ({
  form: { parts: [], digest: "" },
  bytes,
  spool: null,
});

/** One that gives less than it is asked for, as a disk may. */
function spooled(bytes: Uint8Array<ArrayBuffer>): UploadedForm {
  const spool: Spool = {
    byteLength: bytes.length,
    read: async (target, offset) => {
      const part = bytes.subarray(offset, offset + Math.min(target.length, 50_001));
      await new Promise((resolve) => setImmediate(resolve));
      target.set(part);
      return part.length;
    },
    close: () => undefined,
  };
  return { form: { parts: [], digest: "" }, bytes: new Uint8Array(0), spool };
}

const finish: FileReading["finish"] = () => allow(request);

type Seen = { readonly reading: FileReading; readonly pieces: Uint8Array[] };

function readingOf(start: number, end: number, more: Partial<FileReading> = {}): Seen {
  const pieces: Uint8Array[] = [];
  const push: FileReading["push"] = (piece) => {
    pieces.push(Uint8Array.from(piece));
    return null;
  };
  return { reading: { start, end, push, finish, heldBytes: () => 0, ...more }, pieces };
}

test.each([
  ["memory", inMemory],
  ["a spool", spooled],
] as const)(
  "it comes whole from %s, in pieces, with a turn for others in between",
  async (...one) => {
    const [, kept] = one;
    const bytes = pattern(500_000);
    const room = new BodyRoom();
    const { reading, pieces } = readingOf(1_000, 400_000);
    let turns = 0;
    const count = (): void => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    expect(await readFile(room, TENANT, kept(bytes), reading)).toEqual(allow(request));
    clearImmediate(timer);
    expect(Buffer.compare(Buffer.concat(pieces), bytes.subarray(1_000, 400_000))).toBe(0);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(PIECE_BYTES_MAX);
    expect(turns).toBeGreaterThanOrEqual(pieces.length - 1);
    expect(room.takenBytes).toBe(0);
  },
);

test("a refusal ends the reading", async () => {
  const room = new BodyRoom();
  const refused = refuse("invalid_request", "no");
  let pushed = 0;
  const push = () => {
    pushed += 1;
    return pushed === 2 ? refused : null;
  };
  const { reading } = readingOf(0, 400_000, { push });
  expect(await readFile(room, TENANT, inMemory(pattern(400_000)), reading)).toEqual(refused);
  expect([pushed, room.takenBytes]).toEqual([2, 0]);
});

test("what is held of it takes room for bodies, and is refused where there is none", async () => {
  const room = new BodyRoom();
  const taken: number[] = [];
  const held = [1_000_000, 3_000_000, 2_000_000];
  const push = () => {
    taken.push(room.takenBytes);
    return null;
  };
  const heldBytes = () => held[taken.length - 1] ?? 0;
  const { reading } = readingOf(0, 3 * PIECE_BYTES_MAX, { push, heldBytes });
  const file = inMemory(pattern(3 * PIECE_BYTES_MAX));
  expect(await readFile(room, TENANT, file, reading)).toEqual(allow(request));
  expect([...taken, room.takenBytes]).toEqual([0, 1_000_000, 3_000_000, 0]);
  const greedy = readingOf(0, 1, { heldBytes: () => LIMITS.bodiesReadingBytesMax });
  expect(await readFile(room, TENANT, file, greedy.reading)).toMatchObject({
    allowed: false,
    refusal: { code: "gateway_overloaded", retryAfterMs: 5_000 },
  });
  expect(room.takenBytes).toBe(0);
});
