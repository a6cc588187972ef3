/**
 * What is done with the input of a response beside answering it: its compaction, which is paid like a
 * response and cannot be capped, and the count of its tokens, which costs nothing. Both go where what they
 * name is kept.
 */
import { beforeEach, describe, expect, test } from "bun:test";
import { PRICE } from "./example.ts";
import { lastAttempt } from "./ledger-rows.ts";
import type { Seen } from "./recorded-upstream.ts";
import { compaction, type Item, message, response } from "./responses-answers.ts";
import { conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";
import { accountOf, addTwoAccounts, TWO_ACCOUNTS } from "./two-accounts.ts";

const OUTPUT_MAX = 50_000;
const stage = await conformanceStageForFile("openai", "/v1", {
  ...PRICE,
  contextTokensMax: 100_000,
  outputTokensMax: OUTPUT_MAX,
});
const { tenantId, token, tollgate, through, upstream } = stage;
const { stranger } = await addTwoAccounts(stage);

const COMPACT = "/v1/responses/compact";
const COUNT = "/v1/responses/input_tokens";
const CREATE = "/v1/responses";

/** All that Codex sends (codex-rs/codex-api/src/common.rs, 2026-09). */
const OF_CODEX = {
  input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "Write." }] }],
  instructions: "Be brief.",
  tools: [{ type: "function", name: "shell", strict: false, parameters: {} }],
  parallel_tool_calls: true,
  reasoning: { effort: "medium", summary: "auto" },
  prompt_cache_key: "0199",
  text: { verbosity: "low" },
};

let made = 0;

/** Responses and compactions get ids one after the other. */
beforeEach(() => {
  upstream.answer(({ path }) => {
    if (path === COUNT) {
      return { pieces: ['{"object":"response.input_tokens","input_tokens":11}'] };
    }
    made += 1;
    const id = `resp_${made}`;
    const answer =
      path === COMPACT
        ? compaction({ id })
        : response([message("Hi", `msg_${made}`)], { id, conversation: { id: `conv_${made}` } });
    return { pieces: [JSON.stringify(answer)] };
  });
});

async function ask(path: string, more: Item, by = token, model = PUBLIC_MODEL) {
  const body = JSON.stringify({ model, input: "hi", ...more });
  const { status, text, seen } = await through({
    path,
    body,
    headers: { authorization: `Bearer ${by}` },
  });
  return { status, told: JSON.parse(text), text, seen };
}

const bodyOf = (seen: Seen | null): unknown => JSON.parse(new TextDecoder().decode(seen?.body));

async function tokenWithBudget(amountNanoUsd: number): Promise<string> {
  const owner = await tollgate.addToken(tenantId);
  const scope = { scopeType: "token", scopeId: owner.row.id, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd });
  return owner.token;
}

describe("a compaction", () => {
  test("as Codex asks for it reaches its provider with another model's name and nothing else", async () => {
    const { status, seen } = await ask(COMPACT, OF_CODEX, await tokenWithBudget(1_000_000_000));
    expect([status, seen?.path, bodyOf(seen)]).toEqual([
      200,
      COMPACT,
      { model: UPSTREAM_MODEL, ...OF_CODEX },
    ]);
    // What is held is paid for every byte of it as a token, and for all that the model can write.
    const bytes = JSON.stringify({ model: PUBLIC_MODEL, ...OF_CODEX }).length;
    expect(await lastAttempt(tollgate)).toMatchObject({
      heldNanoUsd: bytes * 1_000 + OUTPUT_MAX * 2_000,
      amountNanoUsd: 25 * 1_000 + 15 * 2_000,
      inputTokens: 25,
      outputTokens: 15,
      estimated: false,
    });
  });

  test("is refused by a budget that a response fits into with a cap: it has no member for one", async () => {
    const small = await tokenWithBudget(OUTPUT_MAX * 2_000);
    const capped = await ask(CREATE, {}, small);
    expect([capped.status, bodyOf(capped.seen)]).toMatchObject([
      200,
      { max_output_tokens: expect.any(Number) },
    ]);
    upstream.forget();
    // A limit of the client's own is no limit there.
    for (const more of [{}, { max_output_tokens: 1 }]) {
      const refused = await ask(COMPACT, more, small);
      expect([refused.status, refused.told.error.code]).toEqual([429, "budget_exceeded"]);
    }
    expect(upstream.seen.length).toBe(0);
  });

  test("without usage is charged what is sealed in it, not the client's message that it repeats", async () => {
    const told = compaction({ usage: undefined });
    upstream.answer({ pieces: [JSON.stringify(told)] });
    expect((await ask(COMPACT, {})).status).toBe(200);
    // 200 characters, of which 5 are taken for a token.
    expect(await lastAttempt(tollgate)).toMatchObject({ outputTokens: 40, estimated: true });
  });

  test("and the items in it are its tenant's alone", async () => {
    const first = await ask(COMPACT, {});
    const { id } = first.told;
    const naming = [
      { previous_response_id: id },
      { input: [{ type: "item_reference", id: "cmp_1" }] },
    ];
    for (const more of naming) {
      expect((await ask(CREATE, more)).status).toBe(200);
      expect((await ask(CREATE, more, stranger)).told.error.code).toBe("not_found");
    }
  });

  test("that its provider failed to make is no answer", async () => {
    const error = { message: "Down.", type: "server_error", code: "server_error", param: null };
    upstream.answer({ pieces: [JSON.stringify({ error })] });
    const failed = await ask(COMPACT, {});
    expect([failed.status, failed.told.error.code]).toEqual([502, "upstream_error"]);
    expect(await lastAttempt(tollgate)).toMatchObject({
      outcome: "error_event",
      outputTokens: 0,
    });
  });
});

