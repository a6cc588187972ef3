/**
 * Files through Tollgate: to the byte in both directions, kept where they were uploaded, and each tenant's
 * own. Answers are shaped as the types of openai-node 7.55 say (2026-11).
 */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import { cutAt, FORM_HEADERS, formBytes, type Part } from "./multipart.ts";
import { startRecordedUpstream } from "./recorded-upstream.ts";
import { conformanceStageForFile, CREDENTIAL, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

const { through, upstream, tollgate, tenantId, token, provider } = await conformanceStageForFile(
  "openai",
  "/v1",
);
beforeEach(() => freshProvider(tollgate, provider));

const path = "/v1/files";
const JSON_HEADERS = { "x-tollgate-model": PUBLIC_MODEL };
const UPLOAD = { path, headers: { ...FORM_HEADERS, ...JSON_HEADERS } };

const bytesOf = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, index) => (index * 13 + (index >> 8)) % 256);

/** With a field that the gateway replaces elsewhere: here it is the provider's. */
const form = (bytes = 3_000): Uint8Array<ArrayBuffer> => {
  const parts: Part[] = [
    ["purpose", "user_data"],
    ["model", PUBLIC_MODEL],
    ["file", bytesOf(bytes)],
  ];
  return formBytes(parts);
};

let made = 0;

type FileShown = { readonly id: string } & Readonly<Record<string, unknown>>;

function fileObject(more: object = {}): FileShown {
  made += 1;
  return {
    id: `file-${made}`,
    object: "file",
    bytes: 3_000,
    created_at: 1_763_631_000 + made,
    filename: "f.bin",
    purpose: "user_data",
    status: "processed",
    x_unknown: "🙂",
    ...more,
  };
}

/** Uploads a file; answers what its provider says of it. */
async function uploaded(as = token, more: object = {}): Promise<FileShown> {
  const file = fileObject(more);
  upstream.answer({ pieces: [JSON.stringify(file)] });
  const headers = { ...UPLOAD.headers, authorization: `Bearer ${as}` };
  const answer = await through({ path, headers, body: form() });
  expect([answer.status, answer.text]).toEqual([200, JSON.stringify(file)]);
  return file;
}

function get(to: string, as = token, method = "GET"): Promise<Response> {
  return fetch(`${tollgate.url}${to}`, { method, headers: { authorization: `Bearer ${as}` } });
}

test("an upload of megabytes is sent from its spool, and again after a failure", async () => {
  const failures = [{ status: 502, pieces: ["{}"] }];
  upstream.answer(() => failures.shift() ?? { pieces: [JSON.stringify(fileObject())] });
  const { status } = await through({ ...UPLOAD, body: form(3_000_000) });
  const whole = form(3_000_000);
  expect([status, upstream.seen.length, tollgate.gateway.spools.takenBytes]).toEqual([200, 2, 0]);
  expect(upstream.seen.map(({ body }) => Buffer.compare(body, whole))).toEqual([0, 0]);
});

describe("a file", () => {
  test("is shown and deleted by the provider that keeps it, and then gone", async () => {
    const { id } = await uploaded();
    const asked = [
      ["GET", `${path}/${id}`, JSON.stringify({ id, object: "file", status: "processed" })],
      ["DELETE", `${path}/${id}`, JSON.stringify({ id, object: "file", deleted: true })],
    ] as const;
    for (const [method, to, told] of asked) {
      upstream.forget();
      upstream.answer({ pieces: [told] });
      const answer = await get(to, token, method);
      expect([answer.status, await answer.text()]).toEqual([200, told]);
      const seen = upstream.seen.map((one) => [one.method, one.path, one.headers["authorization"]]);
      expect(seen).toEqual([[method, to, `Bearer ${CREDENTIAL}`]]);
    }
    expect([(await get(`${path}/${id}`)).status, upstream.seen.length]).toEqual([404, 1]);
  });

  test("is not shown, deleted or given to another tenant, nor said to be there", async () => {
    const { id } = await uploaded();
    const other = await tollgate.addToken((await tollgate.addTenant()).id);
    upstream.forget();
    for (const [method, to] of [
      ["GET", `${path}/${id}`],
      ["DELETE", `${path}/${id}`],
      ["GET", `${path}/${id}/content`],
    ] as const) {
      const answers = [
        await get(to, other.token, method),
        await get(to.replace(id, "file-none"), other.token, method),
      ];
      const told = await Promise.all(
        answers.map(async (one) => (await one.text()).replaceAll(id, "file-none")),
      );
      expect([answers[0]?.status, told[0]]).toEqual([404, told[1] ?? ""]);
    }
    expect(upstream.seen).toEqual([]);
  });
});

