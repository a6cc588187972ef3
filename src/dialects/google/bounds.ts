/** Bounds of Google's answers that are not those of others. */

/** One part of a stream: a picture of 4K comes in one piece, as 25 MB of base64 (Gemini 3 Pro Image, 2026-11). */
export const GOOGLE_PART_BYTES_MAX = 48 * 1024 * 1024;
