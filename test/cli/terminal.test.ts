/** What reaches the two outputs, and when it is coloured. */
import { expect, test } from "bun:test";
import { createTerminal } from "../../src/cli/terminal.ts";

test("lines end with a line feed, texts are written as they are, each to its own output", () => {
  const written: string[] = [];
  const { out, err } = createTerminal(
    { write: (text) => written.push(`out ${text}`) },
    { write: (text) => written.push(`err ${text}`) },
    false,
  );
  out.line("a");
  err.write("b");
  err.line("");
  expect(written).toEqual(["out a\n", "err b", "err \n"]);
});

test("only a terminal shows styles, and not when colours are unwanted", () => {
  const styles = ["bold", "dim", "red", "green", "yellow"] as const;
  const shown = (isTTY: boolean, noColour: boolean): readonly string[] => {
    const { out } = createTerminal({ isTTY, write: () => true }, { write: () => true }, noColour);
    return styles.map((style) => out.styled(style, "x"));
  };
  expect([shown(true, false), shown(true, true), shown(false, false)]).toEqual([
    [
      "\u001b[1mx\u001b[22m",
      "\u001b[2mx\u001b[22m",
      "\u001b[31mx\u001b[39m",
      "\u001b[32mx\u001b[39m",
      "\u001b[33mx\u001b[39m",
    ],
    ["x", "x", "x", "x", "x"],
    ["x", "x", "x", "x", "x"],
  ]);
});

test("each output is a terminal or not on its own", () => {
  const { out, err } = createTerminal(
    { isTTY: true, write: () => true },
    { isTTY: false, write: () => true },
    false,
  );
  expect([out.isTerminal, out.showsColours]).toEqual([true, true]);
  expect([err.isTerminal, err.showsColours]).toEqual([false, false]);
});
