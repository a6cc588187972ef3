/** The command line: which command is asked for with what, complaints as a whole, exit codes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTerminal } from "../../src/cli/terminal.ts";
import { runCli } from "../../src/cli/program.ts";
import type { Config } from "../../src/config/config.ts";
import type { Environment } from "../../src/config/environment.ts";
import { flagOf, SETTING_NAMES } from "../../src/config/settings.ts";

let cwd = "";
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "tollgate-cli-"));
});
afterAll(() => {
  rmSync(cwd, { recursive: true, force: true });
});

type Run = {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  /** The command that ran and what it was given. */
  readonly ran: readonly (readonly [string, unknown])[];
};

async function run(
  args: readonly string[],
  environment: Environment = {},
  isTTY = false,
): Promise<Run> {
  let out = "";
  let err = "";
  const ran: (readonly [string, unknown])[] = [];
  const command = (name: string, exit: number) => (given: unknown) => {
    ran.push([name, given]);
    return Promise.resolve(exit);
  };
  const asking = (name: string, exit: number) => (config: Config, asked: unknown) =>
    command(name, exit)([config, asked]);
  const terminal = createTerminal(
    { isTTY, write: (text) => (out += text) },
    { isTTY, write: (text) => (err += text) },
    environment["NO_COLOR"] !== undefined,
  );
  const commands = {
    serve: command("serve", 0),
    migrate: command("migrate", 1),
    simulator: command("simulator", 3),
    bench: command("bench", 4),
    prices: asking("prices", 5),
    jobs: asking("jobs", 9),
    ledger: asking("ledger", 6),
    provider: (config: Config, asked: unknown, credential: string | undefined) =>
      command("provider", 8)([config, asked, credential]),
    backup: asking("backup", 7),
  };
  const exit = await runCli(args, commands, { environment, cwd, terminal });
  return { exit, out, err, ran };
}

function configured(more: Partial<Config> = {}): Config {
  return {
    host: "127.0.0.1",
    port: 8080,
    dataDir: join(cwd, "data"),
    adminToken: null,
    encryptionKey: null,
    configPath: null,
    demo: "auto",
    logLevel: "info",
    logFormat: "json",
    production: false,
    ...more,
  };
}

const adminToken = "tg-admin-0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1";
/** Of a command that is told nothing about the gateway. */
const here = { url: null, json: false };
const gpt5 = { provider: "openai", model: "gpt-5" };

/** A provider of Groq, with nothing said beside its company. */
const added = {
  ...here,
  do: "add",
  company: "groq",
  name: null,
  baseUrl: null,
  parameters: {},
  credentialFile: null,
};

/** Every flag of a price, and the members that they become. */
const amountFlags = `--input 1.25 --output 10 --cached-input 0.125 --cache-write none
  --cache-write-1h 2 --reasoning 11 --audio-input 3 --audio-output 4 --image-input 5
  --image-output 6 --characters 15 --image 0.04 --audio-second 0.0001 --search-unit 0.002 --request 0.001 --batch 0.5 --tool web_search=0.01 --tool code=0.02
  --context 400000 --tier 200000:2.50/15 --tier 400000:3/20/0.3/4 --output-max none
  --confirm-unusual`.split(/\s+/);
const amounts = {
  input_usd_per_million: "1.25",
  output_usd_per_million: "10",
  cached_input_usd_per_million: "0.125",
  cache_write_usd_per_million: null,
  cache_write_1h_usd_per_million: "2",
  reasoning_usd_per_million: "11",
  audio_input_usd_per_million: "3",
  audio_output_usd_per_million: "4",
  image_input_usd_per_million: "5",
  image_output_usd_per_million: "6",
  character_usd_per_million: "15",
  image_usd: "0.04",
  audio_second_usd: "0.0001",
  search_unit_usd: "0.002",
  request_usd: "0.001",
  batch_multiplier: 0.5,
  tool_call_usd: { web_search: "0.01", code: "0.02" },
  context_tokens_max: 400_000,
  tiers: [
    {
      above_input_tokens: 200_000,
      input_usd_per_million: "2.50",
      output_usd_per_million: "15",
    },
    {
      above_input_tokens: 400_000,
      input_usd_per_million: "3",
      output_usd_per_million: "20",
      cached_input_usd_per_million: "0.3",
      cache_write_usd_per_million: "4",
    },
  ],
  output_tokens_max: null,
  confirm_unusual: true,
};

