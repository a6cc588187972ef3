/**
 * A company's own command-line program, installed from npm into a folder that lasts, and run with an empty
 * home and invented credentials: what it does is up to the provider that it is pointed at.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Its package for this machine, which holds the program itself, and where in it the program is. */
export type Program = {
  readonly packageName: string;
  readonly version: string;
  readonly path: string;
};

export type Ended = { readonly code: number; readonly out: string; readonly err: string };

const RUN_MS_MAX = 120_000;

/** Installs it, unless an earlier run has. Some 200 MB each. */
export async function installed({ packageName, version, path }: Program): Promise<string> {
  const folder = join(
    tmpdir(),
    "tollgate-programs",
    `${packageName.replaceAll("/", "-")}-${version}`,
  );
  const program = join(folder, "node_modules", packageName, path);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}\n");
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--force"];
  const npm = Bun.spawn(["npm", "install", ...options, `${packageName}@${version}`], {
    cwd: folder,
    stdout: "inherit",
    stderr: "inherit",
  });
  if ((await npm.exited) !== 0 || !existsSync(program)) throw new Error(`no ${packageName}`);
  return program;
}

/** Runs it in an empty folder that is its home as well, to its end; `files`: what lies there. */
export async function runProgram(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const home = mkdtempSync(join(tmpdir(), "tollgate-home-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(home, path, ".."), { recursive: true });
      writeFileSync(join(home, path), text);
    }
    const child = Bun.spawn([...command], {
      cwd: home,
      env: { HOME: home, PATH: process.env["PATH"] ?? "", ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: RUN_MS_MAX,
      killSignal: "SIGKILL",
    });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, out, err };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
