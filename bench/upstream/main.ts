/**
 * The simulated provider as a process of its own: `bun bench/upstream/main.ts --port N`. It speaks
 * the OpenAI dialect, does what each request's script says, and counts what it received.
 *
 * A script is `name=value` members joined by `&`, after a `?` in the model name or in the header
 * `x-sim-script`: `{"model": "sim-small?tokens=20&token_delay_ms=50&cut_at=300"}`. `--help` prints
 * the whole grammar, which is kept beside the parser in script-members.ts.
 */

import { parseArgs } from "node:util";
import { SCRIPT_GRAMMAR } from "./script-members.ts";
import { startUpstream, type UpstreamOptions } from "./server.ts";

export { SCRIPT_GRAMMAR };

const usageText = `Usage: bun bench/upstream/main.ts [--port N] [--host NAME] [--script SCRIPT] [--keep-bodies]

Serves a simulated OpenAI-compatible provider; without --port it takes a free port.

${SCRIPT_GRAMMAR}`;

/** What the arguments ask for. */
type Command =
  | { readonly kind: "serve"; readonly options: UpstreamOptions }
  | { readonly kind: "help" }
  | { readonly kind: "misuse"; readonly complaint: string };

/** Strict: an argument that nobody knows is wrong usage. */
function readCommand(args: readonly string[]): Command {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string", default: "0" },
        host: { type: "string", default: "127.0.0.1" },
        script: { type: "string", default: "" },
        "keep-bodies": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      return { kind: "help" };
    }
    const port = /^\d{1,5}$/u.test(values.port) ? Number(values.port) : Number.NaN;
    if (!(port <= 65_535)) {
      return { kind: "misuse", complaint: "--port must be a number from 0 to 65535" };
    }
    const { host: hostname, script } = values;
    return {
      kind: "serve",
      options: { port, hostname, script, keepBodies: values["keep-bodies"] },
    };
  } catch (error) {
    return { kind: "misuse", complaint: error instanceof Error ? error.message : String(error) };
  }
}

/** Exit codes: 0 done, 1 failed to start, 2 wrong usage. */
async function main(): Promise<void> {
  const command = readCommand(process.argv.slice(2));
  if (command.kind === "help") {
    process.stdout.write(usageText);
    return;
  }
  if (command.kind === "misuse") {
    process.stderr.write(`${command.complaint}\n`);
    process.exitCode = 2;
    return;
  }
  try {
    const upstream = await startUpstream(command.options);
    process.stdout.write(`upstream listening on ${upstream.url}\n`);
    const end = (): void => {
      void upstream.stop().then(() => process.exit(0));
    };
    process.once("SIGTERM", end);
    process.once("SIGINT", end);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

if (import.meta.main) {
  await main();
}
