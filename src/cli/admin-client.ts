/**
 * The admin API as commands use it: one call, one answer of a known shape, or one sentence that says
 * why there is none. The admin token goes into the header and nowhere else.
 */
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { check } from "../admin/shapes/check.ts";
import { systemClock } from "../base/clock.ts";
import type { Config } from "../config/config.ts";
import { flagOf, variableOf } from "../config/settings.ts";
import { SCHEMAS, type SchemaName, type Shape } from "../http/admin/schemas.ts";

export type Told<T> =
  | { readonly ok: true; readonly value: T }
  /** A sentence without a full stop, for people. */
  | { readonly ok: false; readonly problem: string };

export interface AdminClient {
  /** `path` is below /api/v1. */
  readonly call: <N extends SchemaName>(
    method: "GET" | "POST" | "PATCH",
    path: string,
    body: unknown,
    answer: N,
  ) => Promise<Told<Shape<N>>>;
  readonly remove: (path: string) => Promise<Told<null>>;
}

const ANSWER_MS = 60_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** `url` null: where the configuration says that the gateway listens. */
export function createAdminClient(
  { host, port, adminToken }: Pick<Config, "host" | "port" | "adminToken">,
  url: string | null,
): Told<AdminClient> {
  if (adminToken === null) {
    const ways = `${flagOf("admin_token")}, ${variableOf("admin_token")} or admin_token in tollgate.yaml`;
    return { ok: false, problem: `the admin token is needed: give it by ${ways}` };
  }
  const base = url ?? `http://${reachable(host)}:${port}`;
  const parsed = URL.parse(base);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    return { ok: false, problem: `--url must be an address such as http://127.0.0.1:8080` };
  }
  const root = `${parsed.href.replace(/\/+$/, "")}/api/v1`;
  const send = (method: string, path: string, body: unknown): Promise<Told<Received>> =>
    receive({ method, url: `${root}${path}`, adminToken, body });
  return {
    ok: true,
    value: {
      call: async (method, path, body, answer) => {
        const received = await send(method, path, body);
        return received.ok ? shaped(received.value, answer, root) : received;
      },
      remove: async (path) => {
        const received = await send("DELETE", path, undefined);
        if (!received.ok) return received;
        const { status } = received.value;
        return status === 204 ? { ok: true, value: null } : refused(received.value, root);
      },
    },
  };
}

/** Every page of a list. */
export async function allPages<T>(
  page: (cursor: string) => Promise<Told<{ data: T[]; next_cursor: string | null }>>,
): Promise<Told<readonly T[]>> {
  const rows: T[] = [];
  let cursor = "";
  for (;;) {
    const told = await page(cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`);
    if (!told.ok) return told;
    rows.push(...told.value.data);
    if (told.value.next_cursor === null) return { ok: true, value: rows };
    cursor = told.value.next_cursor;
  }
}

/** An address that means every interface is reached over the loopback. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

type Received = { readonly status: number; readonly text: string };
type Sent = {
  readonly method: string;
  readonly url: string;
  readonly adminToken: string;
  readonly body: unknown;
};

function receive({ method, url, adminToken, body }: Sent): Promise<Told<Received>> {
  const { promise, resolve } = Promise.withResolvers<Told<Received>>();
  const fail = (error: unknown): void => {
    resolve({ ok: false, problem: `${new URL(url).origin} cannot be reached: ${reasonOf(error)}` });
  };
  const request = url.startsWith("https:") ? requestHttps : requestHttp;
  const json = body === undefined ? undefined : JSON.stringify(body);
  const asked = request(url, {
    method,
    headers: {
      authorization: `Bearer ${adminToken}`,
      ...(json !== undefined && {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(json),
      }),
    },
  });
  const timer = systemClock.after(ANSWER_MS, () => {
    asked.destroy(new Error(`no answer within ${ANSWER_MS / 1_000} s`));
  });
  asked.on("error", fail);
  asked.on("response", (answer) => {
    void readText(answer).then(
      (text) => resolve({ ok: true, value: { status: answer.statusCode ?? 0, text } }),
      fail,
    );
  });
  asked.end(json);
  return promise.finally(() => timer.cancel());
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    const read: Buffer = Buffer.from(chunk);
    bytes += read.length;
    if (bytes > ANSWER_BYTES_MAX)
      throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(read);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function shaped<N extends SchemaName>(received: Received, answer: N, root: string): Told<Shape<N>> {
  if (received.status !== 200 && received.status !== 201) return refused(received, root);
  const checked = check(SCHEMAS[answer], parse(received.text));
  return checked.allowed
    ? { ok: true, value: checked.value }
    : { ok: false, problem: `${root} answers with something that this version does not know` };
}

/** The gateway's own sentence, where there is one. */
function refused({ status, text }: Received, root: string): Told<never> {
  const error = check(SCHEMAS.Error, parse(text));
  const problem = error.allowed
    ? error.value.error.message.replace(/\.$/, "")
    : `${root} answers with ${status}: it seems to be no Tollgate`;
  return { ok: false, problem };
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nothing listens there",
    ENOTFOUND: "there is no such host",
    ECONNRESET: "the connection broke",
    ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak https",
  };
  return reasons[code] ?? (error instanceof Error ? error.message : String(error));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON has no shape that we know, which the caller says.
    return undefined;
  }
}
