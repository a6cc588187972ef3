/**
 * The command line's grammar: commands, their options and help. It is read by commander, whose
 * complaints are turned into ours: one sentence, the nearest known name, and no value repeated,
 * because a value may be a secret.
 */
import { Command, CommanderError, Option } from "commander";
import { SCRIPT_GRAMMAR } from "../../bench/upstream/script-members.ts";
import type { Flags } from "../config/config.ts";
import { unknownName } from "../base/nearest.ts";
import {
  flagOf,
  type SettingName,
  SETTING_NAMES,
  SETTINGS,
  variableOf,
} from "../config/settings.ts";
import { readPort } from "../config/values.ts";
import { addJobs, type JobsAsked } from "./usage-jobs.ts";
import { addProvider, type ProviderAsked } from "./usage-provider.ts";
import {
  addBackup,
  addLedger,
  addPrices,
  type BackupAsked,
  type LedgerAsked,
  type Options,
  type PricesAsked,
} from "./usage-operate.ts";

/** What the command line asks for. */
export type Request =
  | { readonly command: "serve" | "migrate"; readonly flags: Flags }
  | { readonly command: "simulator"; readonly options: SimulatorOptions }
  | { readonly command: "bench"; readonly args: readonly string[] }
  | { readonly command: "prices"; readonly flags: Flags; readonly asked: PricesAsked }
  | { readonly command: "provider"; readonly flags: Flags; readonly asked: ProviderAsked }
  | { readonly command: "jobs"; readonly flags: Flags; readonly asked: JobsAsked }
  | { readonly command: "ledger"; readonly flags: Flags; readonly asked: LedgerAsked }
  | { readonly command: "backup"; readonly flags: Flags; readonly asked: BackupAsked }
  | { readonly command: "version" }
  | { readonly command: "help"; readonly text: string }
  | { readonly command: "misuse"; readonly complaint: string; readonly hint: string };

export type SimulatorOptions = {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** A script for every request, laid under its own. */
  readonly script: string;
};

/** Reads the arguments after the program's name. Never throws, prints or exits. */
export function readArguments(args: readonly string[]): Request {
  const asked: Request[] = [];
  let help = "";
  const program = grammar(
    (request) => {
      asked.push(request);
    },
    (text) => {
      help += text;
    },
  );
  const unknown = unknownWord(program, args);
  if (unknown !== null) return unknown;
  try {
    program.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { command: "help", text: help };
    return complaintOf(error, commandOf(program, args));
  }
  return asked[0] ?? { command: "help", text: program.helpInformation() };
}

/** `helpCommand` goes behind whatever the program was called with: `bun start`, an image's name. */
function misuse(complaint: string, helpCommand: string): Request {
  return { command: "misuse", complaint, hint: `\`${helpCommand}\` shows what is known.` };
}

/** Refuses a first word that is no command, and a command of several that is not told which. */
function unknownWord(program: Command, args: readonly string[]): Request | null {
  const [first, second] = args;
  if (first === undefined || first.startsWith("-") || first === "help") return null;
  const command = childOf(program, first);
  if (command === undefined)
    return misuse(unknownName("command", first, wordsOf(program)), "--help");
  const words = wordsOf(command);
  if (words.length === 0 || ["--help", "-h", "help"].includes(second ?? "")) return null;
  if (second === undefined || second.startsWith("-")) {
    return misuse(`${first} needs a further word: ${words.join(", ")}`, `${first} --help`);
  }
  return words.includes(second)
    ? null
    : misuse(unknownName(`${first} command`, second, words), `${first} --help`);
}

function wordsOf(command: Command): readonly string[] {
  return command.commands.map((child) => child.name());
}

function childOf(command: Command, word: string | undefined): Command | undefined {
  return command.commands.find((child) => child.name() === word);
}

/** The command whose options count: the named one, else the default. */
function commandOf(program: Command, [first, second]: readonly string[]): Command {
  const found = childOf(program, first);
  if (found === undefined) return childOf(program, "serve") ?? program;
  return childOf(found, second) ?? found;
}

/** `prices set`, as behind the program's name. */
function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null
    ? command.name()
    : `${pathOf(parent)} ${command.name()}`;
}

