/**
 * What every simulated run finds configured: two tenants with their projects and access tokens, two
 * providers, prices and routes, as a database file that is made once and copied for each run. Budgets
 * and limits are the plan's.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashAccessToken, newAccessToken } from "../../src/base/access-token.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Noun, Rows } from "../../src/store/contract.ts";
import { Dice } from "./dice.ts";
import { openStore } from "../../src/store/open.ts";
import type { ModelName, ProviderName, Rates } from "./oracle-types.ts";

export const PEPPER = new Uint8Array(32).fill(7);
const CREDENTIAL = "sk-upstream-credential";

const id = (prefix: string, number: number): string =>
  `${prefix}_${String(number).padStart(32, "0")}`;

export const TENANTS = [id("ten", 1), id("ten", 2)] as const;
const PROJECTS = [id("prj", 1), id("prj", 2)] as const;

/** The same access tokens in every run. */
function secretOf(number: number): string {
  const dice = new Dice(`secret ${number}`);
  return newAccessToken({
    unit: () => dice.unit(),
    below: (bound) => dice.int(0, bound - 1),
    bytes: (length) => Uint8Array.from({ length }, () => dice.int(0, 255)),
    uuid: () => "",
  });
}

/** Who an access token belongs to. */
export type Resident = {
  readonly tokenId: string;
  readonly projectId: string | null;
  readonly tenantId: string;
  readonly secret: string;
  readonly requestsMax: number | null;
};

const resident = (
  number: number,
  tenantId: string,
  projectId: string | null,
  requestsMax: number | null = null,
): Resident => ({
  tokenId: id("tok", number),
  tenantId,
  projectId,
  secret: secretOf(number),
  requestsMax,
});

export const RESIDENTS: readonly Resident[] = [
  resident(1, TENANTS[0], PROJECTS[0]),
  resident(2, TENANTS[0], PROJECTS[0]),
  resident(3, TENANTS[0], null),
  resident(4, TENANTS[1], PROJECTS[1]),
  resident(5, TENANTS[1], null),
  resident(6, TENANTS[1], null, 12),
];

/** Words that clients have for those they ask for. */
export const END_USERS = ["ada", "bob", "eve"] as const;

export const PROVIDERS: Readonly<Record<ProviderName, string>> = {
  near: id("prv", 1),
  far: id("prv", 2),
};

export const RATES: Readonly<Record<ModelName, Rates>> = {
  fast: { inputPicoUsd: 150_000, outputPicoUsd: 600_000, cachedPicoUsd: 75_000, outputMax: 400 },
  safe: { inputPicoUsd: 333_333, outputPicoUsd: 1_234_567, cachedPicoUsd: null, outputMax: 300 },
  wide: { inputPicoUsd: 50_000, outputPicoUsd: 200_000, cachedPicoUsd: null, outputMax: null },
};

export const ROUTE_IDS: Readonly<Record<string, string>> = {
  quick: id("rte", 1),
  sure: id("rte", 2),
  open: id("rte", 3),
  eager: id("rte", 4),
};

const SOLD_BY: Readonly<Record<ModelName, ProviderName>> = {
  fast: "near",
  safe: "far",
  wide: "far",
};

/** Public names and who serves them, in order. */
const ROUTES: Readonly<Record<string, readonly ModelName[]>> = {
  quick: ["fast"],
  sure: ["fast", "safe"],
  open: ["wide"],
  eager: ["fast", "safe"],
};

/** Routes that begin a second attempt soon, and go on with streams that break off. */
const TERMS: Readonly<Record<string, Rows["routes"]["terms"]>> = {
  eager: {
    hedge: { percentile: 50, delayMsMin: 20, percentMax: 100 },
    retries: { continueStreams: true },
  },
};

export type ProviderHabits = {
  readonly onClientDisconnect: "abort" | "drain";
  readonly maxConcurrent: number | null;
};

const CLOCKS = {
  connect: 1_000,
  first_byte: 2_000,
  first_token: 2_000,
  idle: 2_000,
  total: 10_000,
};

let file: Promise<Uint8Array> | null = null;

/** The bytes of the database file; made with the real store, before any time is simulated. */
export function townFile(): Promise<Uint8Array> {
  file ??= buildTown();
  return file;
}

