/** A stream that reaches its hold: ended as if by its own limit, or finished and billed, as the budget says. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { BudgetRow } from "../../src/store/contract.ts";
import { chat, type ChatReply, eventsOf } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

let tollgate: TestGateway;
let token: string;
let tenantId: string;

/** Output costs 1,000 nano-dollars a token, input nothing. */
const TOKEN_NANO_USD = 1_000;

beforeEach(async () => {
  tollgate = await startTestGateway();
  tenantId = (await tollgate.addTenant()).id;
  token = (await tollgate.addToken(tenantId)).token;
  const provider = await tollgate.addProvider();
  await tollgate.addPrice(provider.id, "sim-small");
  await tollgate.addRoute("small", [
    { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 },
  ]);
});

afterEach(() => tollgate.stop());

const budget = (row: Partial<BudgetRow>): Promise<BudgetRow> =>
  tollgate.addBudget({
    scopeType: "tenant",
    scopeId: tenantId,
    tenantId,
    amountNanoUsd: 1_000_000,
    onHoldReached: "stop",
    ...row,
  });

/**
 * Asks for 10 tokens at most, of a provider that writes far more whatever it is asked for: for so long
 * that it cannot have finished while the counting thread is still being started.
 */
const overrun = (body: object = {}, tokens = 3_000): Promise<ChatReply> =>
  chat(tollgate.url, {
    token,
    body: { stream: true, max_tokens: 10, ...body },
    script: `tokens=${tokens}&token_delay_ms=5&ignore_max_tokens=1`,
  });

type Chunk = {
  readonly id: string;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: { readonly content?: string };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly completion_tokens: number } | null;
};

function chunksOf({ text }: ChatReply): Chunk[] {
  return eventsOf(text)
    .filter((data) => data.startsWith("{"))
    .map((data): Chunk => JSON.parse(data));
}

async function lastRow() {
  await atRest();
  const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
  return rows[0];
}

/** Usage that must be counted comes a moment after the last byte. */
function atRest(): Promise<void> {
  return until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
}

async function money(): Promise<unknown> {
  await atRest();
  const states = await tollgate.gateway.directory.budgetStates(tenantId);
  return states.map(({ postedNanoUsd, heldNanoUsd }) => ({ postedNanoUsd, heldNanoUsd }));
}

describe("a provider that writes past the limit it was given", () => {
  test("is closed, and the client's stream ends for its length, within the hold", async () => {
    await budget({});
    const reply = await overrun();

    const events = eventsOf(reply.text);
    expect(events.at(-1)).toBe("[DONE]");
    expect(events.at(-3)).toBe(": x-tollgate-stopped: hold_reached");
    const chunks = chunksOf(reply);
    const last = chunks.at(-1);
    expect(last).toMatchObject({
      id: chunks[0]?.id ?? "",
      model: chunks[0]?.model ?? "",
      choices: [{ index: 0, delta: {}, finish_reason: "length" }],
    });
    expect(chunks.slice(0, -1).every(({ choices }) => choices[0]?.finish_reason === null)).toBe(
      true,
    );
    await tollgate.upstream.until((stats) => stats.closedEarly === 1);
    expect(await lastRow()).toMatchObject({ status: 200, errorCode: null, estimated: true });
    expect(await money()).toEqual([{ postedNanoUsd: 10 * TOKEN_NANO_USD, heldNanoUsd: 0 }]);
  });

  test("leaves a client that asked for usage with the usage it is billed", async () => {
    await budget({});
    const reply = await overrun({ stream_options: { include_usage: true } });
    const usage = chunksOf(reply).at(-1)?.usage;
    const row = await lastRow();
    expect(usage?.completion_tokens).toBe(row?.outputTokens ?? -1);
    expect(row?.costNanoUsd).toBe(10 * TOKEN_NANO_USD);
  });

  test("ends every choice that has not ended by itself", async () => {
    await budget({});
    const reply = await overrun({ n: 3 });
    const finished = chunksOf(reply).flatMap(({ choices }) =>
      choices.filter((choice) => choice.finish_reason !== null),
    );
    expect(finished.map(({ index, finish_reason }) => [index, finish_reason])).toEqual([
      [0, "length"],
      [1, "length"],
      [2, "length"],
    ]);
    expect(await money()).toEqual([{ postedNanoUsd: 30 * TOKEN_NANO_USD, heldNanoUsd: 0 }]);
  });

  test.each([
    ["the budget says finish_and_bill", { onHoldReached: "finish_and_bill" }],
    ["the budget is soft", { mode: "soft" }],
    ["the budget has no amount", { amountNanoUsd: null }],
  ] as const)("is read to its end and billed in full where %s", async (_where, row) => {
    await budget(row);
    const reply = await overrun({}, 200);
    expect(chunksOf(reply).filter(({ choices }) => choices[0]?.delta.content)).toHaveLength(200);
    expect(tollgate.upstream.stats()).toMatchObject({ completed: 1, closedEarly: 0 });
    expect(await lastRow()).toMatchObject({ outputTokens: 200, estimated: false });
    expect(await money()).toEqual([{ postedNanoUsd: 200 * TOKEN_NANO_USD, heldNanoUsd: 0 }]);
  });
});

test.each([
  ["one token at a time", ""],
  ["a character at a time", "&token_bytes=1"],
  ["in characters of several bytes", "&unicode=1"],
])("a provider that keeps to its limit is never cut, though it writes %s", async (_how, script) => {
  await budget({});
  const reply = await chat(tollgate.url, {
    token,
    body: { stream: true, max_tokens: 50 },
    script: `tokens=200${script}`,
  });
  expect(reply.text.includes("x-tollgate-stopped")).toBe(false);
  expect(tollgate.upstream.stats()).toMatchObject({ completed: 1, closedEarly: 0 });
  expect(await lastRow()).toMatchObject({ outputTokens: 50, estimated: false });
});
