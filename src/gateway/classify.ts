/**
 * What a provider's answer or failure means: may it be repeated and where, does it count against the
 * provider, and can it have been billed. One table, so that nobody decides this twice.
 */
import type { OutcomeKind } from "../../actors/provider-contract.ts";
import type { FailureRetry } from "../../actors/exchange-contract.ts";
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

function row(
  outcome: string,
  kind: OutcomeKind,
  retry: FailureRetry,
  billed: "no" | "maybe",
): Classification {
  return { outcome, kind, retry, billed, fallback: null };
}

/** By status, where it differs from its class. */
const BY_STATUS: Readonly<Record<number, Classification>> = {
  // Our credential or account there is at fault: another provider may do, this one will not.
  401: row("status_401", "neutral", "other", "no"),
  402: row("status_402", "neutral", "other", "no"),
  403: row("status_403", "neutral", "other", "no"),
  // The provider does not know the model; another target of the route may.
  404: row("status_404", "neutral", "other", "no"),
  408: row("status_408", "bad", "elsewhere", "maybe"),
  409: row("status_409", "neutral", "same", "no"),
  425: row("status_425", "neutral", "same", "no"),
  429: row("status_429", "throttled", "elsewhere", "no"),
  // The client of somebody in between left, which may have been after the work (nginx).
  499: row("status_499", "neutral", "never", "maybe"),
  // Anthropic-style overload, also sent by compatible servers.
  529: row("status_529", "throttled", "elsewhere", "no"),
  501: row("status_501", "neutral", "other", "no"),
};

/** A status that is not 2xx. Deterministic client errors come back verbatim and are never repeated. */
export function classifyStatus(status: number): Classification {
  const special = BY_STATUS[status];
  if (special !== undefined) return special;
  if (status >= 500) return row(`status_${status}`, "bad", "elsewhere", "maybe");
  if (status >= 400) return row(`status_${status}`, "neutral", "never", "no");
  // A redirect or an informational status has no place here: following it would take our
  // credential to an address that no operator configured.
  return row(`status_${status}`, "bad", "other", "no");
}

export type BrokenKind =
  | "connect"
  | "timeout_first_byte"
  | "timeout_idle"
  | "timeout_total"
  | "reset"
  | "cut"
  | "undecodable"
  | "error_event"
  | "too_large";

/** A failure without a usable answer, before anything reached the client. */
export function classifyBroken(kind: BrokenKind): Classification {
  switch (kind) {
    case "connect":
      return row(kind, "bad", "elsewhere", "no");
    case "timeout_total":
      return row(kind, "neutral", "never", "maybe");
    case "too_large":
      return row(kind, "neutral", "never", "maybe");
    default:
      return row(kind, "bad", "elsewhere", "maybe");
  }
}
