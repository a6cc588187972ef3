/**
 * Conversations that their provider keeps: made by no model, gone on with by responses, and each tenant's
 * own. The provider here has two accounts, and keeps what each made apart.
 */
import { beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { type Item, message, response } from "./responses-answers.ts";
import { conformanceStageForFile, PUBLIC_MODEL } from "./stage.ts";
import { accountOf, addTwoAccounts, TWO_ACCOUNTS } from "./two-accounts.ts";

const stage = await conformanceStageForFile("openai", "/v1");
const { tenantId, token, tollgate, upstream } = stage;
const PATH = "/v1/conversations";

const { double, stranger } = await addTwoAccounts(stage);

let made = 0;

/** Creates make something new each time; anything else is told what was asked. */
beforeEach(() => {
  upstream.answer(({ method, path }) => {
    const [bare = ""] = path.split("?");
    const isCreate = method === "POST";
    if (isCreate) made += 1;
    if (isCreate && bare === PATH) return json(conversation(`conv_${made}`));
    if (isCreate && bare === "/v1/responses") {
      return json(response([message("Hi", `msg_${made}`)], { id: `resp_${made}` }));
    }
    if (isCreate && bare === "/v1/files") return json({ id: `file-${made}`, object: "file" });
    if (isCreate && bare.endsWith("/items")) return json(page([message("Hi", `item_${made}`)]));
    return json({ asked: `${method} ${path}` });
  });
});

const json = (body: object) => ({ pieces: [JSON.stringify(body)] });
const page = (data: readonly Item[]): Item => ({ object: "list", data, has_more: false });
const conversation = (id: string): Item => ({ id, object: "conversation", metadata: {} });

type Wish = {
  readonly method?: string;
  readonly body?: string;
  readonly model?: string;
  readonly by?: string;
};

async function ask(path: string, { method = "POST", body, model, by = token }: Wish = {}) {
  upstream.forget();
  const answer = await fetch(`${tollgate.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${by}`,
      ...(model === undefined ? {} : { "x-tollgate-model": model }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, text, told: JSON.parse(text), seen: upstream.seen.at(-1) };
}

/** One at an account of the provider with two. */
async function created(more: Wish = {}) {
  const answer = await ask(PATH, { model: TWO_ACCOUNTS, body: "{}", ...more });
  expect(answer.status).toBe(200);
  return { id: String(answer.told.id), account: accountOf(answer.seen) };
}

function respond(more: object, by = token) {
  const body = JSON.stringify({ model: TWO_ACCOUNTS, input: "hi", ...more });
  return ask("/v1/responses", { body, by });
}

const NOT_FOUND = (what: string, id: string, param: string | null) => ({
  error: {
    message: `${what} with id '${id}' not found.`,
    type: "invalid_request_error",
    code: "not_found",
    param,
  },
});

describe("a conversation is kept", () => {
  test("by a provider that serves the model in the header, which is told nothing of it", async () => {
    const body = '{"metadata":{"a":"b"}}';
    const { seen } = await ask(PATH, { model: PUBLIC_MODEL, body });
    expect([seen?.path, new TextDecoder().decode(seen?.body)]).toEqual([PATH, body]);
    expect(seen?.headers["x-tollgate-model"]).toBeUndefined();
    expect(await lastAttempt(tollgate)).toMatchObject({ amountNanoUsd: 0, heldNanoUsd: 0 });
  });

  test("by the only one that keeps such things, without the header and without a body", async () => {
    const refused = await ask(PATH);
    expect([refused.status, refused.told.error]).toMatchObject([
      400,
      { param: "x-tollgate-model", message: expect.stringContaining("Several providers") },
    ]);
    const { directory } = tollgate.gateway;
    await directory.changed("providers", double.id, null);
    const taken = await ask(PATH);
    await respond({ model: PUBLIC_MODEL });
    const body = JSON.stringify({ items: [{ type: "item_reference", id: `msg_${made}` }] });
    const holding = await ask(PATH, { body });
    await directory.changed("providers", double.id, double);
    expect([taken.status, taken.seen?.body]).toEqual([200, new Uint8Array()]);
    expect([holding.status, new TextDecoder().decode(holding.seen?.body)]).toEqual([200, body]);
  });

  test("until it is deleted, and so are the items in it", async () => {
    const { id } = await created();
    await ask(`${PATH}/${id}/items`, { body: '{"items":[]}' });
    const nowMs = tollgate.gateway.clock.nowMs();
    const rows = await tollgate.store.findObjects(tenantId, [id, `item_${made}`], nowMs);
    expect(rows.map(({ kind }) => kind).toSorted()).toEqual(["conversation", "item"]);
    expect(rows.every((row) => row.expiresAtMs - row.createdAtMs === LIMITS.filesKeptMs)).toBe(
      true,
    );
  });
});

const WAYS = [
  ["GET", "", undefined],
  ["POST", "", '{ "metadata":{"a":"🙂"}}'],
  ["GET", "/items?limit=2&order=asc", undefined],
  ["POST", "/items?include[]=x", '{ "items":[{"role":"user","content":"🙂"}]}'],
  ["GET", "/items/msg_of_the_provider", undefined],
  ["DELETE", "/items/msg_of_the_provider", undefined],
  ["DELETE", "", undefined],
] as const;

describe.each(WAYS)("%s /v1/conversations/{id}%s", (method, below, body) => {
  const wish = { method, ...(body === undefined ? {} : { body }) };

  test("goes to the account that keeps it as it came, and costs nothing", async () => {
    const accounts = new Set<string | undefined>();
    for (let turn = 0; turn < 4; turn += 1) {
      const { id, account } = await created();
      const { status, seen } = await ask(`${PATH}/${id}${below}`, wish);
      expect([status, seen?.method, seen?.path]).toEqual([200, method, `${PATH}/${id}${below}`]);
      expect([new TextDecoder().decode(seen?.body), accountOf(seen)]).toEqual([
        body ?? "",
        account,
      ]);
      accounts.add(account);
    }
    expect(accounts).toEqual(new Set(["Bearer account-1", "Bearer account-2"]));
    expect(await lastAttempt(tollgate)).toMatchObject({
      outcome: "ok",
      amountNanoUsd: 0,
      heldNanoUsd: 0,
    });
  });

  test("of another tenant is as unknown as one that never was, and nothing is asked", async () => {
    const { id } = await created();
    for (const one of [id, "conv_never"]) {
      const refused = await ask(`${PATH}/${one}${below}`, { ...wish, by: stranger });
      expect([refused.status, refused.told]).toEqual([404, NOT_FOUND("Conversation", one, null)]);
      expect(upstream.seen.length).toBe(0);
    }
  });

  test("cannot be asked by the id of something else", async () => {
    await respond({});
    const id = `resp_${made}`;
    const refused = await ask(`${PATH}/${id}${below}`, wish);
    expect([refused.told, upstream.seen.length]).toEqual([NOT_FOUND("Conversation", id, null), 0]);
  });
});

test("an item has no other name: what could leave its conversation is nothing", async () => {
  const { id } = await created();
  for (const item of ["%252e%252e", "a%2Fb", "a%20b", "..%2F..", "x".repeat(300)]) {
    const answer = await ask(`${PATH}/${id}/items/${item}`, { method: "GET" });
    expect([answer.status, upstream.seen.length]).toEqual([404, 0]);
  }
});

describe("a deleted conversation", () => {
  test("is forgotten, and not where its provider refused", async () => {
    const { id } = await created();
    const error = { message: "Busy.", type: "invalid_request_error" };
    upstream.answer({ status: 400, pieces: [JSON.stringify({ error })] });
    expect((await ask(`${PATH}/${id}`, { method: "DELETE" })).status).toBe(400);
    upstream.answer(json({ id, deleted: true }));
    expect((await ask(`${PATH}/${id}`, { method: "DELETE" })).status).toBe(200);
    const gone = await ask(`${PATH}/${id}`, { method: "GET" });
    expect([gone.told, upstream.seen.length]).toEqual([NOT_FOUND("Conversation", id, null), 0]);
  });

  test("is still there when an item was taken out of it", async () => {
    const { id } = await created();
    expect((await ask(`${PATH}/${id}/items/msg_1`, { method: "DELETE" })).status).toBe(200);
    expect((await ask(`${PATH}/${id}`, { method: "GET" })).status).toBe(200);
  });
});

const user = (content: unknown) => ({ role: "user", content });
const picture = (file_id: string) => user([{ type: "input_image", file_id }]);
const kindOf = (param: string) => (param.endsWith("file_id") ? "File" : "Item");

const NAMED: readonly (readonly [string, (id: string) => Item, string])[] = [
  ["an item by reference", (id) => ({ type: "item_reference", id }), "items[1].id"],
  ["an item by its id alone", (id) => ({ id }), "items[1].id"],
  // A server that finds it takes what it keeps, not what was sent.
  ["an item as a whole", (id) => message("mine", id), "items[1].id"],
  ["a file", picture, "items[1].content[0].file_id"],
];

/** An item or a file that an account of the provider with two keeps. */
async function keptThing(kind: "File" | "Item") {
  if (kind === "Item") {
    const { seen } = await respond({});
    return { id: `msg_${made}`, account: accountOf(seen) };
  }
  const form = new FormData();
  form.append("file", new File(["hi"], "a.txt"));
  const answer = await fetch(`${tollgate.url}/v1/files`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "x-tollgate-model": TWO_ACCOUNTS },
    body: form,
  });
  expect(answer.status).toBe(200);
  return { id: `file-${made}`, account: accountOf(upstream.seen.at(-1)) };
}

