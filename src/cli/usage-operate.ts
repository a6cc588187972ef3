/**
 * The grammar of the commands by which operators look after a gateway: prices, the ledger, a backup.
 * What they ask for is read here; what it means is decided by the commands and the admin API.
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { flagOf, type SettingName, SETTINGS } from "../config/settings.ts";

/** Where the gateway is, and how to tell its answers. */
export type Connected = {
  /** null: where the configuration says that it listens. */
  readonly url: string | null;
  readonly json: boolean;
};

/** Members of a price as the admin API takes them. */
export type PriceMembers = Readonly<Record<string, unknown>>;

type Priced = {
  readonly provider: string;
  readonly model: string;
  readonly members: PriceMembers;
};

export type PricesAsked = Connected &
  (
    | {
        readonly do: "list";
        readonly provider: string | null;
        readonly what: "set" | "catalogue" | "unpriced";
      }
    | { readonly do: "diff"; readonly provider: string | null }
    | (Priced & { readonly do: "set" })
    | (Priced & { readonly do: "preview" })
    | { readonly do: "unset"; readonly provider: string; readonly model: string }
  );

export type LedgerAsked =
  | { readonly do: "verify"; readonly headsFile: string | null; readonly json: boolean }
  | (Connected & { readonly do: "status" | "accept" });

export type BackupAsked = { readonly to: string };

/** Values of options as commander gives them, by attribute. */
export type Options = Readonly<Record<string, unknown>>;

type Ask<T> = (options: Options, asked: T) => void;

/** What a price may ask, by flag; the value `none` leaves it open. */
const RATES = [
  ["input", "input_usd_per_million", "input tokens"],
  ["output", "output_usd_per_million", "output tokens"],
  ["cached-input", "cached_input_usd_per_million", "input read from the provider's cache"],
  ["cache-write", "cache_write_usd_per_million", "input written to the provider's cache"],
  ["cache-write-1h", "cache_write_1h_usd_per_million", "the same, kept for an hour"],
  ["reasoning", "reasoning_usd_per_million", "reasoning tokens"],
  ["audio-input", "audio_input_usd_per_million", "audio in the input"],
  ["audio-output", "audio_output_usd_per_million", "audio in the output"],
  ["image-input", "image_input_usd_per_million", "pictures in the input"],
  ["image-output", "image_output_usd_per_million", "pictures in the output"],
  ["characters", "character_usd_per_million", "characters read aloud"],
] as const;

/** What is no token and paid one by one. */
const UNITS = [
  ["image", "image_usd", "a picture that is made"],
  ["audio-second", "audio_second_usd", "a second of sound that is read"],
  ["search-unit", "search_unit_usd", "a search among documents"],
  ["request", "request_usd", "a request, whatever its size"],
] as const;

const COUNTS = [
  ["context", "context_tokens_max", "tokens that the model takes"],
  ["output-max", "output_tokens_max", "tokens that the model generates at most"],
] as const;

const OPEN = "none";

export function addPrices(program: Command, ask: Ask<PricesAsked>): void {
  const prices = program.command("prices").description("list, compare and set prices");
  connected(prices.command("list"))
    .description("list prices")
    .option("--provider <NAME>", "of this provider alone")
    .option("--catalogue", "the built-in catalogue beside the prices that are set")
    .option("--unpriced", "models that were asked for and have no price")
    .action((options: Options) => {
      const kind = options["unpriced"] === true ? "unpriced" : "catalogue";
      const what = options[kind] === true ? kind : "set";
      ask(options, { do: "list", what, provider: textOf(options, "provider"), ...where(options) });
    });
  connected(prices.command("diff"))
    .description("compare the prices that are set with the catalogue")
    .option("--provider <NAME>", "of this provider alone")
    .action((options: Options) => {
      ask(options, { do: "diff", provider: textOf(options, "provider"), ...where(options) });
    });
  for (const [name, description] of [
    ["set", "set a price, or change what is named of one"],
    ["preview", "show what a price would mean; sets nothing"],
  ] as const) {
    const command = connected(prices.command(name).arguments("<provider> <model>"));
    priced(command.description(description)).action(
      (provider: string, model: string, options: Options) => {
        const members = membersOf(options);
        ask(options, { do: name, provider, model, members, ...where(options) });
      },
    );
  }
  connected(prices.command("unset").arguments("<provider> <model>"))
    .description("let the catalogue's price count again")
    .action((provider: string, model: string, options: Options) => {
      ask(options, { do: "unset", provider, model, ...where(options) });
    });
}

