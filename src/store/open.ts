/**
 * Opens the store: locks the data directory, starts the writer thread, and dresses the writer as
 * the contract wants it. After this returned, the event loop never touches the disk.
 */
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { NanoUsd } from "../base/units.ts";
import type {
  Configuration,
  Noun,
  Page,
  Rows,
  Store,
  OwnerLedgerState,
  Written,
} from "./contract.ts";
import type { RequestDetail, UsageRow } from "./history-contract.ts";
import type { AlertRow, LearnedRow, LedgerState, UnpricedModel } from "./money-contract.ts";
import { pageFrom } from "./cursor.ts";
import { ThreadLink, type Link, type LinkEvents } from "./link.ts";
import { lockDirectory } from "./lock.ts";
import type { KnownJob } from "./jobs-contract.ts";
import type { ObjectRow } from "./objects-contract.ts";
import type { Calls } from "./protocol.ts";
import type { StoreLog } from "./store-log.ts";
import { Writer } from "./writer.ts";

/** In the data directory. */
export const DATABASE_FILE = "tollgate.db";

export type StoreOptions = {
  /** Created when it is missing; holds `tollgate.db` and what belongs to it. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log?: StoreLog;
  /** Another script for the writer thread, so that a test can make it die. */
  readonly threadUrl?: string;
  /** Another way to the database than a thread of its own: the simulator runs in one thread. */
  readonly connect?: (events: LinkEvents) => Link;
};

/**
 * Opens, migrates and recovers. Rejects with GatewayError `ledger_unavailable` whose message names
 * the directory or file and says what is wrong with it and what would help.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dataDir, clock, log = () => undefined } = options;
  const lock = lockDirectory(dataDir);
  const threadUrl = options.threadUrl ?? new URL("./thread.ts", import.meta.url).href;
  const writer = new Writer({
    clock,
    log,
    file: join(dataDir, DATABASE_FILE),
    connect: options.connect ?? ((events) => new ThreadLink(threadUrl, events)),
  });
  try {
    const recovery = await writer.open(true);
    if (recovery.expired > 0) log("warn", "store.recovered", recovery);
    const calls = callsOf(writer);
    let { frozen } = await calls.ledgerState();
    if (frozen !== null) log("warn", "store.frozen", frozen);
    return {
      ...calls,
      recovery,
      isFrozen: () => frozen !== null,
      acceptLedger: async () => {
        const state = (await writer.call("acceptLedger")) as LedgerState;
        ({ frozen } = state);
        return state;
      },
      ledger: {
        hold: (record) => writer.hold(record),
        post: (record) => writer.post(record),
        queued: () => writer.queued,
        waitingHolds: () => writer.waitingHolds,
      },
      requestLog: {
        record: (row) => writer.record(row),
        droppedCount: () => writer.droppedRows,
      },
      health: () => writer.health(),
      flush: () => writer.flush(),
      close: () => writer.close().finally(() => lock.release()),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

type StoreCalls = Omit<
  Store,
  "ledger" | "requestLog" | "health" | "recovery" | "isFrozen" | "acceptLedger" | "flush" | "close"
>;

/** Gives the answers of the thread the types that the text between the threads cannot carry. */
function callsOf(writer: Writer): StoreCalls {
  return {
    configuration: () => writer.call("configuration") as Promise<Configuration>,
    insert: <N extends Noun>(noun: N, row: Rows[N]) =>
      writer.call("insert", noun, row) as Promise<Written<Rows[N]>>,
    get: <N extends Noun>(noun: N, id: string) =>
      writer.call("get", noun, id) as Promise<Rows[N] | null>,
    names: async (noun, ids) =>
      new Map((await writer.call("names", noun, ids)) as ReturnType<Calls["names"]>),
    page: async <N extends Noun>(
      noun: N,
      where: Partial<Rows[N]>,
      query: Parameters<Store["page"]>[2],
    ) => (await writer.call("page", noun, where, pageFrom(query))) as Page<Rows[N]>,
    update: <N extends Noun>(
      noun: N,
      id: string,
      change: Partial<Omit<Rows[N], "id" | "version" | "createdAtMs">>,
      ifVersion: number | null,
    ) => writer.call("update", noun, id, change, ifVersion) as Promise<Written<Rows[N]>>,
    remove: <N extends Noun>(noun: N, id: string) =>
      writer.call("remove", noun, id) as Promise<Written<Rows[N]>>,
    ownerState: (owner, windows) =>
      writer.call("ownerState", owner, windows) as Promise<OwnerLedgerState>,
    windowSums: (windows) => writer.call("windowSums", windows) as Promise<readonly NanoUsd[]>,
    recordAlert: (alert) => writer.call("recordAlert", alert) as Promise<boolean>,
    alertPage: async (filter, query) =>
      (await writer.call("alertPage", filter, pageFrom(query))) as Page<AlertRow>,
    countUnpriced: async (count) => {
      await writer.call("countUnpriced", count);
    },
    unpricedModels: () => writer.call("unpricedModels") as Promise<readonly UnpricedModel[]>,
    saveLearned: async (rows) => {
      await writer.call("saveLearned", rows);
    },
    learned: () => writer.call("learned") as Promise<readonly LearnedRow[]>,
    stepKeys: (steps) => writer.call("stepKeys", steps) as Promise<ReturnType<Calls["stepKeys"]>>,
    expireKeys: (nowMs, rowsMax) => writer.call("expireKeys", nowMs, rowsMax) as Promise<number>,
    stepObjects: async (steps) => {
      await writer.call("stepObjects", steps);
    },
    findObjects: (tenantId, ids, nowMs) =>
      writer.call("findObjects", tenantId, ids, nowMs) as Promise<readonly ObjectRow[]>,
    listObjects: (query) => writer.call("listObjects", query) as Promise<readonly ObjectRow[]>,
    expireObjects: (nowMs, rowsMax) =>
      writer.call("expireObjects", nowMs, rowsMax) as Promise<number>,
    noteJob: async (job) => {
      await writer.call("noteJob", job);
    },
    endJob: (attemptId) => writer.call("endJob", attemptId) as Promise<boolean>,
    knownJobs: () => writer.call("knownJobs") as Promise<readonly KnownJob[]>,
    requestOfEnded: (attemptId) =>
      writer.call("requestOfEnded", attemptId) as Promise<string | null>,
    ledgerState: () => writer.call("ledgerState") as Promise<LedgerState>,
    requestPage: async (filter, query) =>
      (await writer.call("requestPage", filter, pageFrom(query))) as Page<
        NonNullable<RequestDetail["request"]>
      >,
    requestDetail: (requestId) =>
      writer.call("requestDetail", requestId) as Promise<RequestDetail | null>,
    usage: (query) => writer.call("usage", query) as Promise<readonly UsageRow[]>,
    setting: (name) => writer.call("setting", name) as Promise<string | null>,
    setSetting: async (name, value) => {
      await writer.call("setSetting", name, value);
    },
  };
}
