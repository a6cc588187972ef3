/**
 * One operation of the admin API: what it takes, what it answers, and how a request runs through it.
 * The credential is checked here, in the handler of the matched route and before anything is read,
 * so that no spelling of a path or host can come around it.
 *
 * Elysia routes; reading and checking are ours (`parse: "none"`), because Elysia 1.4 drops unknown
 * members instead of refusing them, hides why a body did not parse, and validates before a hook
 * could ask for the credential.
 */
import type { Static, TObject } from "@sinclair/typebox";
import type { AdminToken } from "../../admin/admin-token.ts";
import { type AdminVerdict, allow, refuse } from "../../admin/refusal.ts";
import { ERRORS, GatewayError } from "../../base/error.ts";
import { newId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import type { Log } from "../../telemetry/log.ts";
import { failureReply, jsonReply, refusalReply } from "../error-reply.ts";
import { describe, type Operation } from "./describe.ts";
import { readQuery } from "./read-query.ts";

export type AdminHttp = {
  readonly adminToken: AdminToken;
  readonly random: Random;
  readonly log: Log;
};

/** What an operation's use-case gets of a request. */
export type Asked<B, Q extends TObject> = {
  /** From the path; empty where the path has none. */
  readonly id: string;
  /** The second id of the path; empty where the path has none. */
  readonly partId: string;
  readonly query: Static<Q>;
  readonly body: B;
  /** From the header `if-match`; null when there is none. */
  readonly ifVersion: number | null;
};

type Context = {
  readonly request: Request;
  /** Elysia gives none to a route without parameters, whatever its types say. */
  readonly params?: Readonly<Record<string, string>>;
};

/** The handler of a route, and what Elysia has to know of it. */
export function operation<B, Q extends TObject, R>(
  http: AdminHttp,
  spec: Operation<B, Q, R>,
  act: (asked: Asked<B, Q>) => Promise<AdminVerdict<R>>,
) {
  const handle = ({ request, params }: Context): Promise<Response> =>
    guarded(http, request, async (requestId) => {
      const asked = await readRequest(spec, request, params ?? {});
      if (!asked.allowed) return refusalReply(asked.refusal, requestId);
      const answer = await act(asked.value);
      if (!answer.allowed) return refusalReply(answer.refusal, requestId);
      const headers = { "x-request-id": requestId };
      const { status } = spec.answer;
      return status === 204
        ? new Response(null, { status, headers })
        : jsonReply(status, answer.value, headers);
    });
  return { handle, hooks: { parse: "none" as const, detail: describe(spec) } };
}

/** What every path below /api/v1 that is no operation answers. */
export function unknownOperation(http: AdminHttp) {
  const handle = ({ request }: Pick<Context, "request">): Promise<Response> =>
    guarded(http, request, (requestId) => {
      const path = URL.parse(request.url)?.pathname ?? "such path";
      const sentence = `There is no ${request.method} ${path}; see /docs for what there is.`;
      return Promise.resolve(refusalReply(refuse("not_found", sentence).refusal, requestId));
    });
  return { handle, hooks: { parse: "none" as const, detail: { hide: true } } };
}

/** Runs `answer` for the operator alone; every failure becomes an answer with the request's id. */
async function guarded(
  http: AdminHttp,
  request: Request,
  answer: (requestId: string) => Promise<Response>,
): Promise<Response> {
  const requestId = newId("request", http.random);
  try {
    const permitted = authorize(http.adminToken, request.headers);
    if (!permitted.allowed) return refusalReply(permitted.refusal, requestId);
    return await answer(requestId);
  } catch (error) {
    if (error instanceof GatewayError) {
      // What the operator did wrong is in the answer; what is wrong with us belongs in the log.
      if (ERRORS[error.code].owner !== "client") {
        http.log.warn("admin request failed", { requestId, error });
      }
      return failureReply(error, requestId);
    }
    http.log.error("admin request broke", { requestId, error });
    return failureReply(new GatewayError("internal_error", {}, error), requestId);
  }
}

function authorize(adminToken: AdminToken, headers: Headers): AdminVerdict<null> {
  const authorization = headers.get("authorization");
  if (authorization === null) {
    const sentence = "The admin API needs the admin token: send `Authorization: Bearer TOKEN`.";
    return refuse("invalid_admin_token", sentence, "authorization");
  }
  const presented = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (presented !== undefined && adminToken.matches(presented)) return allow(null);
  const sentence = presented?.startsWith("sk-tg-")
    ? "This is an access token; the admin API needs the admin token."
    : "The admin token is not valid.";
  return refuse("invalid_admin_token", sentence, "authorization");
}

async function readRequest<B, Q extends TObject, R>(
  spec: Operation<B, Q, R>,
  request: Request,
  params: Readonly<Record<string, string>>,
): Promise<AdminVerdict<Asked<B, Q>>> {
  // Bun passes on whatever a client sends as Host, and builds the URL with it.
  const url = URL.parse(request.url);
  if (url === null) return refuse("invalid_request", "The Host header is not valid.", "host");
  const query = readQuery(spec.query, url.searchParams);
  if (!query.allowed) return query;
  const ifVersion = readIfMatch(request.headers.get("if-match"));
  if (!ifVersion.allowed) return ifVersion;
  if (ifVersion.value !== null && spec.takesIfMatch !== true && request.method !== "GET") {
    // A condition that nobody checks must not look as if it had held.
    return refuse("invalid_request", "if-match is taken by PATCH alone.", "if-match");
  }
  const body = await spec.body.read(request);
  if (!body.allowed) return body;
  return allow({
    id: params["id"] ?? "",
    partId: params[spec.partOf?.name ?? ""] ?? "",
    query: query.value,
    body: body.value,
    ifVersion: ifVersion.value,
  });
}

/** A version, bare or quoted as an entity tag; `*` is any version there is. */
function readIfMatch(text: string | null): AdminVerdict<number | null> {
  if (text === null || text.trim() === "*") return allow(null);
  const digits = /^\s*(?:W\/)?("?)(\d{1,15})\1\s*$/.exec(text)?.[2];
  return digits === undefined
    ? refuse("invalid_request", "if-match must be a version, such as 3.", "if-match")
    : allow(Number(digits));
}
