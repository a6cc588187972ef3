/**
 * What a provider's answer or failure means: may it be repeated and where, does it count against the
 * provider, can it have been billed, and may another kind of target do. One table, so that nobody decides
 * this twice. What a body says of the cause (src/dialects/catalogue.ts) goes before its status.
 */
import type { OutcomeKind } from "../../actors/provider-contract.ts";
import type { FailureRetry } from "../../actors/exchange-contract.ts";
import type { FailureKind } from "../dialects/failure-contract.ts";
import type { Fallbacks } from "./resolve.ts";

export type Classification = {
  /** Short word for the request row and the metrics. */
  readonly outcome: string;
  readonly kind: OutcomeKind;
  readonly retry: FailureRetry;
  /**
   * no: it was refused before any work, or never arrived. maybe: it may have generated, so the
   * attempt is posted as estimated and never free. No provider documents that a 5xx costs nothing
   * (2026-11), and proxies send one when they lose an answer that was already made; such an attempt is
   * charged its input, because no output can be seen.
   */
  readonly billed: "no" | "maybe";
  /** What the request was refused for, where a route may keep other candidates for it; else null. */
  readonly fallback: keyof Fallbacks | null;
};

type Row = readonly [
  kind: OutcomeKind,
  retry: FailureRetry,
  billed: Classification["billed"],
  fallback?: Classification["fallback"],
];

/**
 * By what the body says. never: the same request fails again wherever the same model is. other: this
 * credential or target answers so every time, and another one may not. A prompt that was filtered is
 * billed by Azure (its support says so of every 400 that was looked into, 2024-04), so it is never free.
 */
const BY_KIND: Readonly<Record<FailureKind, Row>> = {
  context_too_long: ["neutral", "never", "no", "context_window"],
  content_filtered: ["neutral", "never", "maybe", "content_filter"],
  invalid_request: ["neutral", "never", "no"],
  request_too_large: ["neutral", "never", "no"],
  over_account_limit: ["neutral", "other", "no"],
  model_unknown: ["neutral", "other", "no"],
  not_permitted: ["neutral", "other", "no"],
  credential_refused: ["refused_credential", "other", "no"],
  credit_exhausted: ["exhausted", "other", "no"],
  throttled: ["throttled", "elsewhere", "no"],
  overloaded: ["throttled", "elsewhere", "no"],
  server_error: ["bad", "elsewhere", "maybe"],
};

/** By status, where it differs from its class. */
const BY_STATUS: Readonly<Record<number, Row>> = {
  // Our credential or account there is at fault: another provider may do, this one will not.
  401: BY_KIND.credential_refused,
  402: BY_KIND.credit_exhausted,
  403: BY_KIND.not_permitted,
  // The provider does not know the model; another target of the route may.
  404: BY_KIND.model_unknown,
  408: ["bad", "elsewhere", "maybe"],
  409: ["neutral", "same", "no"],
  425: ["neutral", "same", "no"],
  429: BY_KIND.throttled,
  // The client of somebody in between left, which may have been after the work (nginx).
  499: ["neutral", "never", "maybe"],
  501: ["neutral", "other", "no"],
  // Anthropic-style overload, also sent by compatible servers.
  529: BY_KIND.overloaded,
};

/**
 * An answer that is not 2xx. Deterministic client errors come back verbatim and are never repeated. The
 * outcome is the status, unless the body says something else than the status does.
 */
export function classifyRefusal(status: number, kind: FailureKind | null): Classification {
  const byStatus = rowOfStatus(status);
  const byBody = kind === null ? byStatus : BY_KIND[kind];
  const isTold = kind !== null && byBody.some((part, index) => part !== byStatus[index]);
  return isTold ? named(kind, byBody) : named(`status_${status}`, byStatus);
}

/** An error without a status, within an answer that was 200: work may have begun. */
export function classifyWithin(kind: FailureKind | null): Classification {
  if (kind === null || kind === "server_error") return classifyBroken("error_event");
  const told = named(kind, BY_KIND[kind]);
  return kind === "overloaded" ? { ...told, billed: "maybe" } : told;
}

/** The status that a deterministic refusal would have had; null where the failure is nobody's request. */
export function impliedStatus(kind: FailureKind | null): number | null {
  switch (kind) {
    case "context_too_long":
    case "content_filtered":
    case "invalid_request":
      return 400;
    case "request_too_large":
      return 413;
    default:
      return null;
  }
}

function rowOfStatus(status: number): Row {
  const special = BY_STATUS[status];
  if (special !== undefined) return special;
  if (status >= 500) return BY_KIND.server_error;
  if (status >= 400) return BY_KIND.invalid_request;
  // A redirect or an informational status has no place here: following it would take our
  // credential to an address that no operator configured.
  return ["bad", "other", "no"];
}

function named(outcome: string, [kind, retry, billed, fallback = null]: Row): Classification {
  return { outcome, kind, retry, billed, fallback };
}

export type BrokenKind =
  | "connect"
  | "timeout_connect"
  | "address_refused"
  | "credential_refused"
  | "credential_unavailable"
  | "timeout_first_byte"
  | "timeout_first_token"
  | "timeout_idle"
  | "timeout_total"
  | "reset"
  | "cut"
  | "undecodable"
  | "error_event"
  | "too_large";

/** The clocks that give an attempt up, as clients are told of them. */
export type ClockName =
  | "connect"
  | "first_byte"
  | "first_token"
  | "idle"
  | "total"
  | "throughput"
  | "deadline";

const CLOCKS: Readonly<Record<string, ClockName>> = {
  timeout_connect: "connect",
  timeout_first_byte: "first_byte",
  timeout_first_token: "first_token",
  timeout_idle: "idle",
  timeout_total: "total",
  throughput_too_low: "throughput",
  deadline: "deadline",
};

/** The clock that an outcome is of; null: no clock's. */
export function clockOf(outcome: string): ClockName | null {
  return CLOCKS[outcome] ?? null;
}

/** A failure without a usable answer, before anything reached the client. */
export function classifyBroken(kind: BrokenKind): Classification {
  switch (kind) {
    case "connect":
    case "timeout_connect":
    case "address_refused":
    case "credential_unavailable":
      return named(kind, ["bad", "elsewhere", "no"]);
    case "credential_refused":
      return named(kind, BY_KIND.credential_refused);
    case "timeout_total":
    case "too_large":
      return named(kind, ["neutral", "never", "maybe"]);
    default:
      return named(kind, ["bad", "elsewhere", "maybe"]);
  }
}

/** What a provider does when it has too much to do: it says so, or lets us wait for a first sign. */
export function isCongestion({ kind, outcome }: Classification): boolean {
  return (
    kind === "throttled" || outcome === "timeout_first_byte" || outcome === "timeout_first_token"
  );
}
