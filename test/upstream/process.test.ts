/**
 * The simulated provider as a process of its own.
 */

import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { SCRIPT_GRAMMAR } from "../../bench/upstream/main.ts";
import { upstreamForFile } from "./harness.ts";

const neighbour = await upstreamForFile();
const main = join(import.meta.dir, "../../bench/upstream/main.ts");
const started: { kill: (signal?: NodeJS.Signals) => void; exited: Promise<number> }[] = [];

afterEach(async () => {
  for (const child of started.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
});

function run(...args: string[]) {
  const child = Bun.spawn([process.execPath, main, ...args], { stdout: "pipe", stderr: "pipe" });
  started.push(child);
  return child;
}

async function outcomeOf(...args: string[]): Promise<[code: number, out: string, err: string]> {
  const child = run(...args);
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return [code, out, err];
}

test("says where it listens in one line, answers, and ends at SIGTERM", async () => {
  const child = run("--port", "0", "--script", "tokens=1");
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: line = "" } = await reader.read();
  expect(line).toMatch(/^upstream listening on http:\/\/127\.0\.0\.1:\d+\n$/u);
  const url = line.trim().split(" ").at(-1);
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "x" }] });
  const answer = await fetch(`${url}/v1/chat/completions`, { method: "POST", body });
  expect(await answer.json()).toMatchObject({ choices: [{ message: { content: "lorem" } }] });
  child.kill("SIGTERM");
  expect([await child.exited, (await reader.read()).done]).toEqual([0, true]);
});

test("--help prints the grammar", async () => {
  const [code, out, err] = await outcomeOf("--help");
  expect([code, out.includes(SCRIPT_GRAMMAR), err]).toEqual([0, true, ""]);
});

test("wrong usage ends with 2, a port in use or a wrong script with 1", async () => {
  const outcomes = await Promise.all([
    outcomeOf("--speed", "9"),
    outcomeOf("--port", "70000"),
    outcomeOf("--port", String(neighbour.port)),
    outcomeOf("--script", "speed=9"),
  ]);
  expect(outcomes.map(([code, out]) => [code, out])).toEqual([
    [2, ""],
    [2, ""],
    [1, ""],
    [1, ""],
  ]);
  const complaints = ["--speed", "--port must be", "in use", "unknown member `speed`"];
  expect(outcomes.map(([, , err], index) => err.includes(complaints[index] ?? ""))).toEqual([
    true,
    true,
    true,
    true,
  ]);
});
