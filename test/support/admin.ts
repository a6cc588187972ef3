/**
 * The admin API for tests: the real app on a real store in a temporary directory, with real actors.
 * Every answer that passes through `call` is held against the OpenAPI document: its status must be
 * declared and its body must have exactly the documented members.
 */
import { CALM } from "./calm.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { createAdmin, type Admin } from "../../src/admin/admin.ts";
import { ensureAdminToken } from "../../src/admin/admin-token.ts";
import { unsealCredential } from "../../src/admin/credential.ts";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { assembleGateway, disassembleGateway } from "../../src/gateway/assemble.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { SCHEMAS } from "../../src/http/admin/schemas.ts";
import { createApp } from "../../src/http/server.ts";
import type { Store } from "../../src/store/contract.ts";
import { openStore } from "../../src/store/open.ts";
import { createLog } from "../../src/telemetry/log.ts";

export const ADMIN_TOKEN = "tg-admin-0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1";
export const CREDENTIAL_KEY = new Uint8Array(32).fill(2);
export const TOKEN_PEPPER = new Uint8Array(32).fill(1);

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; an empty object when there is no body. */
  readonly body: unknown;
  /** A member of the body; undefined when it has none of that name. */
  readonly member: (name: string) => unknown;
};

export type CallOptions = {
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  /** null sends none. */
  readonly token?: string | null;
};

export type TestAdmin = {
  readonly admin: Admin;
  readonly store: Store;
  readonly gateway: Gateway;
  readonly app: ReturnType<typeof createApp>;
  readonly logLines: readonly string[];
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>;
  readonly stop: () => Promise<void>;
};

export async function startTestAdmin(
  options: {
    readonly clock?: Clock;
    /** Puts something into the data directory before it is opened, such as a restored backup. */
    readonly prepare?: (dataDir: string) => Promise<void>;
  } = {},
): Promise<TestAdmin> {
  const clock = options.clock ?? systemClock;
  const dataDir = mkdtempSync(join(tmpdir(), "tollgate-test-"));
  await options.prepare?.(dataDir);
  const store = await openStore({ dataDir, clock });
  const logLines: string[] = [];
  const log = createLog({
    level: "debug",
    format: "json",
    colour: false,
    clock,
    sink: { write: (line) => void logLines.push(line) },
    secrets: [ADMIN_TOKEN],
  });
  const parts = { clock, random: systemRandom, store, tokenPepper: TOKEN_PEPPER };
  const gateway = await assembleGateway({
    ...parts,
    log,
    unseal: (sealed, providerId) => unsealCredential(CREDENTIAL_KEY, providerId, sealed),
    version: "test",
    load: CALM,
  });
  const { directory, jobs } = gateway;
  const admin = createAdmin({ ...parts, directory, jobs, credentialKey: CREDENTIAL_KEY });
  const adminToken = await ensureAdminToken({
    store,
    random: systemRandom,
    key: new Uint8Array(32).fill(3),
    given: ADMIN_TOKEN,
  });
  const app = createApp({ gateway, admin, adminToken, version: "0.0.1" });
  const described = await app.handle(new Request("http://localhost/docs/json"));
  const document: OpenApi = JSON.parse(await described.text());

  return {
    admin,
    store,
    gateway,
    app,
    logLines,
    call: async (method, path, { body: given, raw, headers, token = ADMIN_TOKEN } = {}) => {
      const sent = raw ?? (given === undefined ? undefined : JSON.stringify(given));
      const response = await app.handle(
        new Request(`http://localhost/api/v1${path}`, {
          method,
          ...(sent === undefined ? {} : { body: sent }),
          headers: {
            ...(token !== null && { authorization: `Bearer ${token}` }),
            ...(sent !== undefined && { "content-type": "application/json" }),
            ...headers,
          },
        }),
      );
      const text = await response.text();
      const body: unknown = text === "" ? {} : JSON.parse(text);
      const { status } = response;
      const problem = undocumented(document, method, path, status, body);
      if (problem !== null) throw new Error(`${method} ${path}: ${problem}\n${text}`);
      return { status, headers: response.headers, body, member: (name) => Object(body)[name] };
    },
    stop: async () => {
      await disassembleGateway(gateway);
      await store.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}

type OpenApi = {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Responses }>>>
  >;
};
type Responses = Readonly<
  Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Ref }>> }>
>;
type Ref = { readonly $ref: string };

/** What an answer has that the document does not tell of; null when they agree. */
function undocumented(
  document: OpenApi,
  method: string,
  path: string,
  status: number,
  body: unknown,
): string | null {
  const whole = `/api/v1${path.replace(/\?.*$/, "")}`;
  const template = Object.keys(document.paths).find((candidate) =>
    new RegExp(`^${candidate.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(whole),
  );
  // A path of plain words goes before one with an id in its place.
  const found =
    document.paths[Object.hasOwn(document.paths, whole) ? whole : (template ?? "")]?.[
      method.toLowerCase()
    ];
  if (found === undefined) return status === 404 || status === 401 ? null : "not documented";
  const response = found.responses[String(status)];
  if (response === undefined) return `status ${status} is not documented`;
  if (status === 204) return Object.keys(Object(body)).length === 0 ? null : "204 with a body";
  const name = (response.content?.["application/json"]?.schema.$ref ?? "Error").split("/").at(-1);
  const schema = Object.entries(SCHEMAS).find(([known]) => known === name)?.[1];
  if (schema === undefined) return `no schema ${name}`;
  const error = Value.Errors(schema, body).First();
  if (error !== undefined) return `${name} ${error.path}: ${error.message}`;
  return unknownMember(schema, body, "");
}

function unknownMember(schema: TSchema, value: unknown, path: string): string | null {
  if (typeof value !== "object" || value === null) return null;
  const variants: readonly TSchema[] = schema["anyOf"] ?? [schema];
  const meant = variants.find((variant) => Value.Check(variant, value)) ?? schema;
  if (meant["patternProperties"] !== undefined) return null;
  for (const [name, inner] of Object.entries(value)) {
    const known: TSchema | undefined = meant["items"] ?? meant["properties"]?.[name];
    if (known === undefined) return `${path}/${name} is not documented`;
    const problem = unknownMember(known, inner, `${path}/${name}`);
    if (problem !== null) return problem;
  }
  return null;
}