describe("what a body names", () => {
  test.each(NAMED)("%s: goes into a conversation of its own account alone", async (...one) => {
    const [, item, param] = one;
    const { id, account } = await keptThing(kindOf(param));
    const body = JSON.stringify({ items: [user("hi"), item(id)] });
    const first = await created({ body });
    expect(first.account).toBe(account);
    const added = await ask(`${PATH}/${first.id}/items`, { body });
    expect([added.status, accountOf(added.seen)]).toEqual([200, account]);
    let other = await created();
    if (other.account === account) other = await created();
    const refused = await ask(`${PATH}/${other.id}/items`, { body });
    expect([refused.status, refused.told.error.code, upstream.seen.length]).toEqual([
      400,
      "invalid_request",
      0,
    ]);
  });

  test.each(NAMED)("%s of another tenant reaches no provider", async (...one) => {
    const [, item, param] = one;
    const kind = kindOf(param);
    const { id } = await keptThing(kind);
    const own = await created({ by: stranger });
    for (const path of [PATH, `${PATH}/${own.id}`, `${PATH}/${own.id}/items`]) {
      const body = JSON.stringify({ items: [user("hi"), item(id)] });
      const refused = await ask(path, { body, by: stranger, model: TWO_ACCOUNTS });
      expect([refused.status, refused.told]).toEqual([404, NOT_FOUND(kind, id, param)]);
      expect(upstream.seen.length).toBe(0);
    }
  });

  test.each([
    ["{", "invalid_json", null],
    ["[]", "invalid_request", null],
    ['{"items":{"id":"msg_1"}}', "invalid_request", "items"],
    ['{"items":[],"items":[{"id":"msg_1"}]}', "invalid_request", "items"],
    ['{"Items":[{"id":"msg_1"}]}', "invalid_request", "items"],
  ])("%s is refused, for it could be read otherwise there", async (body, code, param) => {
    const { id } = await created();
    for (const path of [PATH, `${PATH}/${id}`, `${PATH}/${id}/items`]) {
      const refused = await ask(path, { body, model: TWO_ACCOUNTS });
      expect([refused.status, refused.told.error]).toMatchObject([400, { code, param }]);
      expect(upstream.seen.length).toBe(0);
    }
  });
});

