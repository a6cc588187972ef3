/**
 * Fills a database that Tollgate made and configured with a long history: more tenants, projects,
 * access tokens and routes around those that are there, and everything that they asked in the past.
 * It writes past the safety of the disk, so a run that is broken off leaves nothing of use.
 */
import { closeSync, fsyncSync, openSync, statSync } from "node:fs";
import {
  priceVersions,
  projects,
  providers,
  routes,
  tenants,
  tokens,
} from "../../drizzle/schema.ts";
import { type Clock, sleep, UTC_DAY_MS } from "../../src/base/clock.ts";
import { type Connection, openDatabase } from "../../src/store/database.ts";
import { prepareInsert } from "../../src/store/statements.ts";
import { type Asker, type HistoryPlan, type Offer, pastExchanges, pastId } from "./history.ts";
import { PastWriter, type Written } from "./past-writer.ts";

export type HistorySize = { readonly exchanges: number; readonly accessTokens: number };

/** What is in the database now, and some of it to ask for. */
export type Generated = Written & {
  readonly accessTokens: number;
  readonly days: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly bytes: number;
  readonly durationMs: number;
  /** The access token that was there before asked most of all, this one least. */
  readonly rareTokenId: string;
  /** From the middle of the history. */
  readonly requestId: string;
};

export type GenerateContext = {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
};

/** Days that a history goes back: a whole month is in it, wherever it begins. */
const DAYS = 45;
/** The last of it ends this long ago, so that none of it is later than now. */
const AGO_MS = 10 * 60_000;
/** Exchanges between two looks at the signal, and in a transaction. */
const STEP = 20_000;
const MODELS = 8;
/** Access tokens of one tenant and of one project. */
const TOKENS_PER_TENANT = 10;
const TOKENS_PER_PROJECT = 5;

/** `file` must be a database with an access token, a provider, a route and a price version. */
export async function generateHistory(
  file: string,
  size: HistorySize,
  { clock, signal, onProgress }: GenerateContext,
): Promise<Generated> {
  const beganMs = clock.monotonicMs();
  const endMs = clock.nowMs() - AGO_MS;
  const startMs = endMs - DAYS * UTC_DAY_MS;
  const connection = openDatabase(file);
  const { sqlite, orm } = connection;
  try {
    sqlite.exec("pragma journal_mode = off");
    sqlite.exec("pragma synchronous = off");
    sqlite.exec("pragma cache_size = -262144");
    const price = orm.select().from(priceVersions).get();
    if (price === undefined) throw new Error("the database has no price to make a history with");
    const plan = planOf(connection, size, { startMs, endMs });
    const writer = new PastWriter(connection, { version: price.seq, price: price.price });
    const middle = Math.floor(size.exchanges / 2);
    let done = 0;
    let requestId = "";
    sqlite.exec("begin");
    for (const exchange of pastExchanges(plan)) {
      writer.write(exchange);
      if (done === middle) ({ requestId } = exchange);
      done += 1;
      if (done % STEP !== 0) continue;
      writer.writeSums();
      sqlite.exec("commit");
      onProgress(done);
      await sleep(clock, 0);
      signal.throwIfAborted();
      sqlite.exec("begin");
    }
    writer.writeSums();
    sqlite.exec("commit");
    sqlite.exec("pragma journal_mode = wal");
    const accessTokens = plan.askers.length;
    const rareTokenId = plan.askers.at(-1)?.tokenId ?? "";
    const shape = { accessTokens, rareTokenId, requestId, days: DAYS, startMs, endMs };
    const { written } = writer;
    sqlite.close();
    syncFile(file);
    const durationMs = clock.monotonicMs() - beganMs;
    return { ...written, ...shape, bytes: statSync(file).size, durationMs };
  } finally {
    sqlite.close();
  }
}

/** Only what is on the disk can be taken out of the system's cache. */
function syncFile(file: string): void {
  const descriptor = openSync(file, "r+");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function planOf(
  connection: Connection,
  { exchanges, accessTokens }: HistorySize,
  { startMs, endMs }: Pick<HistoryPlan, "startMs" | "endMs">,
): HistoryPlan {
  const { sqlite } = connection;
  const plan = sqlite.transaction(() => ({
    exchanges,
    askers: addAskers(connection, accessTokens, startMs),
    offers: addOffers(connection, startMs),
    startMs,
    endMs,
  }));
  return plan.immediate();
}

/** The access token that is there, first, and as many more as are missing. */
function addAskers({ sqlite, orm }: Connection, count: number, createdAtMs: number): Asker[] {
  const addTenant = prepareInsert(sqlite, tenants);
  const addProject = prepareInsert(sqlite, projects);
  const addToken = prepareInsert(sqlite, tokens);
  const first = orm.select().from(tokens).get();
  if (first === undefined) throw new Error("the database has no access token");
  const askers: Asker[] = [
    { tenantId: first.tenantId, projectId: first.projectId, tokenId: first.id },
  ];
  let { tenantId } = first;
  let { projectId } = first;
  for (let number = 1; number < count; number += 1) {
    const versioned = { version: 1, createdAtMs, metadata: {} };
    if (number % TOKENS_PER_TENANT === 0) {
      tenantId = pastId("ten_", createdAtMs, number);
      addTenant({
        id: tenantId,
        name: `tenant ${number}`,
        status: "active",
        terms: {},
        ...versioned,
      });
    }
    if (number % TOKENS_PER_PROJECT === 0) {
      projectId = pastId("prj_", createdAtMs, number);
      addProject({ id: projectId, tenantId, name: `project ${number}`, ...versioned });
    }
    const id = pastId("tok_", createdAtMs, number);
    // Nobody has these access tokens, so any hash that is no other one's will do.
    const hash = new Bun.CryptoHasher("sha256").update(id).digest("hex");
    const shown = { name: `token ${number}`, hash, hint: "none" };
    addToken({ id, tenantId, projectId, ...shown, requestCount: 0, terms: {}, ...versioned });
    askers.push({ tenantId, projectId, tokenId: id });
  }
  return askers;
}

/** The provider that is there and two more that are switched off, and models at all of them. */
function addOffers({ sqlite, orm }: Connection, createdAtMs: number): Offer[] {
  const addProvider = prepareInsert(sqlite, providers);
  const addRoute = prepareInsert(sqlite, routes);
  const first = orm.select().from(providers).get();
  if (first === undefined) throw new Error("the database has no provider");
  const others = ["past-a", "past-b"].map((name, place) => {
    const id = pastId("prv_", createdAtMs, place);
    addProvider({ ...first, id, name, credentialSealed: null, enabled: false, createdAtMs });
    return { id, name };
  });
  const [second = first, third = first] = others;
  const all = [{ id: first.id, name: first.name }, second, third] as const;
  return Array.from({ length: MODELS }, (_, number) => {
    const model = `past-model-${number}`;
    const provider = all[number % all.length] ?? first;
    const standIn = all[(number + 1) % all.length] ?? first;
    const routeId = pastId("rte_", createdAtMs, number);
    const target = { providerId: provider.id, model, weight: 1, priority: 1 };
    const route = { model, tenantId: null, strategy: "priority", targets: [target] } as const;
    addRoute({ id: routeId, ...route, terms: {}, version: 1, createdAtMs });
    return { routeId, route: model, providers: [provider, standIn], model };
  });
}
