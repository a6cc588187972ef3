/** The configuration file: members, places, and complaints that repeat none of its content. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../src/base/limits.ts";
import { parseConfigText, readConfigFile } from "../../src/config/file.ts";

function problemsOf(text: string): readonly string[] {
  return parseConfigText(text, "t.yaml").problems;
}

describe("a configuration file", () => {
  test("gives texts with their places", () => {
    const { values, problems } = parseConfigText(
      '# ours\nport: 0x1F90\n\nhost: "localhost"\nlog_level:   warn # quiet\n',
      "t.yaml",
    );
    expect(problems).toEqual([]);
    expect([...values]).toEqual([
      ["port", { text: "0x1F90", place: "t.yaml:2:1: port" }],
      ["host", { text: "localhost", place: "t.yaml:4:1: host" }],
      ["log_level", { text: "warn", place: "t.yaml:5:1: log_level" }],
    ]);
  });

  test("may be empty or hold comments only", () => {
    expect([problemsOf(""), problemsOf("# nothing yet\n"), problemsOf("---\n")]).toEqual([
      [],
      [],
      [],
    ]);
  });

  const rows: readonly (readonly [text: string, problems: readonly string[]])[] = [
    ["port: 1\nprot: 2\n", ["t.yaml:2:1: unknown member prot; the nearest known one is port"]],
    ["config: other.yaml\n", ["t.yaml:1:1: unknown member config; the nearest known one is host"]],
    ["data-dir: x\n", ["t.yaml:1:1: unknown member data-dir; the nearest known one is data_dir"]],
    ["- port\n", ["t.yaml:1:1: must hold members, as `port: 8080`"]],
    ["port\n", ["t.yaml:1:1: must hold members, as `port: 8080`"]],
    ["port: 1\nport: 2\n", ["t.yaml:2:1: not valid YAML: duplicate key"]],
    ["port: [1]\n", ["t.yaml:1:1: port must be a plain value, not a list, a map or nothing"]],
    ["port:\n", ["t.yaml:1:1: port must be a plain value, not a list, a map or nothing"]],
    ["host: {a: 1}\n", ["t.yaml:1:1: host must be a plain value, not a list, a map or nothing"]],
    [
      "host: &a x\ndemo: *a\n",
      ["t.yaml:2:1: demo must be a plain value, not a list, a map or nothing"],
    ],
  ];
  for (const [text, problems] of rows) {
    test(`${JSON.stringify(text)} is refused with its place`, () => {
      expect(problemsOf(text)).toEqual(problems);
    });
  }

  test("broken YAML next to a secret never repeats the secret", () => {
    const secret = "canary7f3a";
    const broken = [
      `admin_token: "${secret}\n`,
      `admin_token: ${secret}: x\n`,
      `\tadmin_token: ${secret}\n`,
      `admin_token: *${secret}\n`,
      `admin_token: !${secret} x\n`,
      `admin_token: "\\q${secret}"\n`,
      `admin_token: [${secret}\n`,
      `${secret}\nadmin_token: x\n`,
      `admin_token: |${secret}\n`,
      `%${secret}\n---\n`,
    ];
    for (const text of broken) {
      const { problems } = parseConfigText(text, "t.yaml");
      expect(problems.join("\n")).not.toContain(secret);
      expect(problems.every((problem) => /^t\.yaml:\d+:\d+: /.test(problem))).toBe(true);
    }
    expect(problemsOf(broken[0] ?? "")).toEqual(["t.yaml:2:1: not valid YAML: missing char"]);
  });

  test("that is too long is not read", () => {
    const folder = mkdtempSync(join(tmpdir(), "tollgate-file-"));
    try {
      const path = join(folder, "long.yaml");
      writeFileSync(path, "#".repeat(LIMITS.configFileBytesMax + 1));
      expect(readConfigFile(path, "long.yaml")).toEqual({
        values: new Map(),
        problems: ["long.yaml is longer than 1048576 bytes"],
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
