/** Puts the gateway together: its parts know each other only through this. */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { ProviderRow, Store } from "../store/contract.ts";
import type { LiveReadings } from "../telemetry/live-gauges.ts";
import type { Log } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { createDirectory } from "./directory.ts";
import type { Gateway } from "./gateway.ts";
import { createLifecycle } from "./lifecycle.ts";
import { createOrigins } from "./origin.ts";
import { tenantBudgets } from "../../actors/tenant.ts";
import { createWatchdog } from "./watchdog.ts";

export type GatewayParts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: Store;
  readonly tokenPepper: Uint8Array;
  readonly unseal: (row: ProviderRow) => string | null;
  readonly version: string;
};

export async function assembleGateway(parts: GatewayParts): Promise<Gateway> {
  const { clock, random, log, store, tokenPepper, unseal, version } = parts;
  const directory = await createDirectory({ store, clock, log, unseal });
  const metrics = createMetrics({
    clock,
    build: { version, bun: Bun.version },
    collect: () => readings(gateway),
  });
  const gateway: Gateway = {
    clock,
    random,
    log,
    metrics,
    store,
    directory,
    lifecycle: createLifecycle(clock),
    watchdog: createWatchdog(clock),
    origins: createOrigins(clock),
    tokenPepper,
  };
  return gateway;
}

/** Stops every timer and actor; the store is its owner's to close. */
export function disassembleGateway(gateway: Gateway): void {
  gateway.watchdog.stop();
  gateway.metrics.stop();
  gateway.directory.stop();
}

/** What actors and store know at the moment of a scrape; only of tenants that are in memory. */
function readings({ clock, directory, store }: Gateway): LiveReadings {
  const nowMs = clock.nowMs();
  const budgets = [...directory.tenants.loaded()].flatMap(([tenant, handle]) =>
    tenantBudgets(handle, nowMs).flatMap(({ budgetId, postedNanoUsd, heldNanoUsd }) => {
      const row = directory.budget(budgetId);
      if (row === null) return [];
      const amount = row.amountNanoUsd;
      const remainingNanoUsd = amount === null ? null : amount - postedNanoUsd - heldNanoUsd;
      const { scopeType } = row;
      return [
        { budget: budgetId, scopeType, tenant, postedNanoUsd, heldNanoUsd, remainingNanoUsd },
      ];
    }),
  );
  const breakers = [...directory.providers()].map(({ row }) => ({
    provider: row.name,
    state: directory.providerHealth(row.id).breaker,
  }));
  return {
    budgets,
    breakers,
    ledgerQueueDepth: store.ledger.queued(),
    ledgerOk: store.health().ok,
    requestRowsDropped: store.requestLog.droppedCount(),
  };
}
