/**
 * Recordings: many readers get the same bytes from one writer, each at its own pace; memory stays
 * within its bounds, and whoever falls behind them is ended instead of holding the others back.
 */
import { beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { systemClock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Reader } from "../../../src/gateway/share/reader.ts";
import type { Recording } from "../../../src/gateway/share/recording.ts";
import { Recordings } from "../../../src/gateway/share/recordings.ts";

const PIECE = new Uint8Array(64 * 1024).fill(7);
/** Past the bound of one recording. */
const PIECES_OVER = Math.ceil(LIMITS.recordingBytesMax / PIECE.byteLength) + 1;

let leaptMs: number;
let all: Recordings;

beforeEach(() => {
  leaptMs = 0;
  all = new Recordings({
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + leaptMs,
  });
});

function begin(requestId = "req_1"): Recording {
  const recording = all.begin(requestId);
  if (recording === null) throw new Error("no room for a recording");
  return recording;
}

function attach(recording: Recording, place = 0): Reader {
  const reader = recording.attach(place);
  if (reader === null) throw new Error("nobody may read from there");
  return reader;
}

function readAll(reader: Reader): number[] {
  const bytes: number[] = [];
  for (let piece = reader.next(); piece !== null; piece = reader.next()) bytes.push(...piece);
  return bytes;
}

describe("within its bound", () => {
  test("every reader gets the same bytes from its place on, whenever it reads or comes", () => {
    const act = fc.oneof(
      fc.record({ do: fc.constant("write" as const), byte: fc.nat(255) }),
      fc.record({ do: fc.constant("attach" as const), place: fc.nat(20) }),
      fc.record({ do: fc.constant("read" as const), reader: fc.nat(5) }),
      fc.record({ do: fc.constant("leave" as const), reader: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        all = new Recordings(systemClock);
        const recording = begin();
        const written: number[] = [];
        const readers: { reader: Reader; from: number; got: number[] }[] = [];
        for (const one of acts) {
          if (one.do === "write") {
            expect(recording.write(Uint8Array.of(one.byte))).toBe(1);
            written.push(one.byte);
          } else if (one.do === "attach") {
            const reader = recording.attach(one.place);
            expect(reader === null).toBe(one.place > written.length);
            if (reader !== null) readers.push({ reader, from: one.place, got: [] });
          } else {
            const seat = readers[one.reader % Math.max(1, readers.length)];
            if (one.do === "read" && seat !== undefined)
              seat.got.push(...(seat.reader.next() ?? []));
            if (one.do === "leave") seat?.reader.leave();
          }
        }
        recording.end(null);
        for (const { reader, from, got } of readers) {
          const isLeft = reader.interruption !== null;
          const whole = isLeft ? got : [...got, ...readAll(reader)];
          expect(whole).toEqual(written.slice(from, from + whole.length));
          if (!isLeft) expect(whole).toHaveLength(written.length - from);
          reader.leave();
        }
        expect([all.bytes, all.count]).toEqual([0, 0]);
      }),
    );
  });

  test("who waits is woken by what is written, by the end, and by its interruption", async () => {
    const recording = begin();
    const reader = attach(recording);
    const woken = reader.wait();
    await recording.write(Uint8Array.of(1));
    await woken;
    const ended = reader.wait();
    const other = attach(recording);
    const interrupted = other.wait();
    other.interrupt("gateway_draining");
    await interrupted;
    recording.end(null);
    await ended;
    expect([reader.interruption, other.interruption]).toEqual([null, "gateway_draining"]);
  });
});

describe("past its bound", () => {
  test("a reader that is behind is ended, and the one that keeps up is not held back", () => {
    const recording = begin();
    const [fast, slow] = [attach(recording), attach(recording)];
    let read = 0;
    for (let place = 0; place < 3 * PIECES_OVER; place += 1) {
      expect(recording.write(PIECE)).toBe(PIECE.byteLength);
      if (fast.next() !== null) read += 1;
      expect(all.bytes).toBeLessThanOrEqual(LIMITS.recordingBytesMax);
    }
    expect([read, fast.interruption, slow.interruption]).toEqual([
      3 * PIECES_OVER,
      null,
      "gateway_overloaded",
    ]);
    // What its begin was nobody can be told any more.
    expect([recording.attach(0), recording.whole(Number.POSITIVE_INFINITY)]).toEqual([null, null]);
  });

  test("the writer waits where all are behind, until the first of them reads on or leaves", async () => {
    const recording = begin();
    const readers = [attach(recording), attach(recording)];
    let waits: Promise<unknown> | null = null;
    for (let place = 0; place < PIECES_OVER; place += 1) {
      const written = recording.write(PIECE);
      if (typeof written !== "number") waits = written;
    }
    expect(waits).not.toBeNull();
    expect(all.bytes).toBeLessThanOrEqual(LIMITS.recordingBytesMax + 2 * PIECE.byteLength);
    for (let place = 0; place < 3; place += 1) readers[0]?.next();
    await waits;
    expect(readers.map(({ interruption }) => interruption)).toEqual([null, "gateway_overloaded"]);

    const last = readers[0];
    let again: Promise<unknown> | null = null;
    while (again === null) {
      const written = recording.write(PIECE);
      if (typeof written !== "number") again = written;
    }
    last?.leave();
    await again;
    expect(all.bytes).toBeLessThanOrEqual(LIMITS.recordingBytesMax);
  });

  test("what nobody reads keeps its newest bytes alone", () => {
    const recording = begin();
    for (let place = 1; place <= 2 * PIECES_OVER; place += 1) void recording.write(PIECE, place);
    expect(all.bytes).toBeLessThanOrEqual(LIMITS.recordingBytesMax);
    expect(recording.placeAfter(0)).toBeNull();
    expect(recording.placeAfter(1)).toBeNull();
    const place = recording.placeAfter(2 * PIECES_OVER - 3);
    expect(readAll(attach(recording, place ?? -1))).toHaveLength(3 * PIECE.byteLength);
  });

  test("all recordings together: those that are only kept make room first, oldest first", () => {
    const forgotten: string[] = [];
    const perRecording = PIECES_OVER - 2;
    const full = Math.ceil(LIMITS.recordingsBytesMax / (perRecording * PIECE.byteLength)) + 4;
    for (let number = 0; number < full; number += 1) {
      const recording = begin(`req_${number}`);
      for (let place = 0; place < perRecording; place += 1) void recording.write(PIECE);
      all.keep(recording, () => forgotten.push(recording.requestId));
      recording.end(null);
      expect(all.bytes).toBeLessThanOrEqual(LIMITS.recordingsBytesMax);
    }
    expect(forgotten.length).toBeGreaterThan(0);
    expect(forgotten).toEqual(forgotten.map((_, number) => `req_${number}`));
    expect(all.count).toBe(full - forgotten.length);
    leaptMs = LIMITS.resumableKeptMs;
    all.sweep();
    expect([all.count, all.bytes, forgotten.length]).toEqual([0, 0, full]);
  });

  test("there are no more of them than may be, and an end makes room for one", () => {
    const begun = Array.from({ length: LIMITS.recordingsMax + 1 }, () => all.begin("req_1"));
    expect(begun.filter((recording) => recording === null)).toHaveLength(1);
    begun[0]?.end(null);
    expect([all.begin("req_2") !== null, all.begin("req_3")]).toEqual([true, null]);
  });

  test("those that are only kept, or were, keep nobody from beginning one", () => {
    const forgotten: string[] = [];
    const keptAlone = (requestId: string): void => {
      const recording = begin(requestId);
      all.keep(recording, () => forgotten.push(recording.requestId));
      recording.end(null);
    };
    for (let number = 0; number < LIMITS.recordingsMax; number += 1) keptAlone(`req_${number}`);
    expect(forgotten).toEqual([]);
    const running = [begin("running_1"), begin("running_2")];
    expect([forgotten, all.count]).toEqual([["req_0", "req_1"], LIMITS.recordingsMax]);
    for (const recording of running) recording.end(null);
    keptAlone("req_last");
    expect(forgotten).toHaveLength(2);
  });
});
