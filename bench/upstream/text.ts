/**
 * The deterministic text of the simulated provider. Token k of an answer is always the same, so
 * that a test can say beforehand what a client must read, to the byte.
 */

const words = (
  "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut " +
  "labore et dolore magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris"
).split(" ");

/** Characters of two, three and four bytes, one of them joined from several code points. */
const unicodeWords = "naïve 漢字 🙂 Привет שלום 日本語 👩‍🚀 café 한국어 𝒳𝓎𝓏 ½ “quoted”".split(" ");

/** How the text of tokens is made. */
export type TextStyle = {
  readonly unicode: boolean;
  /** Size of a token's text in bytes of UTF-8; without it a token is a word and its space. */
  readonly tokenBytes: number | undefined;
};

/** English-looking words. */
export const plainStyle: TextStyle = { unicode: false, tokenBytes: undefined };

/** The text of token `position`, counted from 0. */
export function tokenText(position: number, style: TextStyle): string {
  const source = style.unicode ? unicodeWords : words;
  const word = source[position % source.length] ?? "";
  if (style.tokenBytes !== undefined) {
    return fill(word, style.tokenBytes);
  }
  return position === 0 ? word : ` ${word}`;
}

/** Tokens `from` to `to` (exclusive) as one text. */
export function textOf(from: number, to: number, style: TextStyle): string {
  let text = "";
  for (let position = from; position < to; position += 1) {
    text += tokenText(position, style);
  }
  return text;
}

/** Repeats `word` to exactly `bytes` bytes without breaking a character; full stops fill the rest. */
function fill(word: string, bytes: number): string {
  const wordBytes = Buffer.byteLength(word);
  let text = word.repeat(Math.floor(bytes / wordBytes));
  let left = bytes - wordBytes * Math.floor(bytes / wordBytes);
  for (const character of word) {
    const size = Buffer.byteLength(character);
    if (size > left) {
      break;
    }
    text += character;
    left -= size;
  }
  return text + ".".repeat(left);
}

/** Cuts a text that must be answered verbatim into pieces that count as its tokens. */
export function piecesOf(text: string, charactersPerPiece = 8): string[] {
  // By code points: a piece may part a joined emoji, never a surrogate pair.
  const characters = Array.from(text);
  const pieces: string[] = [];
  for (let from = 0; from < characters.length; from += charactersPerPiece) {
    pieces.push(characters.slice(from, from + charactersPerPiece).join(""));
  }
  return pieces;
}
