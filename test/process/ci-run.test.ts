/**
 * The script of continuous integration, run for real with a stand-in for npx that plays the check
 * and the test runner: whatever they do, the last line counts, and the exit code agrees with it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const README = "Run the tests:\n\n    npx -y bun@1.4.4 run test\n";
const GREEN = " 12 pass\n 0 fail\n 30 expect() calls\nRan 12 tests across 3 files. [1.00s]\n";

/** What npx would print and return for `run check` and for `run test`. */
type Play = {
  readonly readme?: string;
  readonly checkStatus?: number;
  readonly testOutput: string;
  readonly testStatus?: number;
};

type Outcome = { readonly lastLine: string; readonly status: number; readonly calls: string };
type Run = Outcome & { readonly output: string };

let base = "";
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "tollgate-ci-"));
});
afterAll(() => {
  rmSync(base, { recursive: true, force: true });
});

async function run(play: Play): Promise<Outcome> {
  const { output: _output, ...outcome } = await runTelling(play);
  return outcome;
}

async function runTelling(play: Play): Promise<Run> {
  const root = mkdtempSync(join(base, "run-"));
  const tools = join(root, "tools");
  mkdirSync(join(root, ".ci"));
  mkdirSync(tools);
  cpSync(join(import.meta.dir, "../../.ci/run"), join(root, ".ci/run"));
  writeFileSync(join(root, "README.md"), play.readme ?? README);
  writeFileSync(join(root, "output"), play.testOutput);
  const stand = [
    "#!/bin/sh",
    'echo "$CI $*" >> calls',
    `[ "$4" = check ] && exit ${play.checkStatus ?? 0}`,
    // Bun's test runner reports on the error output.
    "cat output >&2",
    `exit ${play.testStatus ?? 0}`,
  ];
  writeFileSync(join(tools, "npx"), `${stand.join("\n")}\n`);
  chmodSync(join(tools, "npx"), 0o755);
  const child = Bun.spawn([join(root, ".ci/run")], {
    cwd: base,
    env: { PATH: `${tools}:/usr/bin:/bin` },
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  return {
    output,
    lastLine: output.trimEnd().split("\n").at(-1) ?? "",
    status: await child.exited,
    calls: await Bun.file(join(root, "calls")).text(),
  };
}

const CALLS = "true -y bun@1.4.4 run check\ntrue -y bun@1.4.4 run test\n";

describe("the script of continuous integration", () => {
  test("runs the check, then the README's test command, and counts", async () => {
    expect(await run({ testOutput: GREEN })).toEqual({
      lastLine: "12 passed, 0 failed",
      status: 0,
      calls: CALLS,
    });
  });

  const broken: readonly (readonly [string, Play, string])[] = [
    ["a failed check", { checkStatus: 1, testOutput: GREEN }, "12 passed, 1 failed"],
    [
      "failed tests",
      { testOutput: GREEN.replace("0 fail", "2 fail"), testStatus: 1 },
      "12 passed, 2 failed",
    ],
    [
      "skipped tests and tests to be written",
      { testOutput: GREEN.replace(" 0 fail", " 3 skip\n 1 todo\n 0 fail") },
      "12 passed, 4 failed",
    ],
    [
      "an error between the tests",
      { testOutput: GREEN.replace("0 fail", "0 fail\n 1 error"), testStatus: 1 },
      "12 passed, 1 failed",
    ],
    [
      "a runner that ends badly although its tests passed",
      { testOutput: GREEN, testStatus: 139 },
      "12 passed, 1 failed",
    ],
    [
      "a runner that dies before its summary",
      { testOutput: "(pass) a\npanic: Segmentation fault\n", testStatus: 132 },
      "0 passed, 1 failed",
    ],
    [
      "a runner that found no test",
      { testOutput: " 0 pass\n 0 fail\nRan 0 tests across 0 files. [1.00ms]\n" },
      "0 passed, 1 failed",
    ],
    [
      "a README that tells another command",
      { readme: "npm test\n", testOutput: GREEN },
      "12 passed, 1 failed",
    ],
  ];
  for (const [what, play, lastLine] of broken) {
    test(`does not pass ${what}`, async () => {
      expect(await run(play)).toEqual({ lastLine, status: 1, calls: CALLS });
    });
  }

  test("tells at its end what was said of each failure, and of nothing else", async () => {
    const log = [
      "a.test.ts:\n(pass) one [1.00ms]\n12 | expect(x).toBe(1)\nerror: not 1",
      "(fail) two [2.00ms]\n(pass) three [1.00ms]\nb.test.ts:\nerror: late\n(fail) four [9.00ms]",
      "1 tests failed:\n(fail) two [2.00ms]\n 2 pass\n 2 fail\nRan 4 tests across 2 files. [1.00s]",
    ];
    const { output } = await runTelling({ testOutput: `${log.join("\n")}\n`, testStatus: 1 });
    expect(output.split("== what failed\n")[1]).toBe(
      "12 | expect(x).toBe(1)\nerror: not 1\n(fail) two [2.00ms]\n" +
        "b.test.ts:\nerror: late\n(fail) four [9.00ms]\n2 passed, 2 failed\n",
    );
  });

  test("believes the runner's own summary, not what a test printed before it", async () => {
    const { lastLine } = await run({ testOutput: ` 99 pass\n 98 fail\n${GREEN}` });
    expect(lastLine).toBe("12 passed, 0 failed");
  });
});
