/**
 * What people read: the only writer to standard output and standard error besides the log. Colours
 * appear on a terminal only, and never when NO_COLOR is set.
 */

export type Style = "bold" | "dim" | "red" | "green" | "yellow";

/** One of the two outputs. */
export type Output = {
  readonly isTerminal: boolean;
  /** A terminal where colours are wanted. */
  readonly showsColours: boolean;
  readonly write: (text: string) => void;
  /** Writes `text` and a line feed. */
  readonly line: (text: string) => void;
  /** `text` in a style, where this output shows colours. */
  readonly styled: (style: Style, text: string) => string;
};

export type Terminal = {
  /** Answers, for people and programs. */
  readonly out: Output;
  /** Complaints, and the log's lines. */
  readonly err: Output;
};

/** A stream that may be a terminal, as `process.stdout` is. */
export type TerminalStream = {
  readonly isTTY?: boolean;
  readonly write: (text: string) => unknown;
};

const codes: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

export function createTerminal(
  stdout: TerminalStream,
  stderr: TerminalStream,
  noColour: boolean,
): Terminal {
  return { out: outputOf(stdout, noColour), err: outputOf(stderr, noColour) };
}

/** The terminal of this process; `noColor` is the variable NO_COLOR, which counts when not empty. */
export function processTerminal(noColor: string | undefined): Terminal {
  return createTerminal(process.stdout, process.stderr, noColor !== undefined && noColor !== "");
}

function outputOf(stream: TerminalStream, noColour: boolean): Output {
  const isTerminal = stream.isTTY === true;
  const showsColours = isTerminal && !noColour;
  const write = (text: string): void => {
    stream.write(text);
  };
  return {
    isTerminal,
    showsColours,
    write,
    line: (text) => write(`${text}\n`),
    styled: (style, text) => {
      const [on, off] = codes[style];
      return showsColours ? `\u001b[${on}m${text}\u001b[${off}m` : text;
    },
  };
}
