/** An owner's money in two dresses: the actor itself, and the functions that its machine calls. */
import type { TenantInput, TenantVerdict } from "../../actors/contract.ts";
import { startTenant, type TenantQuestion } from "../../actors/tenant.ts";
import { admitExchange, holdAttempt } from "../../actors/tenant-admit.ts";
import { createTenantRecord } from "../../actors/tenant-build.ts";
import type { TenantRecord } from "../../actors/tenant-record.ts";
import { endExchange, settleAttempt, undoExchange } from "../../actors/tenant-resolve.ts";

/** What takes the operations: an actor, or the functions that its machine calls. */
export type Subject = {
  readonly ask: (question: TenantQuestion) => TenantVerdict;
  readonly settle: (attemptId: string, costNanoUsd: number, atMs: number) => void;
  readonly end: (exchangeId: string, atMs: number) => void;
  readonly undo: (exchangeId: string, atMs: number) => void;
  readonly record: () => TenantRecord;
};

export function bareFunctions(input: TenantInput): Subject {
  const record = createTenantRecord(input);
  return {
    ask: (question) =>
      question.type === "exchange.admit"
        ? admitExchange(record, question)
        : holdAttempt(record, question),
    settle: (attemptId, costNanoUsd, atMs) =>
      settleAttempt(record, {
        type: "attempt.settle",
        attemptId,
        costNanoUsd,
        observed: null,
        atMs,
      }),
    end: (exchangeId, atMs) =>
      endExchange(record, { type: "exchange.end", exchangeId, tokensUsed: 0, atMs }),
    undo: (exchangeId, atMs) => undoExchange(record, { type: "exchange.undo", exchangeId, atMs }),
    record: () => record,
  };
}

export function actor(input: TenantInput): Subject {
  const handle = startTenant(input, (error) => {
    throw error;
  });
  return {
    ask: handle.ask,
    settle: (attemptId, costNanoUsd, atMs) =>
      handle.send({ type: "attempt.settle", attemptId, costNanoUsd, observed: null, atMs }),
    end: (exchangeId, atMs) =>
      handle.send({ type: "exchange.end", exchangeId, tokensUsed: 0, atMs }),
    undo: (exchangeId, atMs) => handle.send({ type: "exchange.undo", exchangeId, atMs }),
    record: handle.record,
  };
}
