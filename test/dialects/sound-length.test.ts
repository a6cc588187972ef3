/** How long sound can be at most: never less than a decoder would find in a file that is what it says. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { LIMITS } from "../../src/base/limits.ts";
import type { FormPart } from "../../src/dialects/multipart.ts";
import { soundSecondsMax } from "../../src/dialects/sound-length.ts";

type Wav = {
  readonly format?: number;
  readonly channels?: number;
  readonly samplesPerSecond?: number;
  readonly bits?: number;
  readonly bytesPerSecond?: number;
  readonly kind?: string;
  /** Before the format's own chunk, behind it, and where the samples begin. */
  readonly before?: Buffer;
  readonly behind?: Buffer;
  readonly data?: Buffer;
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
  const riff = Buffer.from(`${wav.kind ?? "RIFF"}\0\0\0\0WAVE`, "latin1");
  const { before = NONE, behind = NONE } = wav;
  return Buffer.concat([
    riff,
    before,
    chunk("fmt ", body),
    behind,
    wav.data ?? chunk("data", NONE),
  ]);
}

const NONE = Buffer.alloc(0);

/** The header of a chunk that claims to be so long. */
function lying(name: string, bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes);
  return Buffer.concat([Buffer.from(name), length]);
}

function chunk(name: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from(name), length, body, Buffer.alloc(body.length % 2)]);
}

function file(bytes: number, head: Uint8Array = NONE, filename = "f.wav"): FormPart {
  return { name: "file", filename, start: 1_000, end: 1_000 + bytes, value: null, head };
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
  ["a chunk of odd length first", { before: chunk("JUNK", Buffer.alloc(27)) }, 320_000, 10],
  ["a long chunk first", { before: chunk("bext", Buffer.alloc(3_000)) }, 320_000, 10],
  ["a chunk behind its format", { behind: chunk("LIST", Buffer.alloc(26)) }, 320_000, 10],
  ["lengths of 64 bits", { kind: "RF64", before: chunk("ds64", Buffer.alloc(28)) }, 320_000, 10],
  ["data of no length", { data: lying("data", 0) }, 320_000, 10],
  ["data without an end", { data: lying("data", 0xffff_ffff) }, 320_000, 10],
  // A decoder makes a second of every byte, and the provider bills it.
  ["one sample a second", { samplesPerSecond: 1, bits: 8 }, 320_000, 320_000],
  ["telephone sound", { samplesPerSecond: 8_000, bits: 8 }, 320_000, 40],
])("a WAV file of %s is as long as its header says", (_what, wav, bytes, seconds) => {
  expect(soundSecondsMax([file(bytes, wavHead(wav)), field])).toBe(seconds);
});

test("a chunk whose length lies hides nothing", () => {
  const hidden = wavHead({ samplesPerSecond: 1, bits: 8 }).subarray(12);
  for (const length of [0, 1, 8, 20, 0x7fff_ffff, 0xffff_ffff]) {
    const before = Buffer.concat([lying("JUNK", length), hidden]);
    expect(soundSecondsMax([file(320_000, wavHead({ before }))])).toBeGreaterThanOrEqual(320_000);
  }
});

const SLOW = wavHead({ samplesPerSecond: 1, bits: 8 }).subarray(12);

test.each([
  ["packs its samples", { format: 0x11 }, 640],
  ["packs them at a slow rate", { format: 0x11, samplesPerSecond: 100 }, 51_200],
  ["claims more bytes a second than its samples have", { bytesPerSecond: 3_200_000 }, 640],
  ["claims a rate that nobody records", { samplesPerSecond: 2_000_000_000, bits: 8 }, 640],
  ["claims as many channels as can be named", { channels: 0xffff, bits: 8 }, 640],
  ["claims a rate of 0", { samplesPerSecond: 0 }, 5_120_000],
  ["has no channels", { channels: 0, samplesPerSecond: 0 }, 5_120_000],
  ["has a second format", { behind: SLOW.subarray(0, 24) }, 5_120_000],
  ["has its data before its format", { before: chunk("data", Buffer.alloc(8)) }, 640],
  ["has a format within another chunk", { before: chunk("JUNK", Buffer.from(SLOW)) }, 5_120_000],
  [
    "has its format where its begin is no longer kept",
    { before: chunk("JUNK", Buffer.alloc(6_000)) },
    5_120_000,
  ],
  ["has its lengths the other way round", { kind: "RIFX" }, 5_120_000],
])("the header of a WAV file that %s makes it no shorter", (_what, wav, seconds) => {
  const head = wavHead(wav).subarray(0, LIMITS.formFileHeadBytes);
  expect(soundSecondsMax([file(320_000, head)])).toBe(seconds);
});