describe("the content of a file", () => {
  const headers = {
    "content-type": "application/json",
    "content-disposition": 'attachment; filename="f.json"',
  };

  test("comes to the byte, whatever type it is of and however it is cut", async () => {
    const { id } = await uploaded();
    const places = fc.array(fc.nat({ max: 200_000 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 200_000 }), places, async (length, cuts) => {
        upstream.answer({
          headers,
          pieces: cutAt(
            bytesOf(length),
            cuts.toSorted((a, b) => a - b),
          ),
        });
        const answer = await get(`${path}/${id}/content`);
        expect(Buffer.compare(await answer.bytes(), bytesOf(length))).toBe(0);
        const told = Object.keys(headers).map((name) => answer.headers.get(name));
        expect([answer.status, ...told]).toEqual([200, ...Object.values(headers)]);
      }),
      { numRuns: 15 },
    );
  });

  test("that breaks off is broken off towards the client, and never looks complete", async () => {
    const { id } = await uploaded();
    upstream.answer({ headers, pieces: [bytesOf(100_000)], end: "hang" });
    const answer = await get(`${path}/${id}/content`);
    const reader = answer.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    const rest = (async () => {
      while ((await reader?.read())?.done === false);
      return "complete";
    })();
    upstream.breakOff();
    expect(await rest.catch(() => "broken")).toBe("broken");
  });

  test("that is refused comes back as the refusal", async () => {
    const { id } = await uploaded();
    const refusal = '{"error":{"message":"Not allowed to download files of purpose: user_data"}}';
    upstream.answer({ status: 400, pieces: [refusal] });
    const answer = await get(`${path}/${id}/content`);
    expect([answer.status, await answer.text()]).toEqual([400, refusal]);
  });
});

/** A list as OpenAI's API gives it. */
function page(files: readonly FileShown[], hasMore = false): object {
  return {
    object: "list",
    data: files,
    first_id: files[0]?.id ?? null,
    last_id: files.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

describe("the list of files", () => {
  test("holds the tenant's own, newest first, as their provider described them, and asks nobody", async () => {
    const mine = await tollgate.addToken((await tollgate.addTenant()).id);
    await uploaded();
    const [one, two, three] = [
      await uploaded(mine.token),
      await uploaded(mine.token, { purpose: "vision" }),
      await uploaded(mine.token),
    ];
    upstream.forget();
    const list = async (query: string): Promise<unknown> =>
      (await get(`${path}${query}`, mine.token)).json();
    expect(await list("")).toEqual(page([three, two, one]));
    expect(await list("?order=asc&limit=2")).toEqual(page([one, two], true));
    expect(await list(`?order=asc&limit=2&after=${two.id}`)).toEqual(page([three]));
    expect(await list("?purpose=vision")).toEqual(page([two]));
    expect(await list("?after=file-none")).toEqual(page([]));
    expect(upstream.seen).toEqual([]);
  });

  test.each([
    ["?limit=0", "limit"],
    ["?limit=10001", "limit"],
    ["?limit=many", "limit"],
    ["?order=up", "order"],
  ])("is refused for %s", async (query, param) => {
    const answer = await get(`${path}${query}`);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: expect.objectContaining({ code: "invalid_request", param }) },
    ]);
  });

  test("is only for who has an access token", async () => {
    expect((await get(path, "sk-none")).status).toBe(401);
  });

  test("forgets files when their provider does", async () => {
    const mine = await tollgate.addToken((await tollgate.addTenant()).id);
    const expires_at = Math.floor(Date.now() / 1_000) + 1;
    const short = { created_at: expires_at - 0.001, expires_at };
    await uploaded(mine.token, short);
    await until(async () => {
      const told = (await (await get(path, mine.token)).json()) as { data: unknown[] };
      return told.data.length === 0;
    });
  });
});

const TEXT_PART = { type: "text", text: "hi" };

test.each<[where: string, content: (id: string) => unknown]>([
  ["OpenAI", (id) => [TEXT_PART, { type: "file", file: { file_id: id } }]],
  ["Mistral", (id) => [TEXT_PART, { type: "file", file_id: id }]],
  ["who takes one part for a list", (id) => ({ type: "file", file: { file_id: id } })],
])(
  "a chat about a file, as %s takes it, goes to who keeps it and is its tenant's alone",
  async (...one) => {
    const [, content] = one;
    const { id } = await uploaded();
    const other = await tollgate.addToken((await tollgate.addTenant()).id);
    const messages = [{ role: "user", content: content(id) }];
    const answer = '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}';
    upstream.forget();
    upstream.answer({ pieces: [answer] });
    const ask = (as: string): ReturnType<typeof through> => {
      const headers = { authorization: `Bearer ${as}` };
      const body = JSON.stringify({ model: PUBLIC_MODEL, messages });
      return through({ path: "/v1/chat/completions", headers, body });
    };
    const refused = await ask(other.token);
    expect([refused.status, JSON.parse(refused.text)]).toEqual([
      404,
      { error: expect.objectContaining({ code: "not_found", param: "messages[0]" }) },
    ]);
    expect([(await ask(token)).text, upstream.seen.length]).toEqual([answer, 1]);
  },
);

