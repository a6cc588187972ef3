/**
 * A real gateway for tests: a real store in a temporary directory, real actors, the real HTTP server
 * on a free port, and the scripted upstream as its provider. Nothing is a stand-in.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startUpstream, type Upstream } from "../../bench/upstream/server.ts";
import { hashAccessToken, newAccessToken, accessTokenHint } from "../../src/base/access-token.ts";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { newId, type IdKind } from "../../src/base/ids.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { systemRandom, type Random } from "../../src/base/random.ts";
import { assembleGateway, disassembleGateway } from "../../src/gateway/assemble.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import type { Load } from "../../src/gateway/load/shed.ts";
import { clientApi } from "../../src/http/v1/client-api.ts";
import { healthRoutes } from "../../src/http/health.ts";
import { listen, type RunningServer } from "../../src/http/listen.ts";
import { APP_OPTIONS } from "../../src/http/server.ts";
import type {
  BudgetRow,
  LimitRow,
  Noun,
  PriceRow,
  ProviderRow,
  RouteRow,
  Rows,
  Store,
  TenantRow,
  TokenRow,
} from "../../src/store/contract.ts";
import { openStore } from "../../src/store/open.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { Elysia } from "elysia";
import { CALM } from "./calm.ts";

const pepper = new Uint8Array(32).fill(7);

export type TestGateway = {
  readonly url: string;
  readonly port: number;
  readonly gateway: Gateway;
  readonly store: Store;
  readonly upstream: Upstream;
  /** Everything logged, one JSON line each. */
  readonly logLines: readonly string[];
  readonly dataDir: string;
  /** Writes a row to the store and tells the directory, as the admin use-cases do. */
  readonly put: <N extends Noun>(noun: N, row: Rows[N]) => Promise<Rows[N]>;
  readonly addTenant: (row?: Partial<TenantRow>) => Promise<TenantRow>;
  readonly addToken: (
    tenantId: string,
    row?: Partial<TokenRow>,
  ) => Promise<{ row: TokenRow; token: string }>;
  readonly addProvider: (row?: Partial<ProviderRow>) => Promise<ProviderRow>;
  readonly addRoute: (
    model: string,
    targets: RouteRow["targets"],
    row?: Partial<RouteRow>,
  ) => Promise<RouteRow>;
  readonly addPrice: (
    providerId: string,
    model: string,
    row?: Partial<PriceRow>,
  ) => Promise<PriceRow>;
  readonly addBudget: (
    row: Pick<BudgetRow, "scopeType" | "scopeId" | "tenantId"> & Partial<BudgetRow>,
  ) => Promise<BudgetRow>;
  readonly addLimit: (
    row: Pick<LimitRow, "scopeType" | "scopeId" | "tenantId"> & Partial<LimitRow>,
  ) => Promise<LimitRow>;
  /**
   * The same database in a new process, as far as that can be had in a test: everything in memory is
   * gone, the upstream stays. `whileDown` runs in between. This one must not be used any more.
   */
  readonly restart: (whileDown?: () => void) => Promise<TestGateway>;
  readonly stop: () => Promise<void>;
};

type Options = {
  readonly clock?: Clock;
  /** Chance that strategies draw and backoffs are spread by. */
  readonly random?: Random;
  /** How loaded the gateway takes itself to be; calm, because the machine that tests run on is not. */
  readonly load?: Load;
  /** Puts something between the gateway and the real store, such as a slow disk. */
  readonly between?: (store: Store) => Store;
  /** Opens credentials as they are kept; by default they are kept as they are. */
  readonly unseal?: (sealed: string) => string;
};

/** What outlives a restart. */
type World = { readonly dataDir: string; readonly upstream: Upstream };

export async function startTestGateway(options: Options = {}): Promise<TestGateway> {
  const dataDir = mkdtempSync(join(tmpdir(), "tollgate-test-"));
  return start(options, { dataDir, upstream: await startUpstream({ keepBodies: true }) });
}