function complaintOf(error: CommanderError, command: Command): Request {
  const path = pathOf(command);
  const helpCommand = `${path} --help`;
  const quoted = /'([^'= ]*)/.exec(error.message)?.[1] ?? "";
  switch (error.code) {
    case "commander.unknownOption": {
      const known = [...command.options.map((option) => option.long ?? ""), "--help"];
      return misuse(unknownName("flag", quoted, known), helpCommand);
    }
    case "commander.optionMissingArgument":
      return misuse(`${quoted} needs a value`, helpCommand);
    case "commander.excessArguments":
      return misuse(
        command.registeredArguments.length === 0
          ? `${path} takes flags only, no further words`
          : `${path} takes no further words than ${wordsOfArguments(command)}`,
        helpCommand,
      );
    case "commander.missingArgument":
      return misuse(`${path} needs ${wordsOfArguments(command)}`, helpCommand);
    case "commander.missingMandatoryOptionValue":
      return misuse(`${path} needs ${/'(--[a-z-]+)/.exec(error.message)?.[1] ?? ""}`, helpCommand);
    case "commander.invalidArgument":
      return misuse(invalidOf(error.message), helpCommand);
    default:
      return misuse(error.message.replace(/^error: /, ""), helpCommand);
  }
}

function wordsOfArguments(command: Command): string {
  return command.registeredArguments.map((argument) => `<${argument.name()}>`).join(" and ");
}

/** Without the value, which may be a secret put in the wrong place. */
function invalidOf(message: string): string {
  const [, flag = "", reason = ""] =
    /option '(--[a-z0-9-]+)[^']*'.* is invalid\. (.*)$/.exec(message) ?? [];
  return `${flag} ${reason}`;
}

type Ask = (request: Request) => void;

function grammar(ask: Ask, writeHelp: (text: string) => void): Command {
  const program = new Command("tollgate")
    .description("An LLM gateway: budgets that hold, answers that do not change.")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: writeHelp, writeErr: () => {}, getOutHelpWidth: () => 80 })
    .option("-V, --version", "print the version")
    .addHelpText(
      "after",
      "\n`serve --help` lists the gateway's settings, such as --port and --data-dir.",
    )
    .on("option:version", () => ask({ command: "version" }));
  addServing(program, "serve", "start the gateway (the default)", ask);
  addServing(program, "migrate", "create or migrate the database, then end", ask);
  addSimulator(program, ask);
  addPrices(program, (options, asked) => {
    ask({ command: "prices", flags: flagsFrom(options), asked });
  });
  addProvider(program, (options, asked) => {
    ask({ command: "provider", flags: flagsFrom(options), asked });
  });
  addJobs(program, (options, asked) => {
    ask({ command: "jobs", flags: flagsFrom(options), asked });
  });
  addLedger(program, (options, asked) => {
    ask({ command: "ledger", flags: flagsFrom(options), asked });
  });
  addBackup(program, (options, asked) => {
    ask({ command: "backup", flags: flagsFrom(options), asked });
  });
  program
    .command("bench")
    .description("measure a gateway's speed; `bench --help` tells how")
    .helpOption(false)
    .allowUnknownOption()
    .argument("[args...]")
    .action((args: readonly string[]) => ask({ command: "bench", args }));
  program
    .command("version")
    .description("print the version")
    .action(() => ask({ command: "version" }));
  return program;
}

function addServing(
  program: Command,
  name: "serve" | "migrate",
  description: string,
  ask: Ask,
): void {
  const command = program
    .command(name, { isDefault: name === "serve" })
    .description(description)
    .allowExcessArguments(false)
    .addHelpText(
      "after",
      `\nEach flag is also a variable (--data-dir is ${variableOf("data_dir")}) and, but for
--config, a member of tollgate.yaml (data_dir). A flag wins over a variable, a
variable over the file.`,
    );
  for (const setting of SETTING_NAMES) {
    const { placeholder, help } = SETTINGS[setting];
    command.addOption(new Option(`${flagOf(setting)} <${placeholder}>`, help));
  }
  command.action((options: Options) => {
    ask({ command: name, flags: flagsFrom(options) });
  });
}

/** Commander names options in camel case. */
function flagsFrom(options: Options): Flags {
  const flags: Partial<Record<SettingName, string>> = {};
  for (const name of SETTING_NAMES) {
    const value = options[new Option(flagOf(name)).attributeName()];
    if (typeof value === "string") flags[name] = value;
  }
  return flags;
}

function addSimulator(program: Command, ask: Ask): void {
  program
    .command("simulator")
    .description("serve the simulated provider")
    .allowExcessArguments(false)
    .addOption(new Option("--host <HOST>", "address to listen on").default("127.0.0.1"))
    .addOption(new Option("--port <PORT>", "port to listen on, 0 picks a free one").default("0"))
    .addOption(new Option("--script <SCRIPT>", "laid under the script of every request"))
    .addHelpText("after", `\n${SCRIPT_GRAMMAR}`)
    .action(
      ({
        host,
        port,
        script = "",
      }: Readonly<Record<"host" | "port", string>> & { script?: string }) => {
        const reading = readPort(port);
        ask(
          reading.ok
            ? { command: "simulator", options: { host, port: reading.value, script } }
            : misuse(`--port ${reading.complaint}`, "simulator --help"),
        );
      },
    );
}