describe("commands", () => {
  const rows: readonly (readonly [
    args: readonly string[],
    ran: () => readonly [string, unknown],
    exit: number,
  ])[] = [
    [[], () => ["serve", configured()], 0],
    [["serve"], () => ["serve", configured()], 0],
    [["--port", "0"], () => ["serve", configured({ port: 0 })], 0],
    [["--port=0", "--demo", "off"], () => ["serve", configured({ port: 0, demo: "off" })], 0],
    [["serve", "--data-dir", "x"], () => ["serve", configured({ dataDir: join(cwd, "x") })], 0],
    [["serve", "--port", "1", "--port", "2"], () => ["serve", configured({ port: 2 })], 0],
    [["migrate", "--log-level", "warn"], () => ["migrate", configured({ logLevel: "warn" })], 1],
    [["simulator"], () => ["simulator", { host: "127.0.0.1", port: 0, script: "" }], 3],
    [
      ["simulator", "--port", "9000", "--host", "0.0.0.0", "--script", "tokens=3"],
      () => ["simulator", { host: "0.0.0.0", port: 9_000, script: "tokens=3" }],
      3,
    ],
    [
      ["prices", "list"],
      () => ["prices", [configured(), { ...here, do: "list", what: "set", provider: null }]],
      5,
    ],
    [
      ["prices", "list", "--catalogue", "--provider", "openai", "--json", "--url", "http://h:1"],
      () => [
        "prices",
        [
          configured(),
          { url: "http://h:1", json: true, do: "list", what: "catalogue", provider: "openai" },
        ],
      ],
      5,
    ],
    [
      ["prices", "list", "--unpriced", "--admin-token", adminToken],
      () => [
        "prices",
        [configured({ adminToken }), { ...here, do: "list", what: "unpriced", provider: null }],
      ],
      5,
    ],
    [
      ["prices", "diff"],
      () => ["prices", [configured(), { ...here, do: "diff", provider: null }]],
      5,
    ],
    [
      ["prices", "set", "openai", "gpt-5", ...amountFlags],
      () => ["prices", [configured(), { ...here, do: "set", ...gpt5, members: amounts }]],
      5,
    ],
    [
      ["prices", "preview", "openai", "gpt-5", "--input", "1", "--output", "none"],
      () => [
        "prices",
        [
          configured(),
          {
            ...here,
            do: "preview",
            ...gpt5,
            members: { input_usd_per_million: "1", output_usd_per_million: null },
          },
        ],
      ],
      5,
    ],
    [
      ["prices", "unset", "openai", "gpt-5"],
      () => ["prices", [configured(), { ...here, do: "unset", ...gpt5 }]],
      5,
    ],
    [
      ["ledger", "verify", "--data-dir", "x", "--heads", "h.json"],
      () => [
        "ledger",
        [
          configured({ dataDir: join(cwd, "x") }),
          { do: "verify", headsFile: "h.json", json: false },
        ],
      ],
      6,
    ],
    [
      ["provider", "companies", "--json"],
      () => ["provider", [configured(), { url: null, json: true, do: "companies" }, undefined]],
      8,
    ],
    [["provider", "add", "groq"], () => ["provider", [configured(), added, undefined]], 8],
    [
      `provider add azure --name az --base-url https://p.example.com --set resource=contoso
        --set api_version=1 --credential-file -`.split(/\s+/),
      () => [
        "provider",
        [
          configured(),
          {
            ...added,
            company: "azure",
            name: "az",
            baseUrl: "https://p.example.com",
            parameters: { resource: "contoso", api_version: "1" },
            credentialFile: "-",
          },
          undefined,
        ],
      ],
      8,
    ],
    [["ledger", "status"], () => ["ledger", [configured(), { ...here, do: "status" }]], 6],
    [
      ["ledger", "accept", "--json"],
      () => ["ledger", [configured(), { url: null, json: true, do: "accept" }]],
      6,
    ],
    [
      ["jobs", "list"],
      () => [
        "jobs",
        [configured(), { ...here, do: "list", tenant: null, provider: null, kind: null }],
      ],
      9,
    ],
    [
      ["jobs", "list", "--tenant", "ten_1", "--provider", "openai", "--kind", "batch", "--json"],
      () => {
        const of = { tenant: "ten_1", provider: "openai", kind: "batch" };
        return ["jobs", [configured(), { url: null, json: true, do: "list", ...of }]];
      },
      9,
    ],
    [
      ["jobs", "end", "att_1", "--amount", "0", "--note", "gone"],
      () => {
        const asked = { do: "end", id: "att_1", amountUsd: "0", note: "gone" };
        return ["jobs", [configured(), { ...here, ...asked }]];
      },
      9,
    ],
    [["backup", "--to", "f"], () => ["backup", [configured(), { to: "f" }]], 7],
    [["bench"], () => ["bench", []], 4],
    [
      ["bench", "--target", "http://x", "word", "--help", "-z", "--rate", "5"],
      () => ["bench", ["--target", "http://x", "word", "--help", "-z", "--rate", "5"]],
      4,
    ],
  ];
  for (const [args, ran, exit] of rows) {
    test(`tollgate ${args.join(" ")}`, async () => {
      expect(await run(args)).toEqual({ exit, out: "", err: "", ran: [ran()] });
    });
  }

  test("version, -V and --version print one line", async () => {
    const line = `tollgate 0.1.0 (bun ${Bun.version})\n`;
    for (const args of [["version"], ["-V"], ["--version"]]) {
      expect(await run(args)).toEqual({ exit: 0, out: line, err: "", ran: [] });
    }
  });

  test("settings come from flags before variables, and the log's format from the terminal", async () => {
    const environment = { TOLLGATE_PORT: "7", TOLLGATE_HOST: "h" };
    expect((await run(["--port", "8"], environment, true)).ran).toEqual([
      ["serve", configured({ port: 8, host: "h", logFormat: "pretty" })],
    ]);
  });
});

