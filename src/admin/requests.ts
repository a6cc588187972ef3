/** The request log, and for one request everything that is known: attempts, ledger, why refused. */
import { formatTime } from "../base/clock.ts";
import { formatUsd } from "../base/units.ts";
import type { RefusalReason } from "../base/verdict.ts";
import { parsePriceJson } from "../gateway/prices/price-json.ts";
import type { RequestRecord } from "../store/contract.ts";
import type {
  AttemptDetail,
  RequestDetail as StoredDetail,
  RequestFilter,
} from "../store/history-contract.ts";
import { type Page, pageQuery } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import { namesOf } from "./names.ts";
import { showAmounts } from "./price-amounts.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import { shownRef } from "./scope.ts";
import type {
  Attempt,
  LedgerEntry,
  LoggedRequest,
  RequestDetail,
  RequestsFilter,
} from "./shapes/request.ts";
import { readSpan } from "./span.ts";
import { named } from "./write.ts";

export interface Requests {
  /** Newest first. */
  readonly list: (filter: RequestsFilter) => Promise<AdminVerdict<Page<LoggedRequest>>>;
  readonly get: (id: string) => Promise<AdminVerdict<RequestDetail>>;
}

export function createRequests({ store }: AdminDeps): Requests {
  return {
    list: async (filter) => {
      const span = readSpan(filter);
      if (!span.allowed) return span;
      const { route, provider, model, status } = filter;
      const where = named<RequestFilter>({
        tenantId: filter.tenant_id,
        projectId: filter.project_id,
        tokenId: filter.token_id,
        endUserId: filter.end_user,
        route,
        provider,
        model,
        status,
        errorCode: filter.error_code,
        ...span.value,
      });
      const page = await store.requestPage(where, pageQuery(filter));
      return allow({ data: page.rows.map(showRow), next_cursor: page.nextCursor });
    },
    get: async (id) => {
      const detail = await store.requestDetail(id);
      if (detail === null) return refuse("not_found", `There is no request ${id}.`);
      const providerIds = detail.attempts.map(({ attempt }) => attempt.providerId);
      const names = await namesOf(store, "providers", providerIds);
      return allow(showDetail(id, detail, names));
    },
  };
}

function showRow(row: RequestRecord): LoggedRequest {
  return {
    id: row.id,
    created_at: formatTime(row.createdAtMs),
    tenant_id: row.tenantId,
    project_id: row.projectId,
    token_id: row.tokenId,
    end_user: row.endUserId,
    route: row.route,
    provider: row.provider,
    model: row.model,
    status: row.status,
    error_code: row.errorCode,
    stream: row.stream,
    input_tokens: row.inputTokens,
    output_tokens: row.outputTokens,
    cached_input_tokens: row.cachedInputTokens,
    reasoning_tokens: row.reasoningTokens,
    cost_usd: formatUsd(row.costNanoUsd),
    estimated: row.estimated,
    attempt_count: row.attemptCount,
    latency_ms: row.latencyMs,
    first_token_ms: row.firstTokenMs,
    client_gone: row.clientGone,
    tried:
      row.attemptNotes?.map(({ provider, model, outcome, status, latencyMs }) => {
        return { provider, model, outcome, status, latency_ms: latencyMs };
      }) ?? null,
    answered_by: row.answeredBy,
  };
}

type Details = NonNullable<AttemptDetail["postings"][number]["details"]>;
type Names = ReadonlyMap<string, string>;

function showDetail(id: string, detail: StoredDetail, names: Names): RequestDetail {
  const attempts = detail.attempts.map((made) => showAttempt(made, names));
  const { request } = detail;
  return {
    ...(request === null ? fromLedger(id, detail, attempts) : showRow(request)),
    logged: request !== null,
    attempts,
    ledger: detail.attempts.flatMap(ledgerOf).toSorted((a, b) => a.at.localeCompare(b.at)),
    refusal: request === null || request.refusal === null ? null : showRefusal(request.refusal),
  };
}

type RequestMembers = Omit<RequestDetail, "logged" | "attempts" | "ledger" | "refusal">;

