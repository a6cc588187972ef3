/**
 * How long sound can be at most, by what is known of its file without decoding it: the header of a WAV or
 * FLAC file tells, of every other its kind and its bytes. A header is believed where it makes the sound
 * longer; shorter only where every decoder must find in it what is found here.
 */
import type { FormPart } from "./multipart.ts";

/** 8 kbit/s: the lowest rate of MP3 (MPEG-2 layer III). */
const MP3_BYTES_PER_SECOND_MIN = 1_000;

/** 2.15 kbit/s: Speex's lowest; Opus has 6. */
const OGG_BYTES_PER_SECOND_MIN = 250;

/**
 * 4.75 kbit/s, the lowest of AMR, which is at home in MP4. Sound that is sparser, as silence may be, still
 * costs more than was held for it; what the provider reports is charged all the same.
 */
const BYTES_PER_SECOND_MIN = 500;

/** Where no file came: some take an address in its place. 100 MB is the most that Groq takes (2026-11). */
const SECONDS_UNSEEN_MAX = 100_000;

/** A field that can stand for a file: its address, its id, or the file as a text. */
const NAMES_FILE = /(?:^|_)(?:url|uri)$|^(?:file|audio)/i;

/** Whole seconds, rounded up, of all files together. */
export function soundSecondsMax(parts: readonly FormPart[]): number {
  const files = parts.filter(({ filename }) => filename !== null);
  const named = parts.filter(({ filename, name }) => filename === null && NAMES_FILE.test(name));
  const unseen = files.length === 0 ? 1 : named.length;
  const seconds = files.reduce((sum, file) => sum + secondsOf(file), unseen * SECONDS_UNSEEN_MAX);
  return Math.ceil(seconds);
}

function secondsOf({ filename, start, end, head }: FormPart): number {
  const bytes = end - start;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (WAVS.has(wordAt(head, 0)) && wordAt(head, 8) === "WAVE") {
    const exact = wavSeconds(view, bytes);
    // By another name a decoder of another kind may be chosen.
    const isNamedSo = /\.wave?$/i.test(filename ?? "");
    return isNamedSo && exact !== null ? exact : Math.max(exact ?? 0, packedSeconds(view, bytes));
  }
  if (OTHER_PLAIN.has(wordAt(head, 0))) return bytes * SAMPLES_PER_BYTE_MAX;
  if (wordAt(head, 0) === "fLaC") return Math.max(flacSeconds(view), bytes / BYTES_PER_SECOND_MIN);
  if (wordAt(head, 0) === "OggS") return bytes / OGG_BYTES_PER_SECOND_MIN;
  return bytes / (isMp3(head) ? MP3_BYTES_PER_SECOND_MIN : BYTES_PER_SECOND_MIN);
}

/** With 32 bits for its lengths, and with 64 (EBU Tech 3306, ITU-R BS.2088). */
const WAVS: ReadonlySet<string> = new Set(["RIFF", "RF64", "BW64"]);
/** Samples as they are at a rate that is not read here: AIFF, AU, CAF, Wave64 and turned-round WAV. */
const OTHER_PLAIN: ReadonlySet<string> = new Set(["FORM", ".snd", "caff", "riff", "RIFX"]);
const CHUNK_HEADER_BYTES = 8;
const FORMAT_BYTES = 16;
/** Samples as they are: PCM, and floating point. Others pack time more densely than their header says. */
const PLAIN_FORMATS: ReadonlySet<number> = new Set([1, 3]);
/** No codec that WAV files hold packs more of them into a byte (G.723.1 has 12). */
const SAMPLES_PER_BYTE_MAX = 16;
/** Nobody records faster; what claims to is read at its own pace by some decoder. */
const SAMPLES_PER_SECOND_MAX = 768_000;
const CHANNELS_MAX = 64;

/** null: samples are packed, or one decoder could find another length than the next. */
function wavSeconds(view: DataView, fileBytes: number): number | null {
  const format = formatAt(view);
  if (format === null) return null;
  const channels = view.getUint16(format + 2, true);
  const samplesPerSecond = view.getUint32(format + 4, true);
  const bytesPerSecond = view.getUint32(format + 8, true);
  const bytesPerSample = view.getUint16(format + 12, true);
  const bits = view.getUint16(format + 14, true);
  const isConsistent =
    PLAIN_FORMATS.has(view.getUint16(format, true)) &&
    channels <= CHANNELS_MAX &&
    samplesPerSecond <= SAMPLES_PER_SECOND_MAX &&
    bytesPerSample === (channels * bits) / 8 &&
    bytesPerSecond === samplesPerSecond * bytesPerSample &&
    bytesPerSecond > 0;
  return isConsistent ? fileBytes / bytesPerSecond : null;
}

/** Where the one format of a file stands whose samples begin within what is known of it. */
function formatAt(view: DataView): number | null {
  const formats = formatsIn(view);
  // Readers differ on which one of two counts, and on whether odd chunks are filled up.
  if (formats.length !== 1) return null;
  let hasFormat = false;
  let at = 12;
  while (at + CHUNK_HEADER_BYTES <= view.byteLength) {
    const chunk = wordAt(bytesOf(view), at);
    const length = view.getUint32(at + 4, true);
    if (chunk === "data") return hasFormat ? (formats[0] ?? null) : null;
    if (chunk === "fmt ") hasFormat = length >= FORMAT_BYTES;
    // Chunks begin at even places.
    at += CHUNK_HEADER_BYTES + Math.ceil(length / 2) * 2;
  }
  return null;
}

/** Of samples that are packed as densely as can be, at the slowest rate that the head names. */
function packedSeconds(view: DataView, fileBytes: number): number {
  const rates = formatsIn(view).map((format) => view.getUint32(format + 4, true));
  // One that nobody can read may be any.
  const slowest = rates.length === 0 ? 1 : Math.max(1, Math.min(...rates));
  const packed = (fileBytes * SAMPLES_PER_BYTE_MAX) / slowest;
  return Math.max(packed, fileBytes / BYTES_PER_SECOND_MIN);
}

/** Where formats can stand at all, whatever the chunks say. */
function formatsIn(view: DataView): readonly number[] {
  const bytes = bytesOf(view);
  const places: number[] = [];
  for (let at = bytes.indexOf("fmt "); at >= 0; at = bytes.indexOf("fmt ", at + 1)) {
    const format = at + CHUNK_HEADER_BYTES;
    if (format + FORMAT_BYTES <= bytes.length) places.push(format);
  }
  return places;
}

/** As STREAMINFO says, which comes first and says 0 where the length was not known (RFC 9639, 8.2). */
function flacSeconds(view: DataView): number {
  const info = 8;
  if (view.byteLength < info + 18) return 0;
  const rate = view.getUint32(info + 10) >>> 12;
  const samples = (view.getUint8(info + 13) & 0x0f) * 2 ** 32 + view.getUint32(info + 14);
  return rate === 0 ? 0 : samples / rate;
}

/** Begins with a frame of layer III, or with a tag that one follows: behind tags stand other kinds, too. */
function isMp3(head: Uint8Array): boolean {
  const at = wordAt(head, 0).startsWith("ID3") ? 10 + tagBytes(head) : 0;
  return head[at] === 0xff && ((head[at + 1] ?? 0) & 0xe6) === 0xe2;
}

/** Seven bits in each of four bytes (ID3v2, 3.1). */
function tagBytes(head: Uint8Array): number {
  return head.subarray(6, 10).reduce((length, byte) => length * 128 + (byte & 0x7f), 0);
}

function bytesOf({ buffer, byteOffset, byteLength }: DataView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function wordAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
