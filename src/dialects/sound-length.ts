/**
 * How long sound can be at most, by what is known of its file without decoding it: a WAV file's header
 * tells, of every other the bytes.
 */
import type { FormPart } from "./multipart.ts";

/**
 * 8 kbit/s: the lowest rate of MP3 (MPEG-2 layer III), which speech codecs hardly go below. Sound that is
 * sparser still costs more than was held for it; what the provider reports is charged all the same.
 */
const BYTES_PER_SECOND_MIN = 1_000;

/** Where no file came: some take an address in its place. 100 MB is the most that Groq takes (2026-11). */
const BYTES_UNSEEN_MAX = 100_000_000;

/** Whole seconds, rounded up, of all files together. */
export function soundSecondsMax(parts: readonly FormPart[]): number {
  const files = parts.filter(({ filename }) => filename !== null);
  const seconds = files.map((file) => {
    const bytes = file.end - file.start;
    return wavSeconds(file.head, bytes) ?? bytes / BYTES_PER_SECOND_MIN;
  });
  if (files.length === 0) seconds.push(BYTES_UNSEEN_MAX / BYTES_PER_SECOND_MIN);
  return Math.ceil(seconds.reduce((sum, one) => sum + one, 0));
}

const CHUNK_HEADER_BYTES = 8;
const FORMAT_BYTES = 16;
/** Samples as they are: PCM, and floating point. Others pack time more densely than their header says. */
const PLAIN_FORMATS = new Set([1, 3]);

/** null: no such file, or one whose header is not consistent with itself. */
function wavSeconds(head: Uint8Array, fileBytes: number): number | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 12 || name(head, 0) !== "RIFF" || name(head, 8) !== "WAVE") return null;
  let at = 12;
  while (at + CHUNK_HEADER_BYTES + FORMAT_BYTES <= head.length) {
    const body = at + CHUNK_HEADER_BYTES;
    if (name(head, at) === "fmt ") return secondsIn(view, body, fileBytes);
    // Chunks begin at even places.
    at = body + Math.ceil(view.getUint32(at + 4, true) / 2) * 2;
  }
  return null;
}

function secondsIn(view: DataView, format: number, fileBytes: number): number | null {
  const channels = view.getUint16(format + 2, true);
  const samplesPerSecond = view.getUint32(format + 4, true);
  const bytesPerSecond = view.getUint32(format + 8, true);
  const bytesPerSample = view.getUint16(format + 12, true);
  const bits = view.getUint16(format + 14, true);
  const isConsistent =
    PLAIN_FORMATS.has(view.getUint16(format, true)) &&
    bytesPerSample === (channels * bits) / 8 &&
    bytesPerSecond === samplesPerSecond * bytesPerSample &&
    bytesPerSecond >= BYTES_PER_SECOND_MIN;
  return isConsistent ? fileBytes / bytesPerSecond : null;
}

function name(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
