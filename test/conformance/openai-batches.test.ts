/**
 * Batches through Tollgate: made of a file that was read, at the provider, credential and model that the
 * file is at, and each tenant's own with all that comes of it. Shapes are those of openai-node 7.55 (2026-11).
 */
import { beforeEach, describe, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import { FORM_HEADERS, formBytes } from "./multipart.ts";
import { conformanceStageForFile, CREDENTIAL, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

const { upstream, tollgate, tenantId, token, provider } = await conformanceStageForFile(
  "openai",
  "/v1",
);
beforeEach(() => freshProvider(tollgate, provider));

const other = await tollgate.addToken((await tollgate.addTenant()).id);

const path = "/v1/batches";
const CHAT_URL = "/v1/chat/completions";
let made = 0;

function lineOf(model: string, more: object = {}): string {
  const body = { model, messages: [{ role: "user", content: "hi" }], ...more };
  return JSON.stringify({ custom_id: "1", method: "POST", url: CHAT_URL, body });
}

type Told = { readonly status: number; readonly text: string };

async function ask(method: string, to: string, body: BodyOf | null, as = token): Promise<Told> {
  const headers = { authorization: `Bearer ${as}`, "content-type": "application/json" };
  const answer = await fetch(`${tollgate.url}${to}`, {
    method,
    headers: body instanceof Uint8Array ? { ...headers, ...FORM_HEADERS } : headers,
    ...(body === null ? {} : { body }),
  });
  return { status: answer.status, text: await answer.text() };
}

type BodyOf = string | Uint8Array<ArrayBuffer>;

/** A batch that is known to have ended is looked at beside what its client asks. */
const settled = (): Promise<void> => until(() => tollgate.gateway.jobs.looks === 0);

const get = (to: string, as = token): Promise<Told> => ask("GET", to, null, as);

/** Uploads a file of one line; answers its id. */
async function uploaded(
  text = lineOf(PUBLIC_MODEL),
  purpose = "batch",
  as = token,
): Promise<string> {
  made += 1;
  const id = `file-${made}`;
  upstream.answer({ pieces: [JSON.stringify({ id, object: "file", purpose })] });
  const form = formBytes([
    ["purpose", purpose],
    ["file", Buffer.from(text)],
  ]);
  expect((await ask("POST", "/v1/files", form, as)).status).toBe(200);
  upstream.forget();
  return id;
}

const bodyFor = (id: string, more: object = {}): string =>
  JSON.stringify({
    input_file_id: id,
    endpoint: CHAT_URL,
    completion_window: "24h",
    metadata: { of: "é🙂" },
    ...more,
  }).replace(",", " ,\n");

type Batch = { readonly id: string } & Readonly<Record<string, unknown>>;

function batchOf(more: object = {}): Batch {
  made += 1;
  return {
    id: `batch_${made}`,
    object: "batch",
    endpoint: CHAT_URL,
    status: "validating",
    output_file_id: null,
    error_file_id: null,
    ...more,
  };
}

async function created(as = token): Promise<Batch> {
  const body = bodyFor(await uploaded(lineOf(PUBLIC_MODEL), "batch", as));
  const batch = batchOf();
  upstream.answer({ pieces: [JSON.stringify(batch)] });
  expect((await ask("POST", path, body, as)).status).toBe(200);
  upstream.forget();
  return batch;
}

async function refusal(body: string, as = token): Promise<unknown> {
  upstream.forget();
  const { status, text } = await ask("POST", path, body, as);
  expect(upstream.seen).toEqual([]);
  const { error } = JSON.parse(text) as { error: Record<string, unknown> };
  return [status, error["code"], error["param"], error["message"]];
}

describe("making a batch", () => {
  test("passes the body to who keeps the file, to the byte, and the answer back", async () => {
    const id = await uploaded();
    const body = bodyFor(id);
    const answer = `${JSON.stringify(batchOf())} `;
    upstream.answer({ pieces: [answer] });
    expect(await ask("POST", path, body)).toEqual({ status: 200, text: answer });
    const seen = upstream.seen.map((one) => [
      one.path,
      one.headers["authorization"],
      new TextDecoder().decode(one.body),
    ]);
    expect(seen).toEqual([[path, `Bearer ${CREDENTIAL}`, body]]);
  });

  test("may name the place of its lines without a version, as Azure does", async () => {
    const id = await uploaded();
    upstream.answer({ pieces: [JSON.stringify(batchOf())] });
    const body = bodyFor(id, { endpoint: "/chat/completions" });
    expect((await ask("POST", path, body)).status).toBe(200);
  });

  test("is refused where its file or its place is another than that of its lines", async () => {
    const id = await uploaded();
    const plain = await uploaded(lineOf(PUBLIC_MODEL), "batch ");
    const upload = "The file must have been uploaded through this API with the purpose batch.";
    expect(await refusal(bodyFor(plain))).toEqual([
      400,
      "invalid_request",
      "input_file_id",
      upload,
    ]);
    const endpoint = `'endpoint' must be ${CHAT_URL}, as in the lines of the file.`;
    const elsewhere = bodyFor(id, { endpoint: "/v1/responses" });
    expect(await refusal(elsewhere)).toEqual([400, "invalid_request", "endpoint", endpoint]);
    const unknown = "File with id 'file-none' not found.";
    expect(await refusal(bodyFor("file-none"))).toEqual([
      404,
      "not_found",
      "input_file_id",
      unknown,
    ]);
    expect(await refusal(bodyFor(id), other.token)).toEqual([
      404,
      "not_found",
      "input_file_id",
      unknown.replace("file-none", id),
    ]);
  });

  test.each<[what: string, body: (id: string) => string, param: string]>([
    ["no file", (id) => bodyFor(id, { input_file_id: null }), "input_file_id"],
    ["an id that is none", (id) => bodyFor(id, { input_file_id: "../x" }), "input_file_id"],
    ["no endpoint", (id) => bodyFor(id, { endpoint: null }), "endpoint"],
    ["a file twice", (id) => bodyFor(id).replace("{", '{"input_file_id":"a",'), "input_file_id"],
    ["a file otherwise", (id) => bodyFor(id, { Input_File_Id: "a" }), "input_file_id"],
    ["another model", (id) => bodyFor(id, { model: "dear" }), "model"],
    ["a model in their place", (id) => bodyFor(id, { replace: { model: "dear" } }), "replace"],
    ["the id of a model", (id) => bodyFor(id, { model_id: "dear" }), "model_id"],
    ["other requests", (id) => bodyFor(id, { requests: [] }), "requests"],
  ])("is refused with %s", async (_what, body, param) => {
    const refused = await refusal(body(await uploaded()));
    expect(refused).toMatchObject([400, "invalid_request", param, expect.any(String)]);
  });

  test("is only for access tokens that may use the model of its lines", async () => {
    const id = await uploaded();
    const bound = await tollgate.addToken(tenantId, { allowedModels: ["another"] });
    const told = `This access token may not use the model "${PUBLIC_MODEL}".`;
    const refused = [403, "model_not_allowed", "model", told];
    expect(await refusal(bodyFor(id), bound.token)).toEqual(refused);
    const others = await uploaded(lineOf(PUBLIC_MODEL, { models: ["dear"] }));
    const allowed = await tollgate.addToken(tenantId, { allowedModels: [PUBLIC_MODEL] });
    const naming = [
      403,
      "model_not_allowed",
      "models",
      "This access token is for certain models, and 'models' may name others.",
    ];
    expect(await refusal(bodyFor(others), allowed.token)).toEqual(naming);
  });
});

function target(model: string) {
  return { providerId: provider.id, model, weight: 1, priority: 0 };
}

describe("the model of a batch", () => {
  test("is the one that its lines name at the provider, whatever its route has since", async () => {
    const route = await tollgate.addRoute("moving", [target(UPSTREAM_MODEL)]);
    const id = await uploaded(lineOf("moving"));
    await tollgate.addPrice(provider.id, "dear-model");
    await tollgate.gateway.directory.changed("routes", route.id, {
      ...route,
      targets: [target("dear-model"), target(UPSTREAM_MODEL)],
    });
    upstream.answer({ pieces: [JSON.stringify(batchOf())] });
    const { status } = await ask("POST", path, bodyFor(id));
    expect(status).toBe(200);
    await tollgate.gateway.directory.changed("routes", route.id, {
      ...route,
      targets: [target("dear-model")],
    });
    const told = `The model "moving" is not served by the provider that keeps the file '${id}'.`;
    expect(await refusal(bodyFor(id))).toEqual([400, "invalid_request", "input_file_id", told]);
  });

  test("has a price for what its lines ask for", async () => {
    await tollgate.addRoute("unpriced", [target("nobody-knows-1")]);
    const id = await uploaded(lineOf("unpriced"));
    const told =
      'The model "unpriced" has no known price; an operator can set one under /api/v1/prices.';
    expect(await refusal(bodyFor(id))).toEqual([403, "model_unpriced", "model", told]);
    const body = { model: PUBLIC_MODEL, prompt: "a fish" };
    const url = "/v1/images/generations";
    const pictures = await uploaded(JSON.stringify({ method: "POST", url, body }));
    upstream.answer({ pieces: [JSON.stringify(batchOf())] });
    expect((await ask("POST", path, bodyFor(pictures, { endpoint: url }))).status).toBe(200);
  });
});

describe("a batch", () => {
  test("is shown and stopped by who works on it, and found by its tenant alone", async () => {
    const { id } = await created();
    for (const [method, to] of [
      ["GET", `${path}/${id}`],
      ["POST", `${path}/${id}/cancel`],
    ] as const) {
      upstream.forget();
      const told = JSON.stringify(batchOf({ id, status: "cancelling" }));
      upstream.answer({ pieces: [told] });
      expect(await ask(method, to, null)).toEqual({ status: 200, text: told });
      const seen = upstream.seen.map((one) => [one.method, one.path, one.headers["authorization"]]);
      expect(seen).toEqual([[method, to, `Bearer ${CREDENTIAL}`]]);
      const [foreign, none] = [
        await ask(method, to, null, other.token),
        await ask(method, to.replace(id, "batch_none"), null, other.token),
      ];
      expect([foreign.status, foreign.text.replaceAll(id, "batch_none")]).toEqual([
        404,
        none.text.replace(/req_\w+/, /req_\w+/.exec(foreign.text)?.[0] ?? ""),
      ]);
      expect(upstream.seen.length).toBe(1);
    }
  });

  test("gives its tenant the files that came of it, as soon as it is told of them", async () => {
    const { id } = await created();
    const [output, errors] = [`file-out-${id}`, `file-err-${id}`];
    expect((await get(`/v1/files/${output}/content`)).status).toBe(404);
    const ended = { id, status: "completed", output_file_id: output, error_file_id: errors };
    upstream.answer({ pieces: [JSON.stringify(batchOf(ended))] });
    await get(`${path}/${id}`);
    await settled();
    upstream.answer({ headers: { "content-type": "application/jsonl" }, pieces: ["{}\n{}\n"] });
    for (const file of [output, errors]) {
      const content = await get(`/v1/files/${file}/content`);
      expect(content).toEqual({ status: 200, text: "{}\n{}\n" });
      expect((await get(`/v1/files/${file}/content`, other.token)).status).toBe(404);
    }
  });

  test("stands in its tenant's list as it was told last, newest first", async () => {
    const mine = await tollgate.addToken((await tollgate.addTenant()).id);
    const page = (batches: readonly Batch[], has_more = false): object => ({
      object: "list",
      data: batches,
      first_id: batches[0]?.id ?? null,
      last_id: batches.at(-1)?.id ?? null,
      has_more,
    });
    const list = async (query: string, as = mine.token): Promise<unknown> =>
      JSON.parse((await get(`${path}${query}`, as)).text);
    expect(await list("")).toEqual(page([]));
    const batches: Batch[] = [];
    for (let count = 0; count < 3; count += 1) batches.unshift(await created(mine.token));
    const [third, second, first] = batches;
    if (third === undefined || second === undefined || first === undefined) throw new Error("none");
    expect(await list("")).toEqual(page([third, second, first]));
    const ended = { ...second, status: "completed" };
    upstream.answer({ pieces: [JSON.stringify(ended)] });
    await get(`${path}/${second.id}`, mine.token);
    await settled();
    upstream.forget();
    expect(await list("?limit=2")).toEqual(page([third, ended], true));
    expect(await list(`?limit=2&after=${second.id}`)).toEqual(page([first]));
    const refused = { error: expect.objectContaining({ code: "invalid_request", param: "limit" }) };
    expect(await list("?limit=101")).toEqual(refused);
    // Jobs are looked after meanwhile, each by its id.
    expect(upstream.seen.filter((one) => one.path.split("?")[0] === path)).toEqual([]);
  });
});