describe("wrong usage ends with 2 and a hint", () => {
  const serveHint = "`serve --help` shows what is known.";
  const rows: readonly (readonly [args: readonly string[], complaint: string, hint: string])[] = [
    [["--prot", "1"], "unknown flag --prot; the nearest known one is --port", serveHint],
    [
      ["serve", "--loglevel=x"],
      "unknown flag --loglevel; the nearest known one is --log-level",
      serveHint,
    ],
    [["-x"], "unknown flag -x; the nearest known one is --host", serveHint],
    [["--port"], "--port needs a value", serveHint],
    [["serve", "word"], "serve takes flags only, no further words", serveHint],
    [["--port", "1", "migrate"], "serve takes flags only, no further words", serveHint],
    [
      ["sevre"],
      "unknown command sevre; the nearest known one is serve",
      "`--help` shows what is known.",
    ],
    [
      ["simulater", "--port", "1"],
      "unknown command simulater; the nearest known one is simulator",
      "`--help` shows what is known.",
    ],
    [
      ["simulator", "--prot", "1"],
      "unknown flag --prot; the nearest known one is --port",
      "`simulator --help` shows what is known.",
    ],
    [
      ["simulator", "--port", "x"],
      '--port must be a whole number from 0 to 65535, not "x"',
      "`simulator --help` shows what is known.",
    ],
    [
      ["version", "word"],
      "version takes flags only, no further words",
      "`version --help` shows what is known.",
    ],
    [
      ["prices"],
      "prices needs a further word: list, diff, set, preview, unset",
      "`prices --help` shows what is known.",
    ],
    [
      ["prices", "lst"],
      "unknown prices command lst; the nearest known one is list",
      "`prices --help` shows what is known.",
    ],
    [
      ["prices", "diff", "--jsno"],
      "unknown flag --jsno; the nearest known one is --json",
      "`prices diff --help` shows what is known.",
    ],
    [
      ["provider", "add", "groq", "--credential", "sk-a-secret"],
      "unknown flag --credential; the nearest known one is --credential-file",
      "`provider add --help` shows what is known.",
    ],
    [
      ["provider", "add", "azure", "--set", "resource"],
      "--set must be a name and its value, such as region=us-east-1",
      "`provider add --help` shows what is known.",
    ],
    [
      ["provider"],
      "provider needs a further word: companies, add",
      "`provider --help` shows what is known.",
    ],
    [
      ["prices", "set", "openai"],
      "prices set needs <provider> and <model>",
      "`prices set --help` shows what is known.",
    ],
    [
      ["prices", "unset", "a", "b", "c"],
      "prices unset takes no further words than <provider> and <model>",
      "`prices unset --help` shows what is known.",
    ],
    [
      ["prices", "set", "a", "b", "--tool", "web_search"],
      "--tool must be a tool and its fee, such as web_search=0.01",
      "`prices set --help` shows what is known.",
    ],
    [
      ["prices", "set", "a", "b", "--tier", "200000"],
      "--tier must be a bound and rates, such as 200000:2.50/15",
      "`prices set --help` shows what is known.",
    ],
    [
      ["prices", "set", "a", "b", "--batch", "half"],
      "--batch must be a number, such as 0.5",
      "`prices set --help` shows what is known.",
    ],
    [
      ["prices", "set", "a", "b", "--context", "1e6"],
      "--context must be a whole number",
      "`prices set --help` shows what is known.",
    ],
    [
      ["ledger", "--json"],
      "ledger needs a further word: verify, status, accept",
      "`ledger --help` shows what is known.",
    ],
    [["jobs", "end"], "jobs end needs <id>", "`jobs end --help` shows what is known."],
    [["backup"], "backup needs --to", "`backup --help` shows what is known."],
    [
      ["ledger", "status", "--admin-token", "short"],
      "--admin-token must have at least 32 characters, not 5",
      "`serve --help` lists all settings.",
    ],
    [
      ["migrate", "--hots", "x"],
      "unknown flag --hots; the nearest known one is --host",
      "`migrate --help` shows what is known.",
    ],
    [
      ["migrate", "--workers", "2"],
      "--workers asks for 2 processes, but this version runs one; leave it out or say 1",
      "`migrate --help` lists all settings.",
    ],
  ];
  for (const [args, complaint, hint] of rows) {
    test(`tollgate ${args.join(" ")}`, async () => {
      const err = `error: ${complaint}\n${hint}\n`;
      expect(await run(args)).toEqual({ exit: 2, out: "", err, ran: [] });
    });
  }

  test("every problem of the settings is a line of its own", async () => {
    const environment = { TOLLGATE_PROT: "1", TOLLGATE_DEMO: "x" };
    const err = `error: unknown variable TOLLGATE_PROT; the nearest known one is TOLLGATE_PORT
error: --port must be a whole number from 0 to 65535, not "y"
error: TOLLGATE_DEMO must be auto or off, not "x"
\`serve --help\` lists all settings.
`;
    expect(await run(["--port", "y"], environment)).toEqual({ exit: 2, out: "", err, ran: [] });
  });

  test("a secret given in the wrong way is not repeated", async () => {
    const secret = "canary-31f0";
    const rowsOfSecrets = [
      [`--admin-tokn=${secret}`],
      ["serve", "--admin-token", "short", secret],
      ["--admin-token", secret],
      [`--encryption-key=${secret}`],
      ["--database-url", `postgres://u:${secret}@h`],
    ];
    for (const args of rowsOfSecrets) {
      const { exit, out, err } = await run(args);
      expect([exit, out, err.includes(secret)]).toEqual([2, "", false]);
    }
  });

  test("complaints are coloured on a terminal, unless NO_COLOR is set", async () => {
    const [coloured, plain] = [
      await run(["-x"], {}, true),
      await run(["-x"], { NO_COLOR: "1" }, true),
    ];
    const text = "unknown flag -x; the nearest known one is --host";
    expect([coloured.err, plain.err]).toEqual([
      `\u001b[31merror:\u001b[39m ${text}\n\u001b[2m${serveHint}\u001b[22m\n`,
      `error: ${text}\n${serveHint}\n`,
    ]);
  });
});

