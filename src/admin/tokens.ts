/**
 * Access tokens: issue, rotate, revoke. Only a keyed hash and the last four characters are stored;
 * the text leaves once, in the answer that made it. Revocation is for good.
 */
import { accessTokenHint, hashAccessToken, newAccessToken } from "../base/access-token.ts";
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import type { TokenRow } from "../store/contract.ts";
import { type Configured, existing } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type {
  IssuedToken,
  Token,
  TokenChange,
  TokenFilter,
  TokenInput,
  TokenRotation,
} from "./shapes/token.ts";
import { serviceTerms } from "./service-terms.ts";
import { parseTime } from "./time.ts";
import { editRow, insertRow, named } from "./write.ts";

export interface Tokens extends Omit<
  Configured<Token, TokenInput, TokenChange, TokenFilter>,
  "create"
> {
  /** The answer alone holds the access token. */
  readonly create: (input: TokenInput) => Promise<AdminVerdict<IssuedToken>>;
  /** Gives it a new text; the old one goes on working for `grace_seconds`. */
  readonly rotate: (id: string, rotation: TokenRotation) => Promise<AdminVerdict<IssuedToken>>;
  /** For good; revoking twice is revoking once. */
  readonly revoke: (id: string) => Promise<AdminVerdict<Token>>;
}

export function createTokens(deps: AdminDeps): Tokens {
  const { clock, random, tokenPepper } = deps;
  const show = (row: TokenRow): Token => showToken(deps, row);
  const secret = (): { token: string; hash: string; hint: string } => {
    const token = newAccessToken(random);
    return { token, hash: hashAccessToken(tokenPepper, token), hint: accessTokenHint(token) };
  };
  const others = existing(deps, "tokens", {
    editOf: (edits: TokenChange) => (current) => tokenEdit(edits, current, clock.nowMs()),
    whereOf: (filter: TokenFilter) =>
      named<TokenRow>({
        tenantId: filter.tenant_id,
        projectId: filter.project_id,
        name: filter.name,
      }),
    show: (rows) => rows.map(show),
  });

  return {
    ...others,
    create: async (input) => {
      const made = secret();
      const row = tokenRow(deps, input, made);
      if (!row.allowed) return row;
      const written = await insertRow(deps, "tokens", row.value);
      return written.allowed ? allow({ ...show(written.value), token: made.token }) : written;
    },
    rotate: async (id, { grace_seconds: graceS = 0 }) => {
      const made = secret();
      const written = await editRow(deps, "tokens", id, null, (row) =>
        rotation(row, made, clock.nowMs(), graceS),
      );
      return written.allowed ? allow({ ...show(written.value), token: made.token }) : written;
    },
    revoke: async (id) => {
      const written = await editRow(deps, "tokens", id, null, (row) =>
        allow(row.revokedAtMs === null ? { revokedAtMs: clock.nowMs() } : {}),
      );
      return written.allowed ? allow(show(written.value)) : written;
    },
  };
}

function tokenRow(
  deps: AdminDeps,
  input: TokenInput,
  secret: { readonly hash: string; readonly hint: string },
): AdminVerdict<TokenRow> {
  const nowMs = deps.clock.nowMs();
  const expiry = expiresAtMs(input, nowMs);
  if (!expiry.allowed) return expiry;
  return allow({
    id: newId("token", deps.random),
    tenantId: input.tenant_id,
    projectId: input.project_id ?? null,
    name: input.name,
    hash: secret.hash,
    previousHash: null,
    previousUntilMs: null,
    hint: secret.hint,
    expiresAtMs: expiry.value ?? null,
    maxRequests: input.max_requests ?? null,
    allowedModels: input.allowed_models ?? null,
    terms: serviceTerms({}, input) ?? {},
    metadata: input.metadata ?? {},
    revokedAtMs: null,
    requestCount: 0,
    lastUsedAtMs: null,
    version: 1,
    createdAtMs: nowMs,
  });
}

function tokenEdit(
  change: TokenChange,
  { terms }: TokenRow,
  nowMs: number,
): AdminVerdict<Partial<TokenRow>> {
  const expiry = expiresAtMs(change, nowMs);
  if (!expiry.allowed) return expiry;
  return allow(
    named<TokenRow>({
      name: change.name,
      projectId: change.project_id,
      expiresAtMs: expiry.value,
      maxRequests: change.max_requests,
      allowedModels: change.allowed_models,
      terms: serviceTerms(terms, change),
      metadata: change.metadata,
    }),
  );
}

/** undefined: not named; null: never. */
function expiresAtMs(
  input: Pick<TokenChange, "expires_at" | "duration_minutes">,
  nowMs: number,
): AdminVerdict<number | null | undefined> {
  const { expires_at: expiresAt, duration_minutes: minutes } = input;
  if (minutes !== undefined) {
    return expiresAt === undefined
      ? allow(nowMs + minutes * 60_000)
      : refuse("invalid_request", "Give expires_at or duration_minutes, not both.", "/expires_at");
  }
  if (expiresAt === undefined || expiresAt === null) return allow(expiresAt);
  const atMs = parseTime(expiresAt);
  return atMs !== undefined && atMs > nowMs
    ? allow(atMs)
    : refuse("invalid_request", "expires_at must lie in the future.", "/expires_at");
}

function rotation(
  row: TokenRow,
  made: { readonly hash: string; readonly hint: string },
  nowMs: number,
  graceS: number,
): AdminVerdict<Partial<TokenRow>> {
  if (row.revokedAtMs !== null) {
    return refuse("conflict", "The access token was revoked, which is for good; issue a new one.");
  }
  const old =
    graceS === 0
      ? { previousHash: null, previousUntilMs: null }
      : { previousHash: row.hash, previousUntilMs: nowMs + graceS * 1_000 };
  return allow({ hash: made.hash, hint: made.hint, ...old });
}

function showToken({ clock, directory }: AdminDeps, row: TokenRow): Token {
  const isExpired = row.expiresAtMs !== null && row.expiresAtMs <= clock.nowMs();
  return {
    id: row.id,
    tenant_id: row.tenantId,
    project_id: row.projectId,
    name: row.name,
    hint: row.hint,
    status: row.revokedAtMs !== null ? "revoked" : isExpired ? "expired" : "active",
    expires_at: row.expiresAtMs === null ? null : formatTime(row.expiresAtMs),
    max_requests: row.maxRequests,
    allowed_models: row.allowedModels === null ? null : [...row.allowedModels],
    priority_class: row.terms.priorityClass ?? null,
    // The row lags behind the directory by what the writer thread has not written yet.
    request_count: Math.max(row.requestCount, directory.requestCount(row.id)),
    last_used_at: row.lastUsedAtMs === null ? null : formatTime(row.lastUsedAtMs),
    metadata: row.metadata,
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  };
}
