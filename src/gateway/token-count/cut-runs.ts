/**
 * Cuts text into pieces that a byte-pair encoder works through in linear time. Merging is quadratic
 * in the length of one unbroken run (100,000 times the letter "a" take 15 s), and what counts as one
 * run is the encoder's own affair; so a piece ends at the latest after {@link PIECE_CHARS_MAX}
 * characters, before a word where there is one. A cut adds at most one token.
 */

/** Far longer than a word of any language; a run as long costs some 100 µs. */
const PIECE_CHARS_MAX = 400;

/** As many characters as fit, up to the last place where a word begins; else as many as fit. */
const PIECE = new RegExp(`[^]{1,${PIECE_CHARS_MAX - 1}}\\S(?=\\s)|[^]{1,${PIECE_CHARS_MAX}}`, "gu");

/** The pieces of `text` in order; joined they are the text. */
export function cutRuns(text: string): readonly string[] {
  return text.match(PIECE) ?? [];
}