async function buildTown(): Promise<Uint8Array> {
  const dataDir = mkdtempSync(join(tmpdir(), "tollgate-town-"));
  try {
    const store = await openStore({ dataDir, clock: systemClock });
    const put = async <N extends Noun>(noun: N, row: Rows[N]): Promise<void> => {
      const written = await store.insert(noun, row);
      if (!written.ok) throw new Error(`${noun}: ${written.why}: ${written.detail}`);
    };
    const base = { version: 1, createdAtMs: 0, metadata: {} };
    for (const [index, tenantId] of TENANTS.entries()) {
      await put("tenants", {
        ...base,
        id: tenantId,
        name: `t${index}`,
        status: "active",
        terms: {},
      });
      await put("projects", { ...base, id: PROJECTS[index] ?? "", tenantId, name: `p${index}` });
    }
    for (const one of RESIDENTS) await put("tokens", { ...base, ...tokenRow(one) });
    for (const name of ["near", "far"] as const) await put("providers", providerRow(name));
    await putModels(put);
    await store.close();
    return readFileSync(join(dataDir, "tollgate.db"));
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export const PRICE_IDS: Readonly<Record<ModelName, string>> = {
  fast: id("prc", 1),
  safe: id("prc", 2),
  wide: id("prc", 3),
};

async function putModels(
  put: <N extends Noun>(noun: N, row: Rows[N]) => Promise<void>,
): Promise<void> {
  const base = { version: 1, createdAtMs: 0 };
  for (const model of ["fast", "safe", "wide"] as const) {
    const { inputPicoUsd, outputPicoUsd, cachedPicoUsd, outputMax } = RATES[model];
    await put("prices", {
      ...base,
      id: PRICE_IDS[model],
      providerId: PROVIDERS[SOLD_BY[model]],
      model,
      inputPicoUsd,
      outputPicoUsd,
      cachedInputPicoUsd: cachedPicoUsd,
      cacheWritePicoUsd: null,
      cacheWrite1hPicoUsd: null,
      reasoningPicoUsd: null,
      audioInputPicoUsd: null,
      audioOutputPicoUsd: null,
      imageInputPicoUsd: null,
      imageOutputPicoUsd: null,
      imagePicoUsd: null,
      audioSecondPicoUsd: null,
      characterPicoUsd: null,
      searchUnitPicoUsd: null,
      requestPicoUsd: null,
      toolCallPicoUsd: null,
      tiers: null,
      batchPermille: null,
      contextTokensMax: null,
      outputTokensMax: outputMax,
      effectiveAtMs: 0,
    });
  }
  for (const [model, served] of Object.entries(ROUTES)) {
    const targets = served.map((upstreamModel, priority) => ({
      providerId: PROVIDERS[SOLD_BY[upstreamModel]],
      model: upstreamModel,
      weight: 1,
      priority,
      ...(model in TERMS ? { continues: "prefix" as const } : {}),
    }));
    const strategy = "priority";
    await put("routes", {
      ...base,
      id: ROUTE_IDS[model] ?? "",
      model,
      tenantId: null,
      strategy,
      targets,
      terms: TERMS[model] ?? {},
    });
  }
}

function tokenRow(one: Resident): Omit<Rows["tokens"], "version" | "createdAtMs"> {
  return {
    id: one.tokenId,
    tenantId: one.tenantId,
    projectId: one.projectId,
    name: one.tokenId,
    hash: hashAccessToken(PEPPER, one.secret),
    previousHash: null,
    previousUntilMs: null,
    hint: "hint",
    expiresAtMs: null,
    maxRequests: one.requestsMax,
    allowedModels: null,
    terms: {},
    metadata: {},
    revokedAtMs: null,
    requestCount: 0,
    lastUsedAtMs: null,
  };
}

function providerRow(name: ProviderName): Rows["providers"] {
  return {
    id: PROVIDERS[name],
    version: 1,
    createdAtMs: 0,
    name,
    dialect: "openai",
    baseUrl: `http://${name}.sim/v1`,
    credentialSealed: CREDENTIAL,
    allowPrivateNetwork: true,
    timeoutsMs: CLOCKS,
    maxConcurrent: null,
    onClientDisconnect: "abort",
    terms: {},
    enabled: true,
    simulated: false,
  };
}
