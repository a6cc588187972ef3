/**
 * Responses that their provider keeps: who may name them, where requests that do go, and what there is to
 * do with one. The provider here has two accounts, and keeps what each made apart.
 */
import { beforeEach, describe, expect, test } from "bun:test";
import { until } from "../support/until.ts";
import { lastAttempt } from "./ledger-rows.ts";
import {
  begun,
  called,
  completed,
  events,
  functionCall,
  type Item,
  message,
  reasoned,
  response,
  usage,
  written,
} from "./responses-answers.ts";
import { type Asked, conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";
import { accountOf, addTwoAccounts, TWO_ACCOUNTS } from "./two-accounts.ts";

const stage = await conformanceStageForFile("openai", "/v1", {
  inputPicoUsd: 1_000_000,
  outputPicoUsd: 1_000_000,
});
const { direct, tenantId, through, token, tollgate, upstream } = stage;
const EVENT_STREAM = { "content-type": "text/event-stream" };
const PATH = "/v1/responses";

const { double, stranger } = await addTwoAccounts(stage);

let made = 0;

/** Every create makes a new one, with a message in it; anything else is told what was asked. */
beforeEach(() => {
  upstream.answer((seen) => {
    if (seen.method === "POST" && seen.path === PATH) {
      made += 1;
      const { stream } = JSON.parse(new TextDecoder().decode(seen.body));
      return stream === true ? streamed(made) : { pieces: [JSON.stringify(plain(made))] };
    }
    return { pieces: [JSON.stringify({ asked: `${seen.method} ${seen.path}` })] };
  });
});

const idOf = (number: number): string => `resp_${String(number).padStart(4, "0")}`;

function plain(number: number, more: Item = {}): Item {
  return response([message("Hi", `msg_${number}`)], { id: idOf(number), ...more });
}

function streamed(number: number) {
  const id = idOf(number);
  const list = [...begun({ id }), ...written(["Hi"], 0, `msg_${number}`)];
  const text = events([...list, completed([message("Hi", `msg_${number}`)], { id })]);
  return { headers: EVENT_STREAM, pieces: [text] };
}

async function ask(by: string, { method = "POST", path, body }: Asked) {
  const answer = await fetch(`${tollgate.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${by}` },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, text, headers: answer.headers, seen: upstream.seen.at(-1) };
}

async function create(more: object, by = token) {
  const body = JSON.stringify({ model: TWO_ACCOUNTS, input: "hi", ...more });
  return { ...(await ask(by, { path: PATH, body })), id: idOf(made) };
}

const NOT_FOUND = (what: string, id: string, param: string | null) => ({
  error: {
    message: `${what} with id '${id}' not found.`,
    type: "invalid_request_error",
    code: "not_found",
    param,
  },
});

describe("an earlier response", () => {
  test.each([false, true])("is gone on from where it is kept (streamed: %p)", async (stream) => {
    // Turns go round, for new ones alone: without a pin every second one would come to the other account.
    for (let turn = 0; turn < 4; turn += 1) {
      const first = await create({ stream });
      for (let step = 0; step < 3; step += 1) {
        const next = await create({ previous_response_id: first.id, stream });
        expect([next.status, accountOf(next.seen)]).toEqual([200, accountOf(first.seen)]);
      }
    }
    const accounts = new Set(upstream.seen.map(accountOf));
    expect(accounts).toEqual(new Set(["Bearer account-1", "Bearer account-2"]));
  });

  test.each([
    ["wherever its credential stands now", ["account-2", "account-1"], "Bearer account-1"],
    ["with what took its credential's place", ["account-9", "account-2"], "Bearer account-9"],
  ])("is gone on from %s", async (_where, [credentialSealed = "", second = ""], expected) => {
    let first = await create({});
    if (accountOf(first.seen) !== "Bearer account-1") first = await create({});
    expect(accountOf(first.seen)).toBe("Bearer account-1");
    const { directory } = tollgate.gateway;
    const terms = { moreCredentialsSealed: [second] };
    await directory.changed("providers", double.id, { ...double, credentialSealed, terms });
    const again = await create({ previous_response_id: first.id });
    await directory.changed("providers", double.id, double);
    expect([again.status, accountOf(again.seen)]).toEqual([200, expected]);
  });

  test("of another tenant is as unknown as one that never was, and nothing is asked", async () => {
    const first = await create({});
    upstream.forget();
    for (const id of [first.id, "resp_never"]) {
      const refused = await create({ previous_response_id: id }, stranger);
      expect([refused.status, JSON.parse(refused.text)]).toEqual([
        404,
        NOT_FOUND("Response", id, "previous_response_id"),
      ]);
    }
    expect(upstream.seen.length).toBe(0);
  });

  test("that was not to be kept is nobody's", async () => {
    upstream.answer(() => ({ pieces: [JSON.stringify(plain(++made, { store: false }))] }));
    const first = await create({ store: false });
    expect((await create({ previous_response_id: first.id })).status).toBe(404);
  });

  test("cannot be gone on from with a model of another provider", async () => {
    const first = await create({});
    const body = JSON.stringify({ model: PUBLIC_MODEL, previous_response_id: first.id });
    const refused = await ask(token, { path: PATH, body });
    expect([refused.status, JSON.parse(refused.text).error]).toMatchObject([
      400,
      {
        code: "invalid_request",
        param: "previous_response_id",
        message: `The model "public-model" is not served by the provider that keeps the response '${first.id}'.`,
      },
    ]);
  });

  test("whose provider was removed is gone, and the answer says why", async () => {
    const first = await create({});
    const { directory } = tollgate.gateway;
    await directory.changed("providers", double.id, null);
    const shown = await ask(token, { method: "GET", path: `${PATH}/${first.id}` });
    await directory.changed("providers", double.id, double);
    expect([shown.status, JSON.parse(shown.text).error.message]).toEqual([
      404,
      `The provider that keeps the response '${first.id}' was removed.`,
    ]);
  });
});

