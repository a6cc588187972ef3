/**
 * Budgets that passed a threshold: taken from the actors that found it, stored, and told once. An
 * actor that is built anew finds the same again; the store knows each window's threshold once, and
 * only what is new to it is told.
 */
import type { BudgetAlert } from "../../actors/contract.ts";
import type { TenantHandle } from "../../actors/tenant.ts";
import { LIMITS } from "../base/limits.ts";
import type { Store } from "../store/contract.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";

export interface Alerts {
  /** Takes what an actor has found, and never waits. */
  readonly take: (handle: TenantHandle) => void;
  /** Tries again what the store could not take. */
  readonly retry: () => void;
}

export function createAlerts(parts: {
  readonly store: Store;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "budgetAlerted">;
}): Alerts {
  const { store, log, metrics } = parts;
  /** Those that the store has, oldest first. */
  const known = new Set<string>();
  const waiting = new Map<string, BudgetAlert>();

  const record = async (key: string, alert: BudgetAlert): Promise<void> => {
    const { scope, atMs, ...facts } = alert;
    const where = { scopeType: scope.type, scopeId: scope.id };
    try {
      const isNew = await store.recordAlert({ ...facts, ...where, createdAtMs: atMs });
      if (!isNew) return;
      metrics.budgetAlerted(scope.type);
      log.warn("budget.alert", { ...facts, ...where });
    } catch (error) {
      known.delete(key);
      if (waiting.size < LIMITS.alertsKnownMax) waiting.set(key, alert);
      log.error("budget.alert.unrecorded", { ...facts, ...where, error });
    }
  };
  const note = (alert: BudgetAlert): void => {
    const { budgetId, scope, windowStartMs, thresholdPpm } = alert;
    const key = [budgetId, scope.id, windowStartMs, thresholdPpm].join("\n");
    if (known.has(key)) return;
    known.add(key);
    if (known.size > LIMITS.alertsKnownMax) forgetOldest(known);
    void record(key, alert);
  };
  return {
    take: (handle) => {
      for (const alert of handle.takeAlerts()) note(alert);
    },
    retry: () => {
      const alerts = [...waiting.values()];
      waiting.clear();
      for (const alert of alerts) note(alert);
    },
  };
}

function forgetOldest(known: Set<string>): void {
  for (const key of known) {
    known.delete(key);
    return;
  }
}
