/** `bench ledger-size` as a command: makes the history, measures Tollgate on it, cleans up. */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { formatTime, systemClock } from "../../src/base/clock.ts";
import { verifyLedger } from "../../src/store/verify.ts";
import { describeMachine } from "../machine.ts";
import { resultsJson } from "../results.ts";
import { save } from "../save.ts";
import { type BenchIo, Progress } from "../terminal.ts";
import { evict } from "./cache.ts";
import { type Generated, generateHistory } from "./generate.ts";
import { measureChat } from "./measure-chat.ts";
import { measureReads, monthOf, readsOf } from "./measure-reads.ts";
import { LEDGER_SIZE_USAGE, type LedgerSizeOptions, parseLedgerSizeOptions } from "./options.ts";
import { ledgerSizeReport, type LedgerSizeResults, type StartTimes } from "./report.ts";
import {
  type Configured,
  configureBoth,
  databaseIn,
  type Stand,
  startStand,
  type Surroundings,
} from "./stage.ts";

/** 0 every goal was met, 1 one was missed, 2 wrong usage. */
type LedgerSizeExit = 0 | 1 | 2;

/** Estimates for the progress line alone. */
const MICROS_PER_EXCHANGE = 40;
const VERIFY_MICROS_PER_EXCHANGE = 60;
const CONFIGURE_MS = 2_000;
const START_MS = 3_000;
const READS_MS = 15_000;
const WAYS = 3;

/** What every step of a run is given. */
type Run = Surroundings & { readonly progress: Progress; readonly options: LedgerSizeOptions };

/** Runs what the arguments ask for until `signal` aborts; throws what made it impossible. */
export async function runLedgerSize(
  args: readonly string[],
  io: BenchIo,
  signal: AbortSignal,
): Promise<LedgerSizeExit> {
  const reading = parseLedgerSizeOptions(args);
  if (reading.kind === "help") {
    io.out(LEDGER_SIZE_USAGE);
    return 0;
  }
  if (reading.kind === "misuse") {
    io.err(`${reading.complaint}\nTry ledger-size --help.\n`);
    return 2;
  }
  const { options } = reading;
  await using stack = new AsyncDisposableStack();
  const folder = await folderFor(options.keepDir, stack);
  const progress = new Progress(io, systemClock, options.verify ? 6 : 5);
  stack.defer(() => progress.end());
  const results = await measure(folder, { stack, clock: systemClock, signal, progress, options });
  progress.end();
  io.out(ledgerSizeReport(results));
  if (options.jsonPath !== undefined) await save(options.jsonPath, resultsJson(results), io);
  return results.met ? 0 : 1;
}

/** A temporary folder that goes with the stack, or the one that was asked for. */
async function folderFor(keepDir: string | undefined, stack: AsyncDisposableStack) {
  if (keepDir === undefined) {
    const folder = await mkdtemp(join(tmpdir(), "tollgate-ledger-size-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }
  const folder = resolve(keepDir);
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty`);
  return folder;
}

async function measure(folder: string, run: Run): Promise<LedgerSizeResults> {
  const { progress, options, clock } = run;
  const { effort } = options;
  const startedAt = formatTime(clock.nowMs());
  progress.begin("configuring", CONFIGURE_MS);
  const configured = await configureBoth(folder, run);
  const generated = await generate(configured, run);
  if (options.verify) verify(configured, generated, run);
  const loadAverage = loadavg()[0] ?? 0;
  progress.begin("starting", START_MS);
  const { start, ...stands } = await startBoth(configured, run);
  progress.begin("reading", READS_MS);
  const stage = { stand: stands.history, folder: configured.historyFolder };
  const reads = await measureReads(readsOf(configured, generated), stage, {
    ...run,
    effort,
    note: progress.note,
  });
  progress.begin("chatting", WAYS * effort.chatRounds * effort.sliceMs);
  const readPaths = ["requests", `usage?${monthOf(generated)}&group_by=tenant`];
  const chats = await measureChat(stands, configured, { ...run, effort, readPaths });
  return {
    kind: "ledger_size",
    startedAt,
    machine: describeMachine(),
    loadAverage,
    generated,
    verified: options.verify,
    start,
    reads,
    chats,
    met: reads.every(({ met }) => met !== false),
  };
}

async function generate({ historyFolder }: Configured, run: Run): Promise<Generated> {
  const { progress, options, clock, signal } = run;
  const { rows: exchanges, accessTokens } = options;
  progress.begin("generating", (exchanges * MICROS_PER_EXCHANGE) / 1_000);
  const onProgress = (done: number): void => progress.note(shareText(done, exchanges));
  const context = { clock, signal, onProgress };
  return await generateHistory(databaseIn(historyFolder), { exchanges, accessTokens }, context);
}

/** Throws what is wrong with the generated ledger. */
function verify({ historyFolder }: Configured, { requests }: Generated, { progress }: Run): void {
  progress.begin("verifying", (requests * VERIFY_MICROS_PER_EXCHANGE) / 1_000);
  const onProgress = (done: number, total: number): void => progress.note(shareText(done, total));
  const { differenceCount, differences } = verifyLedger(databaseIn(historyFolder), { onProgress });
  if (differenceCount === 0) return;
  const [first] = differences;
  throw new Error(
    `the generated ledger has ${differenceCount} differences; first: ${first?.table} ${first?.row}: ${first?.what}`,
  );
}

function shareText(done: number, total: number): string {
  return `${Math.floor((100 * done) / total)} %`;
}

async function startBoth(
  { emptyFolder, historyFolder }: Configured,
  run: Run,
): Promise<{ readonly empty: Stand; readonly history: Stand; readonly start: StartTimes }> {
  const empty = await startStand(emptyFolder, run);
  let historyColdMs: number | undefined;
  if (evict(databaseIn(historyFolder))) {
    const cold = await startStand(historyFolder, run);
    historyColdMs = cold.startMs;
    await cold.stop();
  }
  const history = await startStand(historyFolder, run);
  const start = { emptyMs: empty.startMs, historyMs: history.startMs, historyColdMs };
  return { empty, history, start };
}