describe("items and conversations", () => {
  test("a reference to an item goes where the item is kept; a stranger's is not found", async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const first = await create({});
      const input = [
        { type: "item_reference", id: `msg_${made}` },
        { role: "user", content: "go" },
      ];
      const next = await create({ input });
      expect([next.status, accountOf(next.seen)]).toEqual([200, accountOf(first.seen)]);
    }
    const id = `msg_${made}`;
    const refused = await create({ input: [{ role: "user", content: "x" }, { id }] }, stranger);
    expect(JSON.parse(refused.text)).toEqual(NOT_FOUND("Item", id, "input[1].id"));
  });

  test("items that a page of input lists can be referred to", async () => {
    const first = await create({});
    const page = { object: "list", data: [{ id: "msg_in_1", type: "message" }], has_more: false };
    upstream.answer({ pieces: [JSON.stringify(page)] });
    await ask(token, { method: "GET", path: `${PATH}/${first.id}/input_items` });
    upstream.answer({ pieces: [JSON.stringify(plain(++made))] });
    const next = await create({ input: [{ type: "item_reference", id: "msg_in_1" }] });
    expect([next.status, accountOf(next.seen)]).toEqual([200, accountOf(first.seen)]);
  });

  test("a conversation that nobody is known to own is not found", async () => {
    for (const conversation of ["conv_1", { id: "conv_1" }]) {
      const refused = await create({ conversation });
      expect(JSON.parse(refused.text)).toEqual(NOT_FOUND("Conversation", "conv_1", "conversation"));
    }
  });
});

describe("one that is kept", () => {
  const WAYS = [
    ["GET", "", "?include[]=reasoning.encrypted_content"],
    ["GET", "/input_items", "?limit=2&order=asc"],
    ["POST", "/cancel", ""],
    ["DELETE", "", ""],
  ] as const;

  test.each(WAYS)("%s %s%s goes to its keeper as it came, and costs nothing", async (...way) => {
    const [method, below, query] = way;
    const first = await create({});
    const path = `${PATH}/${first.id}${below}${query}`;
    const past = await direct({ method, path });
    const answer = await ask(token, { method, path });
    expect([answer.status, answer.text, answer.seen?.path]).toEqual([
      200,
      past.text,
      past.seen?.path,
    ]);
    expect([answer.seen?.method, answer.seen?.body]).toEqual([method, new Uint8Array()]);
    expect(accountOf(answer.seen)).toBe(accountOf(first.seen));
    expect(answer.headers.get("x-tollgate-cost-usd")).toBe("0.00");
    expect(await lastAttempt(tollgate)).toMatchObject({
      outcome: "ok",
      amountNanoUsd: 0,
      heldNanoUsd: 0,
      inputTokens: 0,
      outputTokens: 0,
    });
    const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
    expect(rows).toMatchObject([{ route: TWO_ACCOUNTS, model: UPSTREAM_MODEL, costNanoUsd: 0 }]);
  });

  test("is forgotten when it is deleted, and not when its provider refused", async () => {
    const first = await create({});
    const path = `${PATH}/${first.id}`;
    const error = { message: "Busy.", type: "invalid_request_error" };
    upstream.answer({ status: 400, pieces: [JSON.stringify({ error })] });
    expect((await ask(token, { method: "DELETE", path })).status).toBe(400);
    upstream.answer({ pieces: [JSON.stringify({ id: first.id, deleted: true })] });
    expect((await ask(token, { method: "DELETE", path })).status).toBe(200);
    upstream.forget();
    const gone = await ask(token, { method: "GET", path });
    expect(JSON.parse(gone.text)).toEqual(NOT_FOUND("Response", first.id, null));
    expect(upstream.seen.length).toBe(0);
  });

  test("is given again as a stream, from any place, whatever came of it", async () => {
    const first = await create({ stream: true });
    const failed = response([], { id: first.id, status: "failed", usage: usage(9, 9) });
    const text = events([...written(["late"]), { type: "response.failed", response: failed }], 7);
    upstream.answer({ headers: EVENT_STREAM, pieces: [text] });
    const path = `${PATH}/${first.id}?stream=true&starting_after=6`;
    const answer = await ask(token, { method: "GET", path });
    expect([answer.text, answer.seen?.path]).toEqual([text, path]);
    expect(await lastAttempt(tollgate)).toMatchObject({ amountNanoUsd: 0, outputTokens: 0 });
  });

  test("has no other name: what could leave its path is nothing", async () => {
    for (const id of ["..", "%2e%2e", "a%2Fb", "a%20b", "x".repeat(300)]) {
      const answer = await ask(token, { method: "GET", path: `${PATH}/${id}` });
      expect([answer.status, upstream.seen.length]).toEqual([404, 0]);
    }
  });

  test("takes a request of the limits each time it is asked for", async () => {
    const owner = await tollgate.addToken(tenantId, { maxRequests: 2 });
    const first = await create({}, owner.token);
    const path = `${PATH}/${first.id}`;
    const asked = [];
    for (let turn = 0; turn < 2; turn += 1) {
      asked.push((await ask(owner.token, { method: "GET", path })).status);
    }
    expect(asked).toEqual([200, 429]);
  });

  test("outlives the process that made it", async () => {
    const first = await create({ stream: true });
    await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
    await tollgate.store.flush();
    const nowMs = tollgate.gateway.clock.nowMs();
    const rows = await tollgate.store.findObjects(tenantId, [first.id, `msg_${made}`], nowMs);
    expect(rows.map(({ kind }) => kind).toSorted()).toEqual(["item", "response"]);
  });
});