test("a file that is named otherwise is as long as a decoder of another kind may find it", () => {
  for (const filename of ["f.mp3", "f", "f.wav.ogg"]) {
    expect(soundSecondsMax([file(320_000, wavHead(), filename)])).toBe(640);
  }
  expect(soundSecondsMax([file(320_000, wavHead(), "F.WAV")])).toBe(10);
});

function flacHead(rate: number, samples: number): Buffer {
  const head = Buffer.alloc(42);
  head.write("fLaC", "latin1");
  head.writeUInt32BE(0x8000_0022, 4);
  head.writeUInt32BE(rate * 4_096 + 0xf0 + Math.floor(samples / 2 ** 32), 18);
  head.writeUInt32BE(samples % 2 ** 32, 22);
  return head;
}

/** `ÿû`: a frame of layer III. */
const FRAME = Buffer.from([0xff, 0xfb, 0x90, 0x00]);
const TAG = Buffer.concat([
  Buffer.from("ID3\u0004\0\0\0\0\u0001\u0000", "latin1"),
  Buffer.alloc(128),
]);

test.each([
  ["MP3", FRAME, 1_000],
  ["MP3 behind its tag", Buffer.concat([TAG, FRAME]), 1_000],
  ["another kind behind such a tag", Buffer.concat([TAG, Buffer.from("fLaC")]), 2_000],
  ["MP3 whose tag is longer than what is kept", TAG.subarray(0, 20), 2_000],
  ["Ogg", Buffer.from("OggS"), 4_000],
  ["FLAC that says nothing of its length", flacHead(16_000, 0), 2_000],
  ["FLAC that claims to be short", flacHead(16_000, 16_000), 2_000],
  ["FLAC of silence, whose header says how long it is", flacHead(8_000, 80_000_000), 10_000],
  ["FLAC as long as can be said", flacHead(1, 2 ** 36 - 1), 2 ** 36 - 1],
  ["WebM", Buffer.from([0x1a, 0x45, 0xdf, 0xa3]), 2_000],
  ["MP4", Buffer.from("\0\0\0 ftypM4A ", "latin1"), 2_000],
  ["AU, whose rate is not read", Buffer.from(".snd"), 16_000_000],
  ["nothing that is known", Buffer.from("Grüße"), 2_000],
])("a megabyte of %s is as long as it can be", (_what, head, seconds) => {
  expect(soundSecondsMax([file(1_000_000, head, "f.bin"), field])).toBe(seconds);
});

test("all files of a form count, one without bytes as nothing", () => {
  expect(soundSecondsMax([file(15_000, FRAME), file(320_000, wavHead())])).toBe(25);
  expect(soundSecondsMax([file(0)])).toBe(0);
});

test("sound that did not come with the form is as long as the largest file", () => {
  expect(soundSecondsMax([field])).toBe(100_000);
  for (const name of ["url", "file", "file_url", "file_id", "audio_url"]) {
    expect(soundSecondsMax([{ ...field, name }])).toBe(100_000);
    expect(soundSecondsMax([{ ...field, name }, file(15_000, FRAME)])).toBe(100_015);
  }
});

test("a header that is cut off anywhere is read without harm, and makes nothing shorter", () => {
  for (const head of [wavHead(), flacHead(8_000, 80_000_000), Buffer.concat([TAG, FRAME])]) {
    for (let length = 0; length < head.length; length += 1) {
      const seconds = soundSecondsMax([file(320_000, head.subarray(0, length))]);
      expect([length, seconds >= 320, Number.isSafeInteger(seconds)]).toEqual([length, true, true]);
    }
  }
});

test("no header makes sound shorter than its samples are, or its length no number", () => {
  const word = fc.constantFrom(
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    8_000,
    44_100,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 24 }), fc.nat(), (words, at) => {
      const noise = Buffer.alloc(words.length * 4);
      for (const [index, one] of words.entries()) noise.writeUInt32LE(one, index * 4);
      const head = Buffer.concat([wavHead().subarray(0, 12 + (at % 40)), noise]);
      const seconds = soundSecondsMax([file(320_000, head)]);
      // 64 channels of 768 kHz and 64 bits are the most that is believed.
      const least = Math.ceil(320_000 / (64 * 768_000 * 8));
      expect(seconds).toBeGreaterThanOrEqual(least);
      expect(Number.isSafeInteger(seconds)).toBe(true);
    }),
  );
});