describe("a count", () => {
  test("costs nothing, needs no price, and holds nothing", async () => {
    const target = { providerId: stage.provider.id, model: "unpriced", weight: 1, priority: 0 };
    await tollgate.addRoute("unpriced-model", [target]);
    const counted = await ask(
      COUNT,
      { tools: [], instructions: "Be brief." },
      token,
      "unpriced-model",
    );
    expect([counted.status, counted.text]).toEqual([
      200,
      '{"object":"response.input_tokens","input_tokens":11}',
    ]);
    expect(bodyOf(counted.seen)).toEqual({
      model: "unpriced",
      input: "hi",
      tools: [],
      instructions: "Be brief.",
    });
    expect(await lastAttempt(tollgate)).toMatchObject({
      outcome: "ok",
      amountNanoUsd: 0,
      heldNanoUsd: 0,
      inputTokens: 0,
    });
  });

  test("of something else than a count is no answer of a provider's", async () => {
    upstream.answer({ pieces: ["<html>"] });
    const failed = await ask(COUNT, {});
    expect([failed.status, failed.told.error.code]).toEqual([502, "upstream_error"]);
  });
});

describe.each([COMPACT, COUNT])("POST %s", (path) => {
  const naming: readonly (readonly [param: string, member: (made: number) => Item])[] = [
    ["previous_response_id", (of) => ({ previous_response_id: `resp_${of}` })],
    ["input[0].id", (of) => ({ input: [{ type: "item_reference", id: `msg_${of}` }] })],
  ];

  test.each(naming)("with a %s of another tenant reaches no provider", async (param, member) => {
    await ask(CREATE, {});
    const of = made;
    expect((await ask(path, member(of))).status).toBe(200);
    upstream.forget();
    const refused = await ask(path, member(of), stranger);
    expect([refused.status, refused.told.error]).toMatchObject([404, { code: "not_found", param }]);
    expect(upstream.seen.length).toBe(0);
  });

  test.each(["conv_never", { id: "conv_never" }])(
    "with a conversation of nobody's (%j) reaches no provider",
    async (conversation) => {
      const refused = await ask(path, { conversation });
      expect([refused.status, refused.told.error]).toMatchObject([
        404,
        { code: "not_found", param: "conversation" },
      ]);
      expect(upstream.seen.length).toBe(0);
    },
  );

  test("goes to the account that keeps the response that it goes on from", async () => {
    const accounts = new Set<string | undefined>();
    for (let turn = 0; turn < 4; turn += 1) {
      const first = await ask(CREATE, {}, token, TWO_ACCOUNTS);
      const previous_response_id = first.told.id;
      const next = await ask(path, { previous_response_id }, token, TWO_ACCOUNTS);
      expect([next.status, accountOf(next.seen)]).toEqual([200, accountOf(first.seen)]);
      accounts.add(accountOf(first.seen));
    }
    expect(accounts).toEqual(new Set(["Bearer account-1", "Bearer account-2"]));
  });

  test.each([
    [{ model: undefined }, "model"],
    [{ input: 1 }, "input"],
    [{ previous_response_id: 1 }, "previous_response_id"],
  ])("refuses %j", async (more, param) => {
    const refused = await ask(path, more);
    expect([refused.status, refused.told.error]).toMatchObject([
      400,
      { code: "invalid_request", param },
    ]);
    expect(upstream.seen.length).toBe(0);
  });
});