/** What the ledger alone can say of a request whose row dropped. */
function fromLedger(
  id: string,
  detail: StoredDetail,
  attempts: readonly Attempt[],
): RequestMembers {
  const first = detail.attempts[0]?.attempt;
  const last = attempts.at(-1);
  const total = (pick: (attempt: Attempt) => number): number =>
    attempts.reduce((sum, attempt) => sum + pick(attempt), 0);
  return {
    id,
    created_at: formatTime(first?.heldAtMs ?? 0),
    tenant_id: first?.tenantId ?? null,
    project_id: first?.projectId ?? null,
    token_id: first?.tokenId ?? null,
    end_user: first?.endUserId ?? null,
    route: null,
    provider: last?.provider ?? null,
    model: last?.model ?? null,
    status: null,
    error_code: null,
    stream: null,
    input_tokens: total((attempt) => attempt.input_tokens),
    output_tokens: total((attempt) => attempt.output_tokens),
    cached_input_tokens: total((attempt) => attempt.cached_input_tokens),
    reasoning_tokens: total((attempt) => attempt.reasoning_tokens),
    cost_usd: formatUsd(detail.attempts.reduce((sum, made) => sum + costNanoUsd(made), 0)),
    estimated: attempts.some((attempt) => attempt.estimated),
    attempt_count: attempts.length,
    latency_ms: null,
    first_token_ms: null,
    client_gone: null,
    tried: null,
    answered_by: null,
  };
}

function showAttempt(made: AttemptDetail, names: Names): Attempt {
  const { attempt, postings } = made;
  const terminal = postings.find((posting) => posting.kind !== "correct");
  return {
    id: attempt.id,
    number: attempt.number,
    provider_id: attempt.providerId,
    provider: names.get(attempt.providerId) ?? attempt.providerId,
    model: attempt.model,
    held_usd: formatUsd(attempt.heldNanoUsd),
    held_at: formatTime(attempt.heldAtMs),
    outcome: terminal?.outcome ?? null,
    status: terminal?.status ?? null,
    input_tokens: terminal?.inputTokens ?? 0,
    output_tokens: terminal?.outputTokens ?? 0,
    cached_input_tokens: terminal?.cachedInputTokens ?? 0,
    reasoning_tokens: terminal?.reasoningTokens ?? 0,
    cost_usd: formatUsd(costNanoUsd(made)),
    estimated: terminal?.estimated ?? false,
    details: showDetails(terminal?.details ?? null),
    price: showPrice(made.price),
    latency_ms: terminal?.latencyMs ?? null,
  };
}

/** null: a text of a version that this one cannot read. */
function showPrice(text: string): Attempt["price"] {
  const price = parsePriceJson(text);
  return price === undefined ? null : { source: price.source, ...showAmounts(price) };
}

function showDetails(details: Details | null): Attempt["details"] {
  return details === null
    ? null
    : {
        cache_write_tokens: details.cacheWriteTokens,
        cache_write_1h_tokens: details.cacheWrite1hTokens,
        audio_input_tokens: details.audioInputTokens,
        cached_audio_input_tokens: details.cachedAudioInputTokens,
        image_input_tokens: details.imageInputTokens,
        audio_output_tokens: details.audioOutputTokens,
        image_output_tokens: details.imageOutputTokens,
        tool_calls: { ...details.toolCalls },
        units: { ...details.units },
      };
}

function costNanoUsd({ postings }: AttemptDetail): number {
  return postings.reduce((sum, posting) => sum + posting.amountNanoUsd, 0);
}

function ledgerOf({ attempt, postings }: AttemptDetail): LedgerEntry[] {
  const hold: LedgerEntry = {
    attempt_id: attempt.id,
    kind: "hold",
    amount_usd: formatUsd(attempt.heldNanoUsd),
    estimated: true,
    at: formatTime(attempt.heldAtMs),
  };
  const posted = postings.map(({ kind, amountNanoUsd, estimated, postedAtMs }): LedgerEntry => ({
    attempt_id: attempt.id,
    kind,
    amount_usd: formatUsd(amountNanoUsd),
    estimated,
    at: formatTime(postedAtMs),
  }));
  return [hold, ...posted];
}

const UNITS = {
  budget: "usd",
  requests: "requests",
  max_requests: "requests",
  tokens: "tokens",
  concurrency: "slots",
  breaker: "slots",
} as const satisfies Record<RefusalReason["kind"], string>;

function showRefusal(reason: RefusalReason): NonNullable<RequestDetail["refusal"]> {
  const unit = UNITS[reason.kind];
  const amount = (value: number): string | number => (unit === "usd" ? formatUsd(value) : value);
  return {
    kind: reason.kind,
    scope: shownRef(reason.scope),
    rule_id: reason.ruleId,
    unit,
    limit: amount(reason.limit),
    posted: amount(reason.posted),
    held: amount(reason.held),
    asked: amount(reason.asked),
    frees_at: reason.freesAtMs === null ? null : formatTime(reason.freesAtMs),
  };
}
