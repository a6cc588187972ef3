#!/usr/bin/env bun
/** The program: server and command line. What it can do stands in src/cli/usage.ts. */
import { backup } from "./cli/commands/backup.ts";
import { bench } from "./cli/commands/bench.ts";
import { jobs } from "./cli/commands/jobs.ts";
import { ledger } from "./cli/commands/ledger.ts";
import { migrate } from "./cli/commands/migrate.ts";
import { prices } from "./cli/commands/prices.ts";
import { provider } from "./cli/commands/provider.ts";
import { serve } from "./cli/commands/serve.ts";
import { simulate } from "./cli/commands/simulator.ts";
import { runCli } from "./cli/program.ts";
import { endRequested } from "./cli/signals.ts";
import { processTerminal } from "./cli/terminal.ts";
import { takeProcessEnvironment } from "./config/environment.ts";

const environment = takeProcessEnvironment();
const terminal = processTerminal(environment["NO_COLOR"]);

const exitCode = await runCli(
  process.argv.slice(2),
  {
    serve: (config) => serve(config, terminal),
    migrate: (config) => migrate(config, terminal),
    prices: (config, asked) => prices(config, asked, terminal),
    provider: (config, asked, credential) =>
      provider(config, asked, terminal, { input: process.stdin, credential }),
    jobs: (config, asked) => jobs(config, asked, terminal),
    ledger: (config, asked) => ledger(config, asked, terminal),
    backup: (config, asked) => backup(config, asked, terminal),
    simulator: (options) => simulate(options, terminal, endRequested()),
    bench: (args) => bench(args, terminal),
  },
  { environment, cwd: process.cwd(), terminal },
);
process.exit(exitCode);
