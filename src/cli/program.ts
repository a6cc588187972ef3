/**
 * Runs what the command line asks for and answers with the exit code: 0 done, 1 failed, 2 wrong
 * usage. The commands are given, so that this file knows how to be called and nothing else.
 */
import { type Config, type Flags, loadConfig } from "../config/config.ts";
import { CREDENTIAL_VARIABLE, type Environment } from "../config/environment.ts";
import type { Terminal } from "./terminal.ts";
import { readArguments, type SimulatorOptions } from "./usage.ts";
import type { JobsAsked } from "./usage-jobs.ts";
import type { BackupAsked, LedgerAsked, PricesAsked } from "./usage-operate.ts";
import type { ProviderAsked } from "./usage-provider.ts";
import { VERSION_LINE } from "./version.ts";

/** Each resolves with the exit code when it has ended. */
export type Commands = {
  readonly serve: (config: Config) => Promise<number>;
  readonly migrate: (config: Config) => Promise<number>;
  readonly prices: (config: Config, asked: PricesAsked) => Promise<number>;
  /** `credential`: what the environment holds for a provider. */
  readonly provider: (
    config: Config,
    asked: ProviderAsked,
    credential: string | undefined,
  ) => Promise<number>;
  readonly jobs: (config: Config, asked: JobsAsked) => Promise<number>;
  readonly ledger: (config: Config, asked: LedgerAsked) => Promise<number>;
  readonly backup: (config: Config, asked: BackupAsked) => Promise<number>;
  readonly simulator: (options: SimulatorOptions) => Promise<number>;
  /** Takes the arguments after the word as they are. */
  readonly bench: (args: readonly string[]) => Promise<number>;
};

/** Where the program runs. */
export type World = {
  readonly environment: Environment;
  readonly cwd: string;
  readonly terminal: Terminal;
};

const EXIT_DONE = 0;
const EXIT_MISUSE = 2;

/** `args` are those after the program's name. */
export async function runCli(
  args: readonly string[],
  commands: Commands,
  world: World,
): Promise<number> {
  const { terminal } = world;
  const request = readArguments(args);
  switch (request.command) {
    case "misuse":
      return misused(terminal, [request.complaint], request.hint);
    case "help":
      terminal.out.line(request.text.trimEnd());
      break;
    case "version":
      terminal.out.line(VERSION_LINE);
      break;
    case "bench":
      return commands.bench(request.args);
    case "simulator":
      return commands.simulator(request.options);
    case "serve":
    case "migrate":
      return configured(request, commands[request.command], world);
    case "prices":
      return configured(request, (config) => commands.prices(config, request.asked), world);
    case "provider": {
      const credential = world.environment[CREDENTIAL_VARIABLE];
      return configured(
        request,
        (config) => commands.provider(config, request.asked, credential),
        world,
      );
    }
    case "jobs":
      return configured(request, (config) => commands.jobs(config, request.asked), world);
    case "ledger":
      return configured(request, (config) => commands.ledger(config, request.asked), world);
    case "backup":
      return configured(request, (config) => commands.backup(config, request.asked), world);
  }
  return EXIT_DONE;
}

function configured(
  request: { readonly command: string; readonly flags: Flags },
  command: (config: Config) => Promise<number>,
  { environment, cwd, terminal }: World,
): Promise<number> | number {
  const isTerminal = terminal.err.isTerminal;
  const reading = loadConfig({ flags: request.flags, environment, cwd, isTerminal });
  if (reading.ok) return command(reading.config);
  const lists = request.command === "migrate" ? "migrate" : "serve";
  const hint = `\`${lists} --help\` lists all settings.`;
  return misused(terminal, reading.problems, hint);
}

function misused({ err }: Terminal, problems: readonly string[], hint: string): number {
  for (const problem of problems) err.line(`${err.styled("red", "error:")} ${problem}`);
  err.line(err.styled("dim", hint));
  return EXIT_MISUSE;
}
