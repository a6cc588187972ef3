/** Large bodies lie in files without a name, within the room that there is, and are gone when let go of. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRandom } from "../../../src/base/random.ts";
import { splice } from "../../../src/dialects/splice.ts";
import type { Spool } from "../../../src/gateway/exchange.ts";
import { spooledBody } from "../../../src/gateway/upload/spooled-body.ts";
import { NoRoomError, Spools } from "../../../src/gateway/upload/spools.ts";
import { until } from "../../support/until.ts";

const folder = mkdtempSync(join(tmpdir(), "tollgate-spools-"));
afterAll(() => rmSync(folder, { recursive: true }));

const MIB = 1024 * 1024;
const ROOMY = { bytesMax: 1024 * MIB, diskReserveBytes: 0 };

/** Bytes that tell where they stand. */
function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) % 251);
}

/** Of files in the folder, which have no name there any more. */
function descriptors(): number {
  const targets = readdirSync("/proc/self/fd").map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      // The one that read the list.
      return "";
    }
  });
  return targets.filter((target) => target.startsWith(folder)).length;
}

function failureOf(pending: Promise<unknown>): Promise<unknown> {
  return pending.then(
    () => "it did not fail",
    (error: unknown) => error,
  );
}

async function filled(spools: Spools, pieces: readonly Uint8Array[]): Promise<Spool> {
  const writer = await spools.begin("t1");
  for (const piece of pieces) await writer.add(piece);
  return await writer.finish();
}

async function contentOf(spool: Spool, edits: Parameters<typeof spooledBody>[1] = []) {
  const body = spooledBody(spool, edits);
  const pieces: Uint8Array[] = [];
  // A piece is ours until the next one is asked for.
  for await (const piece of body.open(() => undefined)) pieces.push(Uint8Array.from(piece));
  const bytes = Buffer.concat(pieces);
  expect(bytes.byteLength).toBe(body.byteLength);
  return bytes;
}

test("a spool has no name, and gives back what was put in, as often as it is asked", async () => {
  const spools = new Spools(folder, systemRandom, ROOMY);
  const bytes = pattern(MIB + 17);
  const cuts = [0, 1, 1, 5_000, 131_072, 131_073, 900_000, bytes.length];
  const pieces = cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
  const spool = await filled(spools, pieces);
  expect(readdirSync(folder)).toEqual([]);
  expect([spool.byteLength, spools.takenBytes]).toEqual([bytes.length, bytes.length]);
  const [one, other] = await Promise.all([contentOf(spool), contentOf(spool)]);
  expect([Buffer.compare(one, bytes), Buffer.compare(other, bytes)]).toEqual([0, 0]);
  spool.close();
  expect(spools.takenBytes).toBe(0);
});

test("values are replaced on the way out, wherever they stand", async () => {
  const bytes = pattern(300_000);
  const spool = await filled(new Spools(folder, systemRandom, ROOMY), [bytes]);
  const edits = [
    { start: 200_000, end: 200_009, text: "in its place" },
    { start: 0, end: 2, text: "first" },
    { start: 300_000, end: 300_000, text: "behind" },
    { start: 70_000, end: 70_010, text: "" },
  ];
  const sent = Buffer.concat([
    Buffer.from("first"),
    bytes.subarray(2, 70_000),
    bytes.subarray(70_010, 200_000),
    Buffer.from("in its place"),
    bytes.subarray(200_009),
    Buffer.from("behind"),
  ]);
  expect(Buffer.compare(await contentOf(spool, edits), sent)).toBe(0);
  spool.close();
});

test("as many values as a batch has lines cost neither a read nor a piece each", async () => {
  const bytes = pattern(3_000_000);
  const spool = await filled(new Spools(folder, systemRandom, ROOMY), [bytes]);
  const edits = Array.from({ length: 50_000 }, (_, index) => {
    const start = index * 60;
    return { start, end: start + (index % 7), text: "x".repeat(index % 11) };
  });
  let reads = 0;
  const counted: Spool = {
    ...spool,
    byteLength: spool.byteLength,
    read: (target, offset) => {
      reads += 1;
      return spool.read(target, offset);
    },
  };
  expect(Buffer.compare(await contentOf(counted, edits), splice(bytes, edits))).toBe(0);
  expect(reads).toBeLessThanOrEqual(Math.ceil(bytes.length / (128 * 1024)));
  spool.close();
});

test("a spool that was let go of is read no more, whoever was reading it", async () => {
  const spools = new Spools(folder, systemRandom, ROOMY);
  const spool = await filled(spools, [pattern(MIB)]);
  const body = spooledBody(spool, []);
  const reader = body.open(() => undefined).getReader();
  const reading = spool.read(new Uint8Array(1_000), 0);
  spool.close();
  spool.close();
  expect(await reading).toBe(1_000);
  expect(await failureOf(reader.read())).toBe(body.failure());
  expect([body.failure()?.code, spools.takenBytes]).toEqual(["internal_error", 0]);
});

test("what is given up leaves neither its room nor its descriptor behind", async () => {
  const spools = new Spools(folder, systemRandom, ROOMY);
  const writers = await Promise.all(Array.from({ length: 20 }, () => spools.begin("t1")));
  for (const writer of writers) await writer.add(pattern(200_000));
  expect(descriptors()).toBe(20);
  for (const writer of writers.slice(0, 10)) await writer.discard();
  for (const writer of writers.slice(10)) (await writer.finish()).close();
  await until(() => descriptors() === 0);
  expect(spools.takenBytes).toBe(0);
});

test("one tenant never has more than four times what is free of the room", async () => {
  const spools = new Spools(folder, systemRandom, { bytesMax: 10 * MIB, diskReserveBytes: 0 });
  const greedy = await spools.begin("greedy");
  for (let mib = 0; mib < 8; mib += 1) await greedy.add(pattern(MIB));
  expect(await failureOf(greedy.add(pattern(MIB)))).toBeInstanceOf(NoRoomError);
  const other = await spools.begin("other");
  await other.add(pattern(MIB));
  await greedy.discard();
  expect(spools.takenBytes).toBe(MIB);
  await other.discard();
});

test("a disk that must be left to the ledger is not written to", async () => {
  const none = { bytesMax: 10 * MIB, diskReserveBytes: Number.MAX_SAFE_INTEGER };
  const spools = new Spools(folder, systemRandom, none);
  expect(await failureOf(spools.begin("t1"))).toBeInstanceOf(NoRoomError);
  expect([readdirSync(folder), spools.takenBytes]).toEqual([[], 0]);
});
