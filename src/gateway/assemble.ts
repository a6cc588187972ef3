/** Puts the gateway together: its parts know each other only through this. */
import { tmpdir } from "node:os";
import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { deriveKey } from "../base/seal.ts";
import type { ProviderRow, Store } from "../store/contract.ts";
import type { LiveReadings } from "../telemetry/live-gauges.ts";
import type { Log } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { BodyRoom } from "./load/body-room.ts";
import { createPresenter } from "./credentials/create-presenter.ts";
import { Drains } from "./drains.ts";
import { Hedges } from "./hedges.ts";
import { createDirectory } from "./directory.ts";
import type { Gateway } from "./gateway.ts";
import { jobReadings } from "./jobs/job-readings.ts";
import { Jobs } from "./jobs/jobs.ts";
import { lookAt } from "./jobs/look.ts";
import { settleJob } from "./jobs/settle-job.ts";
import { createLifecycle } from "./lifecycle.ts";
import { Objects } from "./objects/objects.ts";
import { createOrigins, type Origins } from "./origin.ts";
import { createLoad } from "./load/read-load.ts";
import { runShadow } from "./shadow/run-shadow.ts";
import { Shadows } from "./shadow/shadows.ts";
import { TenantShares } from "./load/tenant-shares.ts";
import { createShed, type Load } from "./load/shed.ts";
import { createSharing } from "./share/sharing.ts";
import { tenantBudgets, tenantKnows } from "../../actors/tenant.ts";
import { sendByFetch, type Send } from "./transport.ts";
import { createTokenCounter, type TokenCounter } from "./token-count/token-counter.ts";
import { Spools } from "./upload/spools.ts";
import { createWatchdog } from "./watchdog.ts";

export type GatewayParts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: Store;
  readonly tokenPepper: Uint8Array;
  /** A credential in plain text; throws for one that is damaged or of another provider. */
  readonly unseal: (sealed: string, providerId: string) => string;
  readonly version: string;
  /** Where large bodies lie while they are needed; the system's own place when it is not named. */
  readonly spoolFolder?: string;
  /** The network; the real one when it is not named. */
  readonly origins?: Origins;
  readonly send?: Send;
  /** How loaded the process is; what it really is when it is not named. */
  readonly load?: Load;
  /** The counting thread; a real one when it is not named. */
  readonly tokenCounter?: TokenCounter;
};

export async function assembleGateway(parts: GatewayParts): Promise<Gateway> {
  const { clock, random, log, store, tokenPepper, unseal, version } = parts;
  const metrics = createMetrics({
    clock,
    build: { version, bun: Bun.version },
    collect: () => readings(gateway),
  });
  const watchdog = createWatchdog(clock);
  const { origins = createOrigins(clock), send = sendByFetch } = parts;
  const present = (row: ProviderRow, credential: string) =>
    createPresenter({ clock, origins, send }, row, credential);
  const directory = await createDirectory({
    watchdog,
    store,
    clock,
    log,
    metrics,
    unseal,
    present,
  });
  const gateway: Gateway = {
    clock,
    random,
    log,
    metrics,
    store,
    directory,
    lifecycle: createLifecycle(clock, () => {
      for (const { gate } of directory.providers()) gate.drain();
    }),
    drains: new Drains(),
    bodyRoom: new BodyRoom(),
    spools: new Spools(parts.spoolFolder ?? tmpdir(), random),
    tenantShares: new TenantShares(),
    hedges: new Hedges(),
    shed: createShed({ clock, log, metrics, load: parts.load ?? createLoad(store) }),
    shadows: new Shadows({
      run: (mirrored, candidate) => runShadow(gateway, mirrored, candidate),
      isAllowed: () => mayShadow(gateway),
      draw: random.unit,
      nowMs: clock.nowMs,
      onSkipped: ({ provider }) => metrics.shadowEnded(provider.row.name, "skipped"),
    }),
    objects: new Objects({ clock, log, store }),
    jobs: new Jobs({
      clock,
      log,
      store,
      isAllowed: () => !gateway.lifecycle.isDraining() && store.health().ok,
      look: (job) => lookAt(gateway, job),
      settle: (job, end) => settleJob(gateway, job, end),
      onFound: ({ requestId, ...hold }) =>
        directory.owners.noteHeld({ ...hold, exchangeId: requestId }),
    }),
    sharing: createSharing({ clock, log, store, pepper: tokenPepper }),
    tokenCounter: parts.tokenCounter ?? createTokenCounter(clock, log),
    watchdog,
    origins,
    send,
    tokenPepper,
    credentialHashSecret: deriveKey(tokenPepper, "credential-hash"),
  };
  await gateway.jobs.load();
  return gateway;
}

