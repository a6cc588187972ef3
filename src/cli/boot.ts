/**
 * From a configuration to a listening server, in reading order: keys, store, gateway, simulated
 * provider, demo, port. What was taken is given back in the opposite order by `close`.
 */
import { join } from "node:path";
import { startUpstream, type Upstream } from "../../bench/upstream/server.ts";
import { createAdmin, type Admin } from "../admin/admin.ts";
import { ensureAdminToken } from "../admin/admin-token.ts";
import { unsealCredential } from "../admin/credential.ts";
import { isKeyOfDatabase } from "../admin/encryption-check.ts";
import { sleep, systemClock } from "../base/clock.ts";
import { GatewayError } from "../base/error.ts";
import { assertLimits, LIMITS } from "../base/limits.ts";
import { systemRandom } from "../base/random.ts";
import { deriveKey } from "../base/seal.ts";
import type { Config } from "../config/config.ts";
import { KEY_FILE, loadKeys } from "../config/keys.ts";
import { variableOf } from "../config/settings.ts";
import { systemReason } from "../config/system-reason.ts";
import { assembleGateway, disassembleGateway } from "../gateway/assemble.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { listen, type RunningServer, tryPort } from "../http/listen.ts";
import { createApp } from "../http/server.ts";
import type { Store } from "../store/contract.ts";
import { openStore } from "../store/open.ts";
import type { Log } from "../telemetry/log.ts";
import { createDemo, isDemoDue, SIMULATED_PROVIDER, type Demo } from "./demo.ts";
import { VERSION } from "./version.ts";

export type Running = {
  readonly server: RunningServer;
  readonly gateway: Gateway;
  /** What this start created for a newcomer; null when it created nothing. */
  readonly demo: Demo | null;
  /** Stops listening, settles and flushes what is left, and closes the store. */
  readonly close: () => Promise<void>;
};

export type Boot =
  | { readonly ok: true; readonly running: Running }
  /** One sentence that says what is wrong and what would help. */
  | { readonly ok: false; readonly problem: string };

/** `showAdminToken` is called when this start makes one, before it is kept. */
export async function boot(
  config: Config,
  log: Log,
  showAdminToken: (text: string) => void,
): Promise<Boot> {
  assertLimits();
  const keys = loadKeys(config, systemRandom);
  if (!keys.ok) return keys;
  let store: Store | null = null;
  try {
    store = await openStore({ dataDir: config.dataDir, clock: systemClock, log: storeLog(log) });
    const started = await start(config, log, store, keys.encryptionKey, showAdminToken);
    if (!started.ok) await store.close();
    return started;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    await store?.close();
    // The store's calls put what operators need to know into the cause; clients read the message.
    return { ok: false, problem: typeof error.cause === "string" ? error.cause : error.message };
  }
}

async function start(
  config: Config,
  log: Log,
  store: Store,
  encryptionKey: Uint8Array,
  showAdminToken: (text: string) => void,
): Promise<Boot> {
  const tokenPepper = deriveKey(encryptionKey, "access-token-pepper");
  const credentialKey = deriveKey(encryptionKey, "credential");
  const [clock, random] = [systemClock, systemRandom];
  if (!(await isKeyOfDatabase({ store, random, key: credentialKey }))) {
    return { ok: false, problem: keyProblem(config) };
  }
  const address = { hostname: config.host, port: config.port };
  try {
    // Before anything is made that is shown once: a start that fails would have shown it to nobody.
    tryPort(address);
  } catch (error) {
    return { ok: false, problem: portProblem(config, error) };
  }
  const adminToken = await ensureAdminToken({
    store,
    random,
    key: deriveKey(encryptionKey, "admin-token"),
    given: config.adminToken,
    show: showAdminToken,
  });
  const gateway = await assembleGateway({
    clock,
    random,
    log,
    store,
    tokenPepper,
    unseal: (sealed, providerId) => unsealCredential(credentialKey, providerId, sealed),
    version: VERSION,
    spoolFolder: config.dataDir,
  });
  const { directory, jobs } = gateway;
  const deps = { store, directory, jobs, clock, random, tokenPepper, credentialKey };
  const admin = createAdmin(deps);
  const wantsDemo = await isDemoDue(config, store);
  const simulated = await placeSimulated(gateway, admin, wantsDemo);
  const demo = wantsDemo ? await createDemo(admin) : null;
  const app = createApp({ gateway, admin, adminToken, version: VERSION });
  const letGo = async (): Promise<void> => {
    await disassembleGateway(gateway);
    await simulated?.stop();
  };
  try {
    const server = listen(app, address);
    const close = async (): Promise<void> => {
      await stopServing(server);
      await letGo();
      await store.close();
    };
    return { ok: true, running: { server, gateway, demo, close } };
  } catch (error) {
    await letGo();
    return { ok: false, problem: portProblem(config, error) };
  }
}

/** What was settled may still be on its way to its client; who reads no further is cut off in the end. */
async function stopServing(server: RunningServer): Promise<void> {
  const patience = new AbortController();
  const isOver = sleep(systemClock, LIMITS.lastBytesMs, patience.signal);
  await Promise.race([server.stop(false), isOver]);
  patience.abort();
  await server.stop(true);
}

/**
 * The built-in simulated provider listens on a port of its own, a new one at each start, and only
 * where somebody has it.
 */
async function placeSimulated(
  gateway: Gateway,
  admin: Admin,
  wanted: boolean,
): Promise<Upstream | null> {
  const isThere = [...gateway.directory.providers()].some(({ row }) => row.simulated);
  if (!isThere && !wanted) return null;
  const upstream = await startUpstream();
  const placed = await admin.providers.placeSimulated(SIMULATED_PROVIDER, `${upstream.url}/v1`);
  if (!placed.allowed) gateway.log.error("simulated.provider.unplaced", { ...placed.refusal });
  return upstream;
}

function keyProblem({ dataDir }: Config): string {
  const places = `${variableOf("encryption_key")} or ${join(dataDir, KEY_FILE)}`;
  return `the encryption key is not the one that the database in ${dataDir} was made with; put that one back into ${places}`;
}

function portProblem({ host, port }: Config, error: unknown): string {
  return `cannot listen on ${host}:${port}: ${systemReason(error)}; choose another with --host or --port`;
}

function storeLog(log: Log): NonNullable<Parameters<typeof openStore>[0]["log"]> {
  return (level, message, fields) => log[level](message, fields);
}