export function addLedger(program: Command, ask: Ask<LedgerAsked>): void {
  const ledger = program.command("ledger").description("verify, show and accept the ledger");
  configured(ledger.command("verify"), ["data_dir", "config"])
    .description("recompute every sum from the entries and prove them untouched")
    .option("--heads <FILE>", "compare with the heads that `ledger status --json` told before")
    .option("--json", "for programs")
    .action((options: Options) => {
      const headsFile = textOf(options, "heads");
      ask(options, { do: "verify", headsFile, json: options["json"] === true });
    });
  for (const [name, description] of [
    ["status", "show its length, its heads and whether it is frozen"],
    ["accept", "accept a ledger that is older than its spend"],
  ] as const) {
    connected(ledger.command(name))
      .description(description)
      .action((options: Options) => ask(options, { do: name, ...where(options) }));
  }
}

export function addBackup(program: Command, ask: Ask<BackupAsked>): void {
  configured(program.command("backup"), ["data_dir", "config"])
    .description("copy the database as it is at one moment, also while it runs")
    .requiredOption("--to <FILE>", "the copy, which must not exist")
    .action((options: Options) => ask(options, { to: textOf(options, "to") ?? "" }));
}

function configured(command: Command, settings: readonly SettingName[]): Command {
  for (const setting of settings) {
    const { placeholder, help } = SETTINGS[setting];
    command.addOption(new Option(`${flagOf(setting)} <${placeholder}>`, help));
  }
  return command.allowExcessArguments(false);
}

/** Of a command that calls the admin API. */
export function connected(command: Command): Command {
  return configured(command, ["admin_token", "config"])
    .option("--url <URL>", "the gateway's address (where the configuration says it listens)")
    .option("--json", "for programs");
}

export function where(options: Options): Connected {
  return { url: textOf(options, "url"), json: options["json"] === true };
}

export function textOf(options: Options, name: string): string | null {
  const value = options[name];
  return typeof value === "string" ? value : null;
}

function priced(command: Command): Command {
  for (const [flag, , text] of RATES) {
    command.option(`--${flag} <USD>`, `${text}, per million`);
  }
  for (const [flag, , text] of UNITS) command.option(`--${flag} <USD>`, text);
  command
    .option("--tool <NAME=USD>", "a call of the provider's own tool; may be repeated", toolOf)
    .option(
      "--tier <ABOVE:INPUT/OUTPUT>",
      "rates of requests with more input tokens, cached input and cache write behind further slashes; may be repeated",
      tierOf,
    )
    .option("--batch <FACTOR>", "what batch requests cost of the whole, such as 0.5", factorOf);
  for (const [flag, , text] of COUNTS) command.option(`--${flag} <TOKENS>`, text, countOf);
  return command
    .option("--confirm-unusual", "although it is far from what such models cost")
    .addHelpText("after", `\nAmounts are decimal US dollars; \`${OPEN}\` leaves one open.`);
}

function membersOf(options: Options): PriceMembers {
  const members: Record<string, unknown> = {};
  const take = (flag: string, member: string): void => {
    const value = options[new Option(`--${flag} <X>`).attributeName()];
    if (value !== undefined) members[member] = value === OPEN ? null : value;
  };
  for (const [flag, member] of RATES) take(flag, member);
  for (const [flag, member] of UNITS) take(flag, member);
  for (const [flag, member] of COUNTS) take(flag, member);
  take("tool", "tool_call_usd");
  take("tier", "tiers");
  take("batch", "batch_multiplier");
  take("confirm-unusual", "confirm_unusual");
  return members;
}

function toolOf(text: string, before: unknown): unknown {
  if (text === OPEN) return OPEN;
  const [, tool, usd] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (tool === undefined || usd === undefined) {
    throw new InvalidArgumentError("must be a tool and its fee, such as web_search=0.01");
  }
  return { ...Object(before), [tool]: usd };
}

function tierOf(text: string, before: unknown): unknown {
  if (text === OPEN) return OPEN;
  const [, above, amounts] = /^(\d{1,9}):(.+)$/.exec(text) ?? [];
  const [input, output, cached, write, ...rest] = (amounts ?? "").split("/");
  if (above === undefined || input === undefined || output === undefined || rest.length > 0) {
    throw new InvalidArgumentError("must be a bound and rates, such as 200000:2.50/15");
  }
  const tier = {
    above_input_tokens: Number(above),
    input_usd_per_million: input,
    output_usd_per_million: output,
    ...(cached !== undefined && { cached_input_usd_per_million: cached }),
    ...(write !== undefined && { cache_write_usd_per_million: write }),
  };
  return [...(Array.isArray(before) ? before : []), tier];
}

function factorOf(text: string): unknown {
  if (text === OPEN) return OPEN;
  if (!/^\d(\.\d{1,9})?$/.test(text))
    throw new InvalidArgumentError("must be a number, such as 0.5");
  return Number(text);
}

function countOf(text: string): unknown {
  if (text === OPEN) return OPEN;
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("must be a whole number");
  return Number(text);
}
