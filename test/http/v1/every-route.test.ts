/**
 * Every way into the client API: nothing is mounted beside the table of surfaces, and through none of its
 * paths does an access token that may not spend reach a provider.
 */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { DialectName } from "../../../src/base/dialect.ts";
import { type Surface, SURFACES, type SurfaceSpec } from "../../../src/dialects/surfaces.ts";
import { clientApi } from "../../../src/http/v1/client-api.ts";
import { startRecordedUpstream } from "../../conformance/recorded-upstream.ts";
import { startTestGateway } from "../../support/gateway.ts";
import { EMBEDDINGS_BOUNDS } from "../../support/batch-bounds.ts";
import { SAMPLES } from "./samples.ts";

const DIALECTS: readonly DialectName[] = ["openai", "anthropic", "google"];
const PICO_USD = 1_000_000;

const tollgate = await startTestGateway();
const upstream = await startRecordedUpstream();
const modelOf = (dialect: DialectName): string => `model-of-${dialect}`;

for (const dialect of DIALECTS) {
  const provider = await tollgate.addProvider({ name: dialect, dialect, baseUrl: upstream.url });
  await tollgate.addPrice(provider.id, "m", {
    inputPicoUsd: PICO_USD,
    imagePicoUsd: PICO_USD,
    audioSecondPicoUsd: PICO_USD,
    characterPicoUsd: PICO_USD,
    searchUnitPicoUsd: PICO_USD,
  });
  const target = { providerId: provider.id, model: "m", weight: 1, priority: 0 };
  await tollgate.addRoute(modelOf(dialect), [target]);
}
const tenantId = (await tollgate.addTenant()).id;
const suspended = (await tollgate.addTenant({ status: "suspended" })).id;
const exhausted = await tollgate.addToken(tenantId);
await tollgate.addBudget({
  scopeType: "token",
  scopeId: exhausted.row.id,
  tenantId,
  amountNanoUsd: 0,
});
const allowed = (await tollgate.addToken(tenantId)).token;

/** Who must get nowhere, and what each is told. */
const REFUSED: readonly (readonly [who: string, token: string, code: string, status: number])[] = [
  ["exhausted", exhausted.token, "budget_exceeded", 429],
  [
    "revoked",
    (await tollgate.addToken(tenantId, { revokedAtMs: 1 })).token,
    "invalid_api_key",
    401,
  ],
  [
    "expired",
    (await tollgate.addToken(tenantId, { expiresAtMs: 1 })).token,
    "invalid_api_key",
    401,
  ],
  [
    "meant for other models",
    (await tollgate.addToken(tenantId, { allowedModels: ["another"] })).token,
    "model_not_allowed",
    403,
  ],
  ["of a suspended tenant", (await tollgate.addToken(suspended)).token, "tenant_suspended", 403],
  ["not ours", "sk-somebody-elses", "invalid_api_key", 401],
];

/** Something that a provider keeps for the tenant, by which paths with an id in them can be asked. */
const OBJECT_IDS = {
  response: "object-1",
  file: "object-2",
  conversation: "object-3",
  batch: "object-4",
} as const;
for (const kind of ["response", "file", "conversation", "batch"] as const)
  await noteObject("openai", tenantId, kind);
const foreign = (await tollgate.addToken((await tollgate.addTenant()).id)).token;

async function noteObject(
  dialect: DialectName,
  owner: string,
  kind: keyof typeof OBJECT_IDS,
): Promise<void> {
  const provider = [...tollgate.gateway.directory.providers()].find(
    ({ row }) => row.name === dialect,
  );
  const nowMs = tollgate.gateway.clock.nowMs();
  await tollgate.gateway.objects.note([
    {
      tenantId: owner,
      id: OBJECT_IDS[kind],
      kind,
      tokenId: "",
      providerId: provider?.row.id ?? "",
      credentialPosition: 1,
      batch: kind === "file" ? JSON.stringify({ bounds: EMBEDDINGS_BOUNDS }) : null,
      credentialHash: null,
      route: modelOf(dialect),
      model: "m",
      detail: null,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + 3_600_000,
    },
  ]);
}

beforeEach(() => {
  upstream.forget();
  // A refusal that says the request is wrong: it is passed on at once, and nothing is repeated.
  const error = { message: "no", type: "invalid_request_error" };
  upstream.answer({ status: 400, pieces: [JSON.stringify({ type: "error", error })] });
});

