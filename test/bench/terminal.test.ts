/** Progress rewrites one line on a terminal and writes few lines anywhere else. */
import { expect, test } from "bun:test";
import { Progress } from "../../bench/terminal.ts";
import { ManualClock } from "./manual-clock.ts";

async function watch(isTerminal: boolean): Promise<readonly string[]> {
  const written: string[] = [];
  const clock = new ManualClock();
  const io = { out: () => {}, err: (text: string) => void written.push(text), isTerminal };
  const progress = new Progress(io, clock, 2);
  progress.begin("first thing", 8_000);
  progress.note("round 1");
  await clock.advance(6_000);
  progress.begin("second thing", 60_000);
  await clock.advance(1_000);
  progress.end();
  await clock.advance(60_000);
  return written;
}

test("in a log there is a line at the start of each phase and every five seconds", async () => {
  expect(await watch(false)).toEqual([
    "[1/2] first thing: about 0:08\n",
    "[1/2] first thing: 0:05 of about 0:08, round 1\n",
    "[2/2] second thing: about 1:00\n",
  ]);
});

test("on a terminal one line is rewritten and wiped at the end", async () => {
  const written = await watch(true);
  expect(written.join("")).not.toContain("\n");
  expect(written.every((text) => text.startsWith("\r\u001B[2K"))).toBe(true);
  expect(written).toContain(
    "\r\u001B[2K[1/2] first thing ██████████░░░░░░░░░░ 0:04 of about 0:08, round 1",
  );
  expect(written.at(-1)).toBe("\r\u001B[2K");
});