describe("help", () => {
  test("lists the commands", async () => {
    const text = `Usage: tollgate [options] [command]

An LLM gateway: budgets that hold, answers that do not change.

Options:
  -V, --version        print the version
  -h, --help           display help for command

Commands:
  serve [options]      start the gateway (the default)
  migrate [options]    create or migrate the database, then end
  simulator [options]  serve the simulated provider
  prices               list, compare and set prices
  provider             add providers of known companies
  jobs                 list and end batches and background responses
  ledger               verify, show and accept the ledger
  backup [options]     copy the database as it is at one moment, also while it
                       runs
  bench [args...]      measure a gateway's speed; \`bench --help\` tells how
  version              print the version
  help [command]       display help for command

\`serve --help\` lists the gateway's settings, such as --port and --data-dir.
`;
    for (const args of [["--help"], ["-h"], ["help"]]) {
      expect(await run(args)).toEqual({ exit: 0, out: text, err: "", ran: [] });
    }
  });

  test("of serve and migrate names every setting's flag", async () => {
    for (const command of ["serve", "migrate"]) {
      const { exit, out, ran } = await run([command, "--help"]);
      const flags = [...out.matchAll(/^ {2}(--[a-z-]+) </gm)].map((found) => found[1]);
      expect([exit, ran, flags]).toEqual([0, [], SETTING_NAMES.map(flagOf)]);
    }
  });

  test("of the simulator tells the script grammar", async () => {
    for (const args of [
      ["simulator", "--help"],
      ["help", "simulator"],
    ]) {
      const { exit, out } = await run(args);
      expect(exit).toBe(0);
      expect(out).toContain("tokens=20&token_delay_ms=50&cut_at=300");
      expect(out).toContain("  first_token_delay_ms=N");
    }
  });
});