describe("a response", () => {
  test("goes on with a conversation where that is kept, and its items can be named after", async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      const { id, account } = await created();
      const first = await respond({ conversation: turn % 2 === 0 ? id : { id } });
      expect([first.status, accountOf(first.seen)]).toEqual([200, account]);
      const item = { type: "item_reference", id: `msg_${made}` };
      const next = await respond({ conversation: id, input: [item] });
      expect([next.status, accountOf(next.seen)]).toEqual([200, account]);
    }
  });

  test("may name what was added to a conversation, or listed or shown of it", async () => {
    const { id, account } = await created();
    await ask(`${PATH}/${id}/items`, { body: '{"items":[]}' });
    const added = `item_${made}`;
    upstream.answer(json(page([message("Hi", "msg_listed")])));
    await ask(`${PATH}/${id}/items`, { method: "GET" });
    upstream.answer(json(message("Hi", "msg_shown")));
    await ask(`${PATH}/${id}/items/msg_shown`, { method: "GET" });
    upstream.answer(json(response([])));
    const input = [added, "msg_listed", "msg_shown"].map((one) => {
      return { type: "item_reference", id: one };
    });
    const next = await respond({ input });
    expect([next.status, accountOf(next.seen)]).toEqual([200, account]);
    expect((await respond({ input }, stranger)).told).toEqual(
      NOT_FOUND("Item", added, "input[0].id"),
    );
  });

  test("cannot go on with the conversation of another tenant", async () => {
    const { id } = await created();
    const refused = await respond({ conversation: id }, stranger);
    expect(refused.told).toEqual(NOT_FOUND("Conversation", id, "conversation"));
    expect(upstream.seen.length).toBe(0);
  });
});

test("an access token for other models has no way to the conversations of a model", async () => {
  const { id } = await created();
  const { token: by } = await tollgate.addToken(tenantId, { allowedModels: [PUBLIC_MODEL] });
  for (const path of [PATH, `${PATH}/${id}`, `${PATH}/${id}/items`]) {
    const refused = await ask(path, { model: TWO_ACCOUNTS, body: "{}", by });
    expect([refused.status, refused.told.error.code, upstream.seen.length]).toEqual([
      403,
      "model_not_allowed",
      0,
    ]);
  }
  const unnamed = await ask(PATH, { body: "{}", by });
  expect([unnamed.status, unnamed.told.error.param]).toEqual([400, "x-tollgate-model"]);
});