/** Shadows are the first to go: nobody waits for them. */
function mayShadow({ lifecycle, shed, store }: Gateway): boolean {
  const isCalm = lifecycle.inFlightCount() * 2 < LIMITS.exchangesInFlightMax;
  return isCalm && !lifecycle.isDraining() && store.health().ok && shed.allows("shadow");
}

/** Stops every timer and actor, and writes what is still to be written; the store is its owner's to close. */
export async function disassembleGateway(gateway: Gateway): Promise<void> {
  gateway.shed.stop();
  gateway.watchdog.stop();
  gateway.jobs.stop();
  gateway.objects.stop();
  gateway.sharing.stop();
  gateway.tokenCounter.stop();
  gateway.metrics.stop();
  await gateway.directory.stop();
}

/** What actors and store know at the moment of a scrape; only of owners that are in memory. */
function readings({ clock, directory, jobs, shed, spools, store }: Gateway): LiveReadings {
  const nowMs = clock.nowMs();
  const budgets = [...directory.owners.loaded()].flatMap(([owner, handle]) => {
    // End users are as many as clients say: none of them is a label.
    if (owner.type === "end_user") return [];
    const tenant = owner.type === "tenant" ? owner.tenantId : "";
    // After the clock was set back it may not know this window; its next question builds it anew.
    if (!tenantKnows(handle, nowMs)) return [];
    return tenantBudgets(handle, nowMs).flatMap((state) => {
      const { budgetId, amountNanoUsd, postedNanoUsd, heldNanoUsd } = state;
      const row = directory.budget(budgetId);
      if (row === null) return [];
      const remainingNanoUsd =
        amountNanoUsd === null ? null : amountNanoUsd - postedNanoUsd - heldNanoUsd;
      const { scopeType } = row;
      return [
        { budget: budgetId, scopeType, tenant, postedNanoUsd, heldNanoUsd, remainingNanoUsd },
      ];
    });
  });
  const providers = [...directory.providers()];
  const gates = [...directory.providers()].map(({ row, gate }) => {
    const { waiting, slots } = gate.state();
    return { provider: row.name, waiting, slots };
  });
  return {
    budgets,
    gates,
    breakers: providers.map(({ row: { id, name: provider } }) => {
      return { provider, state: directory.providerHealth(id).breaker };
    }),
    lanes: providers.flatMap(({ row: { id, name: provider } }) =>
      directory
        .providerLanes(id)
        .map(({ id: lane, health }) => ({ provider, lane, state: health.breaker })),
    ),
    refused: providers.flatMap(({ row, commons }) =>
      Object.entries(commons.refused)
        .filter(([, count]) => count > 0)
        .map(([reason, count]) => ({ provider: row.name, reason, count })),
    ),
    jobs: jobReadings(directory, jobs.openJobs()),
    ledgerQueueDepth: store.ledger.queued(),
    ledgerOk: store.health().ok,
    ledgerFrozen: store.isFrozen(),
    shedStage: shed.stage(),
    spoolBytes: spools.takenBytes,
    requestRowsDropped: store.requestLog.droppedCount(),
  };
}
