/**
 * Phase 6, record: one request row, one log line and the metrics for every exchange, through one exit
 * for success, refusal and failure. It never waits and never throws.
 */
import type { RequestRecord } from "../store/contract.ts";
import { addUsage } from "../dialects/usage-counts.ts";
import { notesForRow } from "./attempt-notes.ts";
import { NO_USAGE, type Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";

/** The exchange as the request log keeps it. */
export function requestRow({ clock }: Pick<Gateway, "clock">, exchange: Exchange): RequestRecord {
  const latencyMs = clock.monotonicMs() - exchange.startedMonotonicMs;
  const usage = exchange.attempts.reduce((sum, attempt) => addUsage(sum, attempt.usage), NO_USAGE);
  const costNanoUsd = exchange.attempts.reduce((sum, { costNanoUsd: cost }) => sum + cost, 0);
  const { principal, request, served } = exchange;
  return {
    id: exchange.id,
    createdAtMs: exchange.createdAtMs,
    tenantId: principal?.scopes.tenantId ?? null,
    projectId: principal?.scopes.projectId ?? null,
    tokenId: principal?.scopes.tokenId ?? null,
    endUserId: principal?.scopes.endUserId ?? null,
    // An object may be of no model.
    route: request === null || request.model === "" ? null : request.model,
    provider: served?.provider ?? null,
    model: served?.model ?? null,
    status: exchange.status,
    errorCode: exchange.errorCode,
    stream: request?.stream ?? false,
    ...usage,
    costNanoUsd,
    estimated: exchange.attempts.some(({ estimated }) => estimated),
    attemptCount: exchange.attemptCount,
    latencyMs: Math.round(latencyMs),
    firstTokenMs: exchange.firstTokenMs === null ? null : Math.round(exchange.firstTokenMs),
    clientGone: exchange.clientGone || exchange.share?.hasClientLeft === true,
    refusal: exchange.refusal,
    attemptNotes: notesForRow(exchange),
    answeredBy: exchange.answeredBy,
  };
}

export function record(gateway: Gateway, exchange: Exchange): void {
  const { clock, log, metrics, store } = gateway;
  const latencyMs = clock.monotonicMs() - exchange.startedMonotonicMs;
  const row = requestRow(gateway, exchange);
  store.requestLog.record(row);
  const upstreamMs = exchange.attempts.reduce((sum, attempt) => sum + attempt.latencyMs, 0);
  metrics.exchangeEnded({
    route: row.route,
    provider: row.provider,
    model: row.model,
    status: row.status,
    errorCode: exchange.errorCode,
    stream: row.stream,
    durationMs: latencyMs,
    firstTokenMs: exchange.firstTokenMs,
    overheadMs: Math.max(0, latencyMs - upstreamMs),
  });
  // What went well stands in the request log; a line for each would cost more than it tells.
  // Those that were shed are counted by class: a line for each would be load on top of load.
  const isQuiet = row.status < 400 || row.errorCode === "gateway_overloaded";
  const say = isQuiet ? log.debug : row.status >= 500 ? log.warn : log.info;
  say("exchange", {
    requestId: row.id,
    tenantId: row.tenantId,
    tokenId: row.tokenId,
    route: row.route,
    provider: row.provider,
    model: row.model,
    status: row.status,
    errorCode: row.errorCode,
    attempts: row.attemptCount,
    inputTokens: row.inputTokens,
    outputTokens: row.outputTokens,
    costNanoUsd: row.costNanoUsd,
    latencyMs: row.latencyMs,
    clientGone: row.clientGone,
  });
}