afterAll(async () => {
  await tollgate.stop();
  await upstream.stop();
});

const surfaces = Object.entries(SURFACES) as readonly (readonly [Surface, SurfaceSpec])[];
type Entry = {
  readonly surface: Surface;
  readonly dialect: DialectName;
  readonly method: string;
  readonly path: string;
};
const entries = surfaces.flatMap(([surface, { dialect, method, paths }]) =>
  paths.map((path): Entry => ({ surface, dialect, method, path })),
);

function ask({ surface, dialect, method, path }: Entry, token: string): Promise<Response> {
  const model = modelOf(dialect);
  const sample = SAMPLES[surface]?.(model);
  if (sample === undefined) {
    throw new Error(`The surface ${surface} has no sample: add one to test/http/v1/samples.ts.`);
  }
  const authorization = `Bearer ${token}`;
  const named = path
    .replace("{model}", model)
    .replace("{id}", idIn(path))
    .replace("{item_id}", "item-1");
  return fetch(`${tollgate.url}${named}`, {
    method,
    headers: { authorization, ...sample.headers },
    ...(method === "GET" ? {} : { body: sample.body }),
  });
}

/** Paths begin with what they are about. */
function idIn(path: string): string {
  if (path.startsWith("/v1/conversations/")) return OBJECT_IDS.conversation;
  if (path.startsWith("/v1/batches/")) return OBJECT_IDS.batch;
  return path.startsWith("/v1/files/") ? OBJECT_IDS.file : OBJECT_IDS.response;
}

/** They answer from what is configured, and ask no provider. */
const OF_OUR_OWN: ReadonlySet<string> = new Set([
  "GET /v1/batches",
  "GET /v1/files",
  "GET /v1/models",
  "GET /v1/models/*",
  "GET /v1beta/models",
  "GET /v1beta/models/*",
  "ALL /v1/*",
  "ALL /v1beta/*",
  "ALL /v2/*",
]);

test("nothing is mounted beside the table, and everything in it is", () => {
  const mounted = clientApi(tollgate.gateway).routes.map(({ method, path }) => `${method} ${path}`);
  const ofSurfaces = mounted.filter((route) => !OF_OUR_OWN.has(route));
  const strangers = ofSurfaces.filter((route) => !entries.some((entry) => isMountOf(entry, route)));
  const unmounted = entries.filter((entry) => !mounted.some((route) => isMountOf(entry, route)));
  expect({ strangers, unmounted }).toEqual({ strangers: [], unmounted: [] });
});

/** A path with a model's name in it is mounted as everything that begins like it. */
function isMountOf({ method, path }: Entry, route: string): boolean {
  const plain = `${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
  const [begin] = `${method} ${path}`.split("{");
  return route === plain || (path.includes("{") && route === `${begin}*`);
}

describe.each(entries)("$method $path", (entry) => {
  test("an access token that may spend reaches the provider, once", async () => {
    const answer = await ask(entry, allowed);
    const told = [answer.headers.get("x-tollgate-error"), answer.status, upstream.seen.length];
    expect(told).toEqual([null, 400, 1]);
  });

  test.each(REFUSED)("one that is %s reaches nobody", async (_who, token, code, status) => {
    const answer = await ask(entry, token);
    const told = [answer.headers.get("x-tollgate-error"), answer.status, upstream.seen.length];
    expect(told).toEqual([code, status, 0]);
  });
});

describe.each(entries.filter(({ path }) => path.includes("{id}")))("$method $path", (entry) => {
  test("an access token of another tenant finds nothing, and reaches nobody", async () => {
    const answer = await ask(entry, foreign);
    const told = [answer.headers.get("x-tollgate-error"), answer.status, upstream.seen.length];
    expect(told).toEqual(["not_found", 404, 0]);
  });
});

test("what is of our own asks no provider, whoever comes", async () => {
  for (const path of [
    "/v1/batches",
    "/v1/files",
    "/v1/models",
    "/v1/models/any",
    "/v1beta/models",
    "/v1/nothing",
    "/v1/chat",
  ]) {
    for (const [, token] of REFUSED) {
      const headers = { authorization: `Bearer ${token}` };
      await fetch(`${tollgate.url}${path}`, { headers });
      await fetch(`${tollgate.url}${path}`, { method: "DELETE", headers });
    }
  }
  expect(upstream.seen.length).toBe(0);
});
