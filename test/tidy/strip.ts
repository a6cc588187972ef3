/**
 * Tells code from comments and from the insides of strings, so that a rule about code is not
 * fooled by a sentence that mentions it. Not a parser: it knows comments, quoted strings, template
 * strings with substitutions, and regular expressions by what stands before their slash.
 */

/** The same text three times, each of the same length and lines; what is left out is spaces. */
export type Views = {
  /** Without comments and without the insides of strings; quotes and slashes stay. */
  readonly code: string;
  /** Without comments. */
  readonly uncommented: string;
  /** Only the comments. */
  readonly comments: string;
};

const CODE = 0;
const COMMENT = 1;
const STRING = 2;

/** After one of these words a slash begins a regular expression; after any other it divides. */
const WORDS_BEFORE_PATTERN = new Set(
  "await case delete do else in instanceof new of return throw typeof void yield".split(" "),
);

export function viewsOf(text: string): Views {
  const kinds = kindsOf(text);
  return {
    code: keep(text, kinds, (kind) => kind === CODE),
    uncommented: keep(text, kinds, (kind) => kind !== COMMENT),
    comments: keep(text, kinds, (kind) => kind === COMMENT),
  };
}

function keep(text: string, kinds: Uint8Array, isKept: (kind: number) => boolean): string {
  let kept = "";
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    kept += character === "\n" || isKept(kinds[at] ?? CODE) ? character : " ";
  }
  return kept;
}

/** The kind of each character. */
function kindsOf(text: string): Uint8Array {
  const kinds = new Uint8Array(text.length);
  // For each template substitution we are inside of, how many braces are still to be closed.
  const substitutions: number[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const character = text.charAt(at);
    const two = text.slice(at, at + 2);
    const depth = substitutions.at(-1);
    if (two === "//" || two === "/*" || (two === "#!" && at === 0)) {
      at = endOfComment(text, at, two);
      kinds.fill(COMMENT, start, at);
    } else if (character === '"' || character === "'") {
      at = endOfString(text, at);
      kinds.fill(STRING, start + 1, text.charAt(at - 1) === character ? at - 1 : at);
    } else if (character === "`" || (character === "}" && depth === 0)) {
      if (character === "}") substitutions.pop();
      const part = endOfTemplatePart(text, at + 1);
      if (part.isSubstitution) substitutions.push(0);
      at = part.end;
      kinds.fill(STRING, start + 1, at - (part.isSubstitution ? 2 : 1));
    } else if (character === "/" && mayBeginPattern(text, kinds, at)) {
      at = endOfPattern(text, at);
      kinds.fill(STRING, start + 1, at - 1);
    } else {
      at += 1;
      if (depth !== undefined && character === "{")
        substitutions[substitutions.length - 1] = depth + 1;
      if (depth !== undefined && character === "}")
        substitutions[substitutions.length - 1] = depth - 1;
    }
  }
  return kinds;
}

function endOfComment(text: string, start: number, opening: string): number {
  const end = opening === "/*" ? text.indexOf("*/", start + 2) + 2 : text.indexOf("\n", start);
  return end < start + 1 ? text.length : end;
}

/** Past the closing quote, or at the end of the line when there is none. */
function endOfString(text: string, start: number): number {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "\\") at += 1;
    else if (character === quote) return at + 1;
    else if (character === "\n") return at;
  }
  return text.length;
}

/** Past the closing backtick or past the `${` of a substitution. */
function endOfTemplatePart(text: string, start: number): { end: number; isSubstitution: boolean } {
  for (let at = start; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "\\") at += 1;
    else if (character === "`") return { end: at + 1, isSubstitution: false };
    else if (character === "$" && text.charAt(at + 1) === "{") {
      return { end: at + 2, isSubstitution: true };
    }
  }
  return { end: text.length, isSubstitution: false };
}

/** Past the closing slash; past the opening one alone when the line ends before another comes. */
function endOfPattern(text: string, start: number): number {
  let isInClass = false;
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "\n") break;
    if (character === "\\") at += 1;
    else if (character === "[") isInClass = true;
    else if (character === "]") isInClass = false;
    else if (character === "/" && !isInClass) return at + 1;
  }
  return start + 1;
}

function mayBeginPattern(text: string, kinds: Uint8Array, slash: number): boolean {
  let at = slash - 1;
  while (at >= 0 && (kinds[at] !== CODE || /\s/.test(text.charAt(at)))) {
    // The inside of a string always has its closing quote after it, which is code.
    at -= 1;
  }
  const before = text.charAt(at);
  if (!/[\w$]/.test(before)) return !/[)\]"'`]/.test(before);
  const word = /[\w$]+$/.exec(text.slice(Math.max(0, at - 20), at + 1))?.[0] ?? "";
  return WORDS_BEFORE_PATTERN.has(word);
}