async function start(options: Options, world: World): Promise<TestGateway> {
  const { dataDir, upstream } = world;
  const clock = options.clock ?? systemClock;
  const opened = await openStore({ dataDir, clock });
  const store = options.between?.(opened) ?? opened;
  const logLines: string[] = [];
  const log = createLog({
    level: "info",
    format: "json",
    colour: false,
    clock,
    sink: { write: (line) => void logLines.push(line) },
    secrets: [],
  });
  const gateway = await assembleGateway({
    clock,
    random: options.random ?? systemRandom,
    log,
    store,
    tokenPepper: pepper,
    unseal: options.unseal ?? ((sealed) => sealed),
    version: "test",
    spoolFolder: dataDir,
    load: options.load ?? CALM,
  });
  const app = new Elysia(APP_OPTIONS).use(clientApi(gateway)).use(healthRoutes(gateway, "test"));
  const server: RunningServer = listen(app, { hostname: "127.0.0.1", port: 0 });

  const put: TestGateway["put"] = async (noun, row) => {
    const written = await store.insert(noun, row);
    if (!written.ok) throw new Error(`${noun}: ${written.why}: ${written.detail}`);
    await gateway.directory.changed(noun, row.id, written.row);
    return written.row;
  };
  const base = (kind: IdKind): { id: string; version: number; createdAtMs: number } => ({
    id: newId(kind, systemRandom),
    version: 1,
    createdAtMs: clock.nowMs(),
  });
  const leave = async (): Promise<void> => {
    await server.stop(true);
    await disassembleGateway(gateway);
    await store.close();
  };
  return {
    url: server.url,
    port: server.port,
    gateway,
    store,
    upstream,
    logLines,
    dataDir,
    put,
    addTenant: (row = {}) =>
      put("tenants", {
        ...base("tenant"),
        name: "acme",
        status: "active",
        terms: {},
        metadata: {},
        ...row,
      }),
    addToken: async (tenantId, row = {}) => {
      const token = newAccessToken(systemRandom);
      const written = await put("tokens", {
        ...base("token"),
        tenantId,
        projectId: null,
        name: "token",
        hash: hashAccessToken(pepper, token),
        previousHash: null,
        previousUntilMs: null,
        hint: accessTokenHint(token),
        expiresAtMs: null,
        maxRequests: null,
        allowedModels: null,
        terms: {},
        metadata: {},
        revokedAtMs: null,
        requestCount: 0,
        lastUsedAtMs: null,
        ...row,
      });
      return { row: written, token };
    },
    addProvider: (row = {}) =>
      put("providers", {
        ...base("provider"),
        name: "upstream",
        dialect: "openai",
        baseUrl: `${upstream.url}/v1`,
        credentialSealed: "sk-upstream-credential",
        allowPrivateNetwork: true,
        timeoutsMs: {
          connect: LIMITS.connectMs,
          first_byte: LIMITS.firstByteMs,
          first_token: LIMITS.firstTokenMs,
          idle: LIMITS.idleMs,
          total: LIMITS.exchangeTotalMs,
        },
        maxConcurrent: null,
        onClientDisconnect: "abort",
        terms: {},
        enabled: true,
        simulated: false,
        ...row,
      }),
    addRoute: (model, targets, row = {}) =>
      put("routes", {
        ...base("route"),
        model,
        tenantId: null,
        strategy: "priority",
        targets,
        terms: {},
        ...row,
      }),
    addPrice: (providerId, model, row = {}) =>
      put("prices", {
        ...base("price"),
        providerId,
        model,
        inputPicoUsd: 0,
        outputPicoUsd: 1_000_000,
        cachedInputPicoUsd: null,
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
        outputTokensMax: null,
        effectiveAtMs: clock.nowMs(),
        ...row,
      }),
    addBudget: (row) =>
      put("budgets", {
        ...base("budget"),
        amountNanoUsd: null,
        window: "day",
        timeZone: "UTC",
        anchor: null,
        mode: "hard",
        onHoldReached: "finish_and_bill",
        alertThresholds: [],
        ...row,
      }),
    addLimit: (row) =>
      put("limits", {
        ...base("limit"),
        requestsPerMinute: null,
        tokensPerMinute: null,
        maxConcurrent: null,
        burst: null,
        ...row,
      }),
    restart: async (whileDown = () => undefined) => {
      await leave();
      whileDown();
      return start(options, world);
    },
    stop: async () => {
      await leave();
      await upstream.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
