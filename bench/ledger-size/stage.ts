/**
 * Two Tollgates with the same configuration and the same access token: one with a long history in
 * its database and one with none. Whatever is started here ends with the stack that is given.
 */
import { cp, mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../src/base/clock.ts";
import { chatEndpoint, chatRequest } from "../chat-request.ts";
import { plainExchange } from "../exchange.ts";
import { HttpClient } from "../http-client.ts";
import { Processes } from "../processes.ts";
import { QUICK, upstreamModel } from "../profile.ts";
import { createObject, setUpTollgate, type TollgateAdmin } from "../setup-tollgate.ts";
import { startTollgate } from "../subjects.ts";
import { startUpstream } from "../upstream/server.ts";
import { readAdmin } from "../admin-read.ts";

export type Surroundings = {
  readonly stack: AsyncDisposableStack;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** How long a start is measured before it counts as failed. */
const READY_MS_MAX = 600_000;

/** The database in a Tollgate's folder. */
export function databaseIn(folder: string): string {
  return join(folder, "data", "tollgate.db");
}

/** What both are configured with. */
export type Configured = {
  /** Folders with a data directory each, of which no Tollgate runs yet. */
  readonly emptyFolder: string;
  readonly historyFolder: string;
  readonly token: string;
  readonly model: string;
  readonly tokenId: string;
  readonly tenantId: string;
  /** Budgets of the tenant over a month and over all time. */
  readonly monthBudgetId: string;
  readonly totalBudgetId: string;
};

/** A Tollgate that runs. */
export type Stand = {
  readonly admin: TollgateAdmin;
  /** From the start of its process to its ready line. */
  readonly startMs: number;
  readonly stop: () => Promise<void>;
};

/** Starts Tollgate on the folder's data directory. */
export async function startStand(
  folder: string,
  { stack, clock, signal }: Surroundings,
): Promise<Stand> {
  // Each start has its own log: in that of an earlier one is a ready line already.
  const processes = new Processes(await mkdtemp(join(folder, "log-")), {
    readyWithinMs: READY_MS_MAX,
  });
  stack.defer(() => processes.stop());
  const startedAtMs = clock.monotonicMs();
  const { adminToken, running } = await startTollgate({ processes, folder, signal });
  const startMs = clock.monotonicMs() - startedAtMs;
  const admin = { gateway: running.url, adminToken, signal };
  return { admin, startMs, stop: () => processes.stop() };
}

/** Configures a fresh Tollgate, ends it, and copies its folder for the one with the history. */
export async function configureBoth(
  folder: string,
  surroundings: Surroundings,
): Promise<Configured> {
  const { stack, signal } = surroundings;
  const emptyFolder = join(folder, "empty");
  const historyFolder = join(folder, "history");
  await mkdir(emptyFolder);
  const upstream = await startUpstream();
  stack.defer(() => upstream.stop());
  const stand = await startStand(emptyFolder, surroundings);
  const { admin } = stand;
  const access = await setUpTollgate({
    ...admin,
    upstreamBase: `${upstream.url}/v1`,
    upstreamModel: (workload) => upstreamModel(QUICK, workload),
  });
  const { data } = (await readAdmin(admin, "tokens")) as {
    readonly data: readonly { readonly id: string; readonly tenant_id: string }[];
  };
  const [made] = data;
  if (made === undefined) throw new Error("the admin API lists no access token");
  const scope = { type: "tenant", id: made.tenant_id };
  const budget = { scope, amount_usd: "1000000.00", mode: "hard" };
  const month = await createObject(admin, "budgets", { ...budget, window: "month" });
  const total = await createObject(admin, "budgets", { ...budget, window: "total" });
  const model = access.model("plain");
  await chatOnce(admin, access.token, model, signal);
  await stand.stop();
  await cp(emptyFolder, historyFolder, { recursive: true });
  return {
    emptyFolder,
    historyFolder,
    token: access.token,
    model,
    tokenId: made.id,
    tenantId: made.tenant_id,
    monthBudgetId: month.id,
    totalBudgetId: total.id,
  };
}

/** The price of one exchange is then in the database, as the gateway itself wrote it. */
async function chatOnce(
  { gateway }: TollgateAdmin,
  token: string,
  model: string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const client = new HttpClient(gateway);
  const target = { endpoint: chatEndpoint(gateway), token };
  const failure = await plainExchange(
    client,
    chatRequest(target, { model, stream: false, tokensMax: 64 }),
  );
  client.close();
  if (failure !== undefined) throw new Error(`the first exchange failed: ${failure}`);
}
