/**
 * The grammar of `tollgate provider`: what is added, and from where its credential is read. A credential is
 * no flag, because everybody on a machine can read the arguments of its processes.
 */
import { type Command, InvalidArgumentError } from "commander";
import { CREDENTIAL_VARIABLE } from "../config/environment.ts";
import { type Connected, connected, type Options, textOf, where } from "./usage-operate.ts";

export type ProviderAsked = Connected &
  (
    | { readonly do: "companies" }
    | {
        readonly do: "add";
        readonly company: string;
        /** null: the company's id. */
        readonly name: string | null;
        /** null: the company's own. */
        readonly baseUrl: string | null;
        readonly parameters: Readonly<Record<string, string>>;
        /** `-` is the standard input; null: wherever there is one. */
        readonly credentialFile: string | null;
      }
  );

export function addProvider(
  program: Command,
  ask: (options: Options, asked: ProviderAsked) => void,
): void {
  const provider = program.command("provider").description("add providers of known companies");
  connected(provider.command("companies"))
    .description("list the companies that Tollgate knows")
    .action((options: Options) => ask(options, { do: "companies", ...where(options) }));
  connected(provider.command("add").arguments("<company>"))
    .description("add a provider of a company")
    .option("--name <NAME>", "what it is called (the company's id)")
    .option("--base-url <URL>", "where it is called, where that is not the company's address")
    .option("--set <NAME=VALUE>", "a parameter of its address; may be repeated", parameterOf)
    .option("--credential-file <FILE>", "where its credential is; - is the standard input")
    .addHelpText(
      "after",
      `\nWithout --credential-file the credential is ${CREDENTIAL_VARIABLE}, else what
comes in by a pipe, else what you type at the prompt, which is not shown.`,
    )
    .action((company: string, options: Options) => {
      ask(options, {
        do: "add",
        company,
        name: textOf(options, "name"),
        baseUrl: textOf(options, "baseUrl"),
        parameters: { ...Object(options["set"]) },
        credentialFile: textOf(options, "credentialFile"),
        ...where(options),
      });
    });
}

function parameterOf(text: string, before: unknown): unknown {
  const [, name, value] = /^([a-z_]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError("must be a name and its value, such as region=us-east-1");
  }
  return { ...Object(before), [name]: value };
}