describe("where several providers could keep a file", () => {
  const later: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const give of later) await give();
  });

  test("the header tells the model that it is for; without it none is chosen", async () => {
    // The only one that there is needs no header; who keeps files for batches alone is none.
    await tollgate.addProvider({ name: "groq", terms: { company: "groq" } });
    upstream.answer({ pieces: [JSON.stringify(fileObject())] });
    const plain = { path, headers: FORM_HEADERS, body: form() };
    expect((await through(plain)).status).toBe(200);

    const other = await startRecordedUpstream();
    later.push(() => other.stop());
    const second = await tollgate.addProvider({ name: "second", baseUrl: `${other.url}/v1` });
    await tollgate.addPrice(second.id, "m");
    const file = fileObject();
    other.answer({ pieces: [JSON.stringify(file)] });
    upstream.forget();

    const refused = await through(plain);
    expect([refused.status, JSON.parse(refused.text)]).toEqual([
      400,
      { error: expect.objectContaining({ code: "invalid_request", param: "x-tollgate-model" }) },
    ]);
    const headers = { ...FORM_HEADERS, "x-tollgate-model": "second/m" };
    expect((await through({ ...plain, headers })).text).toBe(JSON.stringify(file));
    expect((await get(`${path}/${file.id}`)).status).toBe(200);
    expect([upstream.seen.length, other.seen.length]).toEqual([0, 2]);
    expect(other.seen[0]?.headers["x-tollgate-model"]).toBeUndefined();
  });

  test("it is said how one is chosen where nobody keeps any for no model", async () => {
    const { directory } = tollgate.gateway;
    const keepers = [...directory.providers()].map(({ row }) => row);
    for (const { id, name } of keepers) {
      if (name !== "groq") await directory.changed("providers", id, null);
    }
    const refused = await through({ path, headers: FORM_HEADERS, body: form() });
    for (const row of keepers) await directory.changed("providers", row.id, row);
    const message =
      "No provider is asked for files that are for no model: " +
      "say with the header x-tollgate-model for which model it is.";
    expect([refused.status, JSON.parse(refused.text).error]).toMatchObject([
      404,
      { code: "model_not_found", param: "x-tollgate-model", message },
    ]);
  });

  test("an access token for certain models must name one of them", async () => {
    const limited = await tollgate.addToken(tenantId, { allowedModels: [PUBLIC_MODEL] });
    const ask = async (more: Record<string, string>): Promise<number> => {
      const headers = { ...FORM_HEADERS, authorization: `Bearer ${limited.token}`, ...more };
      upstream.answer({ pieces: [JSON.stringify(fileObject())] });
      return (await through({ path, headers, body: form() })).status;
    };
    expect(await ask({})).toBe(400);
    expect(await ask({ "x-tollgate-model": "second/m" })).toBe(403);
    expect(await ask({ "x-tollgate-model": PUBLIC_MODEL })).toBe(200);
  });

  test.each([
    ["a file", path, () => form(10)],
    ["a form that is not in memory", "/v1/images/edits", largeForm],
  ])("%s is never on its way to two of them at once", async (_what, to, body) => {
    const target = { providerId: provider.id, model: UPSTREAM_MODEL, weight: 1, priority: 0 };
    const other = await startRecordedUpstream();
    later.push(() => other.stop());
    const third = await tollgate.addProvider({ name: `of ${to}`, baseUrl: `${other.url}/v1` });
    await tollgate.addPrice(third.id, "m");
    const targets = [target, { providerId: third.id, model: "m", weight: 1, priority: 1 }];
    const hedge = { percentile: 95, delayMsMin: 1, percentMax: 100 };
    const model = `hedged${to}`;
    await tollgate.addRoute(model, targets, { terms: { hedge } });
    upstream.forget();
    upstream.answer({ pieces: [], end: "hang" });
    const headers = {
      ...FORM_HEADERS,
      "x-tollgate-model": model,
      "x-tollgate-timeout-ms": "200",
    };
    expect((await through({ path: to, headers, body: body(model) })).status).toBe(504);
    expect([upstream.seen.length, other.seen.length]).toEqual([1, 0]);
    upstream.breakOff();
  });
});

function largeForm(model: string): Uint8Array<ArrayBuffer> {
  return formBytes([
    ["model", model],
    ["image", bytesOf(2_000_000)],
  ]);
}
