/**
 * `GET /v1/files` and `GET /v1/batches`: what providers keep for the tenant, newest first, from our own
 * book: a provider's list would be that of every tenant.
 */
import { GatewayError } from "../../base/error.ts";
import { LIMITS } from "../../base/limits.ts";
import { allow, refuse, type Verdict } from "../../base/verdict.ts";
import { authenticate } from "../../gateway/authenticate.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { jsonReply, refusedReply, urlOf } from "./models-route.ts";

type Listed = "file" | "batch";

/** As OpenAI's API takes them (reference, 2026-11); a page of ours may hold fewer, and says so. */
const PAGES: Readonly<Record<Listed, { readonly limit: number; readonly limitMax: number }>> = {
  file: { limit: 10_000, limitMax: 10_000 },
  batch: { limit: 20, limitMax: 100 },
};

type Asked = {
  readonly afterId: string | null;
  readonly isOldestFirst: boolean;
  readonly purpose: string | null;
  readonly limit: number;
};

export async function keptRoute(
  gateway: Gateway,
  kind: Listed,
  request: Request,
): Promise<Response> {
  const identified = authenticate(gateway, request.headers);
  if (!identified.allowed) return refusedReply(gateway, request, identified.refusal);
  const asked = readQuery(kind, urlOf(request).searchParams);
  if (!asked.allowed) return refusedReply(gateway, request, asked.refusal);
  const { limit, ...query } = asked.value;
  const tenantId = identified.value.tenant.id;
  try {
    // One more than is shown tells whether there are more.
    const rowsMax = limit + 1;
    const rows = await gateway.objects.list({ ...query, tenantId, kind, rowsMax });
    const page = rows.slice(0, limit);
    return jsonReply(gateway, request, listShape(kind, page, rows.length > limit));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return refusedReply(gateway, request, { code: error.code, message: error.message });
  }
}

function readQuery(kind: Listed, given: URLSearchParams): Verdict<Asked> {
  const { limit: limitDefault, limitMax } = PAGES[kind];
  const isFile = kind === "file";
  const order = (isFile ? given.get("order") : null) ?? "desc";
  if (order !== "asc" && order !== "desc") {
    return refuse("invalid_request", "'order' must be asc or desc.", { param: "order" });
  }
  const limit = Number(given.get("limit") ?? limitDefault);
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
    const message = `'limit' must be an integer from 1 to ${limitMax}.`;
    return refuse("invalid_request", message, { param: "limit" });
  }
  return allow({
    afterId: given.get("after"),
    isOldestFirst: order === "asc",
    purpose: isFile ? given.get("purpose") : null,
    limit: Math.min(limit, LIMITS.objectsListedMax),
  });
}

/** What is remembered of one; `detail`: its provider's own JSON about it. */
type Remembered = { readonly id: string; readonly detail: string | null };

function listShape(kind: Listed, rows: readonly Remembered[], hasMore: boolean): object {
  return {
    object: "list",
    data: rows.map(({ id, detail }): unknown =>
      detail === null ? { id, object: kind } : JSON.parse(detail),
    ),
    first_id: rows[0]?.id ?? null,
    last_id: rows.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}
