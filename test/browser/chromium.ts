/**
 * A headless Chromium for tests: Debian's package, which is installed when it is missing. A machine
 * that has none and cannot get it fails the tests with a sentence; it never skips them.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext } from "playwright-core";

/** How Chromium gets onto the machine. */
export type ChromiumSetup = {
  readonly path: string;
  /** The program that installs packages. */
  readonly aptGet: string;
  readonly isRoot: boolean;
  /** For the list of packages and the package together. */
  readonly patienceMs: number;
};

const DEBIAN: ChromiumSetup = {
  path: "/usr/bin/chromium",
  aptGet: "apt-get",
  isRoot: process.getuid?.() === 0,
  patienceMs: 300_000,
};

/** Longer than the set-up may take, and the browser's own start. */
export const CHROMIUM_START_MS_MAX = DEBIAN.patienceMs + 60_000;

/** Shorter than a test may take, so that what was waited for is told. */
const WAIT_MS_MAX = 20_000;

const COMMANDS = [["update"], ["install", "--yes", "--no-install-recommends", "chromium"]] as const;

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // What the browser itself might ask for, beside its pages, finds nobody.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/** A browser with a profile of its own, which is gone after `close`. */
export class TestBrowser {
  readonly context: BrowserContext;
  readonly #profile: string;

  private constructor(context: BrowserContext, profile: string) {
    this.context = context;
    this.#profile = profile;
  }

  static async launch(): Promise<TestBrowser> {
    const executablePath = await chromiumPath();
    const profile = mkdtempSync(join(tmpdir(), "tollgate-chromium-"));
    try {
      const context = await chromium.launchPersistentContext(profile, {
        executablePath,
        args: FLAGS,
        headless: true,
      });
      context.setDefaultTimeout(WAIT_MS_MAX);
      return new TestBrowser(context, profile);
    } catch (error) {
      rmSync(profile, { recursive: true, force: true });
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.context.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

/** Where Chromium is, after installing it if need be; throws with a sentence when it cannot be had. */
export async function chromiumPath(setup: ChromiumSetup = DEBIAN): Promise<string> {
  const { path, aptGet, isRoot } = setup;
  if (existsSync(path)) return path;
  const need = `The browser tests need Chromium at ${path}`;
  if (!isRoot) throw new Error(`${need}; install Debian's package chromium, or run them as root`);
  if (Bun.which(aptGet) === null) throw new Error(`${need}, and there is no apt-get to install it`);
  const untilMs = performance.now() + setup.patienceMs;
  for (const args of COMMANDS) {
    const problem = await runUntil(untilMs, [aptGet, ...args]);
    if (problem !== null) throw new Error(`${need}, and \`apt-get ${args.join(" ")}\` ${problem}`);
  }
  if (!existsSync(path)) throw new Error(`${need}, and the package did not put it there`);
  return path;
}

/** Null when the command succeeded, else what became of it. */
async function runUntil(untilMs: number, command: readonly string[]): Promise<string | null> {
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    // A process group of its own: what apt-get has started ends with it.
    detached: true,
  });
  const late = setTimeout(() => process.kill(-child.pid, "SIGKILL"), untilMs - performance.now());
  const said = await child.stderr.text();
  const code = await child.exited;
  clearTimeout(late);
  if (code === 0) return null;
  return child.signalCode === "SIGKILL" ? "took too long" : `failed: ${said.trim()}`;
}
