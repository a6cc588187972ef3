/**
 * Asks an OAuth 2.0 token endpoint (RFC 6749, 4.4 and 5) for a token. Its address is checked by the
 * provider's own rule, its answer read within bounds, and nothing it says is passed on but its error's
 * code: descriptions repeat what was sent.
 */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Origins } from "../origin.ts";
import { readBody } from "../read-body.ts";
import { describe, discard, type ByteReader, type Send } from "../transport.ts";
import type { TokenAnswer } from "./fetched-token.ts";
import type { CredentialProblem } from "./presenter.ts";

export type TokenDeps = {
  readonly clock: Clock;
  readonly origins: Origins;
  readonly send: Send;
};

export type TokenRequest = {
  readonly url: string;
  readonly allowPrivateNetwork: boolean;
  readonly connectMs: number;
  readonly form: Readonly<Record<string, string>>;
};

export async function requestToken(deps: TokenDeps, request: TokenRequest): Promise<TokenAnswer> {
  const { url, allowPrivateNetwork, connectMs } = request;
  const timeoutsMs = { connect: connectMs };
  const problem = await deps.origins.check({ baseUrl: url, allowPrivateNetwork, timeoutsMs });
  if (problem !== null) return unavailable(problem.detail);
  const controller = new AbortController();
  const timer = deps.clock.after(LIMITS.tokenRequestMs, () => controller.abort());
  try {
    return await ask(deps.send, request, controller.signal);
  } catch (error) {
    const detail = controller.signal.aborted ? "no answer in time" : describe(error).detail;
    return unavailable(detail);
  } finally {
    timer.cancel();
  }
}

async function ask(
  send: Send,
  { url, form }: TokenRequest,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  const response = await send(url, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
      "accept-encoding": "identity",
    },
    body: new URLSearchParams(form).toString(),
    redirect: "manual",
    signal,
    timeout: false,
    decompress: false,
  });
  const { status } = response;
  const members = response.body === null ? {} : await readMembers(response.body.getReader());
  if (status !== 200) return refusedBy(status, members);
  const { access_token: token, expires_in: seconds } = members;
  const isToken = typeof token === "string" && /^[\x21-\x7e]+$/.test(token);
  if (!isToken) return unavailable("the answer holds no token");
  // Some servers write the number as a text (Entra's first version did).
  const told = Number(seconds ?? TOKEN_SECONDS);
  const lives = Number.isFinite(told) && told > 0 ? told : TOKEN_SECONDS;
  return { ok: true, token, livesMs: Math.min(Math.max(lives, 1), TOKEN_SECONDS_MAX) * 1_000 };
}

/** Where an answer does not say how long its token lives. */
const TOKEN_SECONDS = 300;

/** However long it says: what was revoked meanwhile is noticed within a day. */
const TOKEN_SECONDS_MAX = 86_400;

/** 400, 401 and 403 are about what was presented; anything else about the one who was asked. */
function refusedBy(status: number, { error }: Members): TokenAnswer {
  const code = typeof error === "string" && /^[a-z_]{1,64}$/.test(error) ? ` (${error})` : "";
  const detail = `status ${status}${code}`;
  if (status !== 400 && status !== 401 && status !== 403) return unavailable(detail);
  return { ok: false, problem: problemOf("credential_refused", detail) };
}

function unavailable(detail: string): TokenAnswer {
  return { ok: false, problem: problemOf("credential_unavailable", detail) };
}

function problemOf(kind: CredentialProblem["kind"], detail: string): CredentialProblem {
  return { kind, detail: `the token endpoint: ${detail}` };
}

type Members = Readonly<Record<string, unknown>>;

/** Of an answer that is no JSON object, none. */
async function readMembers(reader: ByteReader): Promise<Members> {
  const read = await readBody(reader, LIMITS.failureBytesMax, () => undefined);
  if (read.kind === "broken") throw read.error;
  if (read.kind === "too_large") {
    discard(reader);
    return {};
  }
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(read.bytes));
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    // What it says in other words is not ours to understand; its status counts.
    return {};
  }
}