describe("a background response", () => {
  const QUEUED = { status: "queued", background: true, output: [], usage: null };

  test("costs nothing before it has ended, and is shown as it is", async () => {
    upstream.answer(() => ({ pieces: [JSON.stringify(plain(++made, QUEUED))] }));
    const first = await create({ background: true, model: PUBLIC_MODEL });
    expect([first.status, JSON.parse(first.text).status]).toEqual([200, "queued"]);
    expect((await lastAttempt(tollgate))?.postings).toBe(0);
    const done = JSON.stringify(plain(made));
    upstream.answer({ pieces: [done] });
    const shown = await ask(token, { method: "GET", path: `${PATH}/${first.id}` });
    expect(shown.text).toBe(done);
    // Its end is looked at without anybody asking.
    await until(() => tollgate.gateway.jobs.looks === 0);
  });
});

test("a conversation of reasoning, tools and their outputs is the same as directly, event for event", async () => {
  const call = functionCall("fc_1", "get_weather", '{"city":"Zürich"}');
  const turns = [
    events([
      ...begun({ id: "resp_a" }),
      ...reasoned("A tool is needed."),
      ...called(call, ['{"city":', '"Zürich"}'], 1),
      completed([call], { id: "resp_a" }),
    ]),
    events([
      ...begun({ id: "resp_b", previous_response_id: "resp_a" }),
      ...written(["It is ", "sunny."], 0, "msg_b"),
      completed([message("It is sunny.", "msg_b")], { id: "resp_b" }),
    ]),
    events([
      ...begun({ id: "resp_c", previous_response_id: "resp_b" }),
      ...written(["Gern geschehen 🙂"], 0, "msg_c"),
      completed([message("Gern geschehen 🙂", "msg_c")], { id: "resp_c" }),
    ]),
  ];
  const talk = async (way: typeof direct, model: string): Promise<unknown[]> => {
    const steps = [
      { input: "Weather?", tools: [{ type: "function", name: "get_weather" }] },
      {
        previous_response_id: "resp_a",
        input: [{ type: "function_call_output", call_id: "call_fc_1", output: "sunny" }],
      },
      { previous_response_id: "resp_b", input: "Danke" },
    ];
    const transcript = [];
    for (const [turn, step] of steps.entries()) {
      upstream.answer({ headers: EVENT_STREAM, pieces: [turns[turn] ?? ""] });
      const body = JSON.stringify({ model, stream: true, ...step });
      const { text, seen } = await way({ path: PATH, body });
      transcript.push({ events: text.split("\n\n"), asked: new TextDecoder().decode(seen?.body) });
    }
    return transcript;
  };
  const past = await talk(direct, UPSTREAM_MODEL);
  expect(await talk(through, PUBLIC_MODEL)).toEqual(past);
});
