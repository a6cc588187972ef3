/**
 * What orchestrators and people ask: `/livez` (the process answers), `/readyz` (it takes requests),
 * `/health` (a summary with reasons), `/metrics`. None of them needs a credential and none tells one.
 * A provider's outage never makes the gateway unready, else one provider would empty a fleet.
 */
import { Elysia } from "elysia";
import type { Gateway } from "../gateway/gateway.ts";
import { healthDetail, livezDetail, metricsDetail, readyzDetail } from "./v1/operations.ts";

export function healthRoutes(gateway: Gateway, version: string) {
  return new Elysia({ name: "health" })
    .get("/livez", () => text("ok", 200), { detail: livezDetail })
    .get("/readyz", () => readyz(gateway), { detail: readyzDetail })
    .get("/health", () => Response.json(health(gateway, version)), { detail: healthDetail })
    .get("/metrics", () => metrics(gateway), { detail: metricsDetail });
}

function readyz(gateway: Gateway): Response {
  const problem = unreadyReason(gateway);
  return problem === null ? text("ok", 200) : text(problem, 503);
}

/** The one answer that readiness and admission share; null when requests are taken. */
function unreadyReason(gateway: Gateway): string | null {
  if (gateway.lifecycle.isDraining()) return "draining";
  if (gateway.shed.stage() === 3) return "overloaded";
  const store = gateway.store.health();
  return store.ok ? null : `store: ${store.detail}`;
}

function health(gateway: Gateway, version: string): object {
  const { store, directory, lifecycle, shed } = gateway;
  const storeHealth = store.health();
  const providers = [...directory.providers()].map(({ row }) => ({
    name: row.name,
    enabled: row.enabled,
    breaker: directory.providerHealth(row.id).breaker,
  }));
  return {
    status: unreadyReason(gateway) === null ? "ok" : "unavailable",
    version,
    draining: lifecycle.isDraining(),
    in_flight: lifecycle.inFlightCount(),
    shed_stage: shed.stage(),
    store: storeHealth.ok ? { status: "ok" } : { status: "failing", detail: storeHealth.detail },
    // Requests without a hard budget pass, so that a frozen ledger makes nobody unready.
    ledger_frozen: store.isFrozen(),
    ledger_queue: store.ledger.queued(),
    request_rows_dropped: store.requestLog.droppedCount(),
    providers,
  };
}

async function metrics({ metrics: collected }: Gateway): Promise<Response> {
  return new Response(await collected.render(), {
    headers: { "content-type": collected.contentType },
  });
}

function text(body: string, status: number): Response {
  return new Response(`${body}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}
