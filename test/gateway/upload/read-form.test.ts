/** A client's form is kept whole wherever it lies, and what cannot be one is refused and leaves nothing. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { systemRandom } from "../../../src/base/random.ts";
import type { Refusal } from "../../../src/base/verdict.ts";
import type { UploadedForm } from "../../../src/gateway/exchange.ts";
import { BodyRoom } from "../../../src/gateway/load/body-room.ts";
import { readForm } from "../../../src/gateway/upload/read-form.ts";
import { Spools } from "../../../src/gateway/upload/spools.ts";
import { ManualClock } from "../../bench/manual-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "tollgate-forms-"));
afterAll(() => rmSync(folder, { recursive: true }));

const MIB = 1024 * 1024;

function formBytes(fileBytes: number): Uint8Array<ArrayBuffer> {
  const head = `--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n`;
  const tail = `\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n`;
  return new Uint8Array(
    Buffer.concat([Buffer.from(head), Buffer.alloc(fileBytes, 7), Buffer.from(tail)]),
  );
}

type Given = {
  readonly pieces?: readonly Uint8Array[];
  readonly end?: "close" | "break" | "hang";
  readonly headers?: Record<string, string>;
  readonly bytesMax?: number;
  readonly clock?: typeof systemClock;
  readonly diskReserveBytes?: number;
};

async function read(given: Given) {
  const {
    pieces = [],
    end = "close",
    headers = {},
    bytesMax = 64 * MIB,
    diskReserveBytes = 0,
  } = given;
  const bodyRoom = new BodyRoom();
  const spools = new Spools(folder, systemRandom, { bytesMax: 100 * MIB, diskReserveBytes });
  let isCancelled = false;
  const left = [...pieces];
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const piece = left.shift();
      if (piece !== undefined) controller.enqueue(piece);
      else if (end === "close") controller.close();
      else if (end === "break") controller.error(new Error("reset"));
      else await new Promise(() => undefined);
    },
    cancel: () => {
      isCancelled = true;
    },
  });
  const source = {
    headers: new Headers({ "content-type": "multipart/form-data; boundary=b", ...headers }),
    reader: body.getReader(),
    tenantId: "t1",
    bytesMax,
  };
  const told: string[] = [];
  const log = { warn: (event: string) => void told.push(event) };
  const clock = given.clock ?? systemClock;
  const uploaded = await readForm({ clock, log, bodyRoom, spools }, source);
  expect([bodyRoom.takenBytes, readdirSync(folder)]).toEqual([0, []]);
  return { uploaded, spools, isCancelled, told };
}

function pieced(bytes: Uint8Array, length: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / length);
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
}

test("a small form stays in memory, to the byte", async () => {
  const bytes = formBytes(MIB - 1_000);
  const { uploaded, spools } = await read({ pieces: pieced(bytes, 7_001) });
  const form = uploaded as UploadedForm;
  expect(Buffer.compare(form.bytes, bytes)).toBe(0);
  expect([form.spool, spools.takenBytes]).toEqual([null, 0]);
  expect(form.form.parts.map(({ name, value }) => [name, value])).toEqual([
    ["file", null],
    ["model", "m"],
  ]);
});

test("a large form lies in a spool, to the byte, and its fields behind the file are known", async () => {
  const bytes = formBytes(3 * MIB);
  const { uploaded, spools } = await read({ pieces: pieced(bytes, 50_000) });
  const { spool, bytes: inMemory, form } = uploaded as UploadedForm;
  const back = new Uint8Array(bytes.length);
  expect(await spool?.read(back, 0)).toBe(bytes.length);
  expect(Buffer.compare(back, bytes)).toBe(0);
  expect([inMemory.length, spools.takenBytes]).toEqual([0, bytes.length]);
  const model = form.parts[1];
  expect(Buffer.from(bytes.subarray(model?.start, model?.end)).toString()).toBe("m");
  spool?.close();
  expect(spools.takenBytes).toBe(0);
});

test("forms are hashed only for who may send them again under one key", async () => {
  const pieces = [formBytes(10)];
  const without = (await read({ pieces })).uploaded as UploadedForm;
  const withKey = (await read({ pieces, headers: { "idempotency-key": "k" } }))
    .uploaded as UploadedForm;
  expect([without.form.digest, withKey.form.digest.length]).toEqual(["", 64]);
});

const large = pieced(formBytes(3 * MIB), 500_000);
const cases: [string, Given, Partial<Refusal>][] = [
  ["is no form", { headers: { "content-type": "application/json" } }, { code: "invalid_request" }],
  ["has no body", {}, { code: "invalid_request" }],
  ["is too large", { pieces: large, bytesMax: 2 * MIB }, { code: "body_too_large" }],
  [
    "breaks off",
    { pieces: large.slice(0, 4), end: "break" },
    { code: "invalid_request", message: "The body broke off before its end." },
  ],
  [
    "ends early",
    { pieces: large.slice(0, 4) },
    { code: "invalid_request", message: "The form broke off before its last delimiter." },
  ],
  [
    "is wrong",
    { pieces: [Buffer.from("--b\r\nnonsense\r\n\r\n")], end: "hang" },
    { code: "invalid_request" },
  ],
  [
    "finds no room on the disk",
    { pieces: large, diskReserveBytes: Number.MAX_SAFE_INTEGER },
    { code: "gateway_overloaded", retryAfterMs: 5_000 },
  ],
];

test.each(cases)("a form that %s is refused and leaves nothing", async (_what, given, refusal) => {
  const { uploaded, spools, told } = await read(given);
  expect([uploaded, spools.takenBytes]).toEqual([expect.objectContaining(refusal), 0]);
  expect(told).toEqual("retryAfterMs" in refusal ? ["upload.no_room"] : []);
});

test("a form that takes too long is refused, and no more of it is read", async () => {
  const clock = new ManualClock();
  const reading = read({ pieces: large.slice(0, 4), end: "hang", clock });
  await clock.advance(LIMITS.formReadMs);
  const { uploaded, spools, isCancelled } = await reading;
  expect(uploaded).toEqual({
    code: "invalid_request",
    message: "The body did not arrive in time.",
  });
  expect([spools.takenBytes, isCancelled]).toEqual([0, true]);
});
