/** How long sound can be at most: never less than a decoder would find in a file that is what it says. */
import { expect, test } from "bun:test";
import type { FormPart } from "../../src/dialects/multipart.ts";
import { soundSecondsMax } from "../../src/dialects/sound-length.ts";

type Wav = {
  readonly format?: number;
  readonly channels?: number;
  readonly samplesPerSecond?: number;
  readonly bits?: number;
  readonly bytesPerSecond?: number;
  /** Before the format's own chunk. */
  readonly before?: Buffer;
};

function wavHead(wav: Wav = {}): Buffer {
  const { format = 1, channels = 1, samplesPerSecond = 16_000, bits = 16 } = wav;
  const bytesPerSample = (channels * bits) / 8;
  const body = Buffer.alloc(16);
  body.writeUInt16LE(format, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(samplesPerSecond, 4);
  body.writeUInt32LE(wav.bytesPerSecond ?? samplesPerSecond * bytesPerSample, 8);
  body.writeUInt16LE(bytesPerSample, 12);
  body.writeUInt16LE(bits, 14);
  const riff = Buffer.from("RIFF\0\0\0\0WAVE", "latin1");
  return Buffer.concat([riff, wav.before ?? Buffer.alloc(0), chunk("fmt ", body)]);
}

function chunk(name: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from(name), length, body, Buffer.alloc(body.length % 2)]);
}

function file(bytes: number, head: Uint8Array = new Uint8Array(0)): FormPart {
  return { name: "file", filename: "f", start: 1_000, end: 1_000 + bytes, value: null, head };
}

const field: FormPart = {
  name: "model",
  filename: null,
  start: 0,
  end: 900_000,
  value: null,
  head: new Uint8Array(0),
};

test.each([
  ["16 kHz of 16 bits", {}, 320_000, 10],
  ["a second that has begun", {}, 320_001, 11],
  ["two channels of 44.1 kHz", { channels: 2, samplesPerSecond: 44_100 }, 176_400 * 60, 60],
  ["floating point", { format: 3, bits: 32 }, 640_000, 10],
  [
    "a chunk of odd length before its format",
    { before: chunk("JUNK", Buffer.alloc(27)) },
    320_000,
    10,
  ],
])("a WAV file of %s is as long as its header says", (_what, wav, bytes, seconds) => {
  expect(soundSecondsMax([file(bytes, wavHead(wav)), field])).toBe(seconds);
});

test.each([
  ["packs its samples", { format: 0x11 }],
  ["claims more bytes a second than its samples have", { bytesPerSecond: 3_200_000 }],
  ["claims hardly any samples", { samplesPerSecond: 1, bits: 8 }],
  [
    "has its format where its begin is no longer kept",
    { before: chunk("JUNK", Buffer.alloc(600)) },
  ],
])("the header of a WAV file that %s is not believed", (_what, wav) => {
  expect(soundSecondsMax([file(320_000, wavHead(wav).subarray(0, 512))])).toBe(320);
});

test("sound of any other kind has a second for each thousand bytes", () => {
  expect(soundSecondsMax([file(25 * 1024 * 1024), field])).toBe(26_215);
  expect(soundSecondsMax([file(1_500), file(320_000, wavHead())])).toBe(12);
  expect(soundSecondsMax([file(0)])).toBe(0);
});

test("sound that did not come with the form is as long as the largest file", () => {
  expect(soundSecondsMax([field])).toBe(100_000);
});

test("a header that is cut off anywhere is read without harm", () => {
  const head = wavHead();
  for (let length = 0; length < head.length; length += 1) {
    expect(soundSecondsMax([file(320_000, head.subarray(0, length))])).toBe(320);
  }
});
