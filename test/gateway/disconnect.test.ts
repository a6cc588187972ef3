/**
 * Everyone who can leave, whenever they can: one posting each, never free once something was
 * generated, the upstream closed at once or read to its usage as its provider's policy says, and
 * nothing left behind.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { ProviderRow } from "../../src/store/contract.ts";
import { HELLO } from "../support/chat.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** Every token costs 1,000 nano-dollars, read or written. */
const TOKEN_NANO_USD = 1_000;

let tollgate: TestGateway;
let provider: ProviderRow;
let tenantId: string;
let token: string;

beforeAll(async () => {
  tollgate = await startTestGateway();
  provider = await tollgate.addProvider();
  const inputPicoUsd = TOKEN_NANO_USD * 1_000;
  for (const model of ["sim-small", "sim-embed"]) {
    await tollgate.addPrice(provider.id, model, { inputPicoUsd });
    const target = { providerId: provider.id, model, weight: 1, priority: 0 };
    await tollgate.addRoute(model, [target]);
  }
  // The counting thread takes a moment to start; what it does when it is late has its own tests.
  await tollgate.gateway.tokenCounter.count({ body: null, output: "" });
});

beforeEach(async () => {
  tollgate.upstream.reset();
  tenantId = (await tollgate.addTenant()).id;
  token = (await tollgate.addToken(tenantId)).token;
  const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 1_000_000_000 });
  await tollgate.addLimit({ ...scope, maxConcurrent: 100 });
});

afterAll(() => tollgate.stop());

type Surface = "chat" | "embeddings";
type Kind = "stream" | "plain";
type Moment = "before the first byte" | "mid-stream" | "after the last token before usage";
type Policy = "abort" | "drain";

/** What the provider reports, and the limit that the client sets. */
const INPUT = 7;
const OUTPUT = 12;
const OUTPUT_MAX = 20;

type Cell = {
  readonly surface: Surface;
  readonly kind: Kind;
  readonly moment: Moment;
  readonly policy: Policy;
};

const cross = <A extends string, B>(names: readonly A[], rest: readonly B[]) =>
  names.flatMap((name) => rest.map((one) => [name, one] as const));

const CELLS: readonly Cell[] = cross<Surface, readonly [Kind, readonly [Moment, Policy]]>(
  ["chat", "embeddings"],
  cross<Kind, readonly [Moment, Policy]>(
    ["stream", "plain"],
    cross<Moment, Policy>(
      ["before the first byte", "mid-stream", "after the last token before usage"],
      ["abort", "drain"],
    ),
  ),
).map(([surface, [kind, [moment, policy]]]) => ({ surface, kind, moment, policy }));

/** Why there is no such moment; null: there is. */
function cannotBe({ surface, kind, moment }: Cell): string | null {
  if (surface === "chat") return null;
  // A body that asks for a stream all the same has the plain cells' answer (embeddings.test.ts).
  if (kind === "stream") return "embeddings are never streamed";
  return moment === "after the last token before usage" ? "embeddings have no output tokens" : null;
}

const possible = CELLS.filter((cell) => cannotBe(cell) === null);

const SCRIPT = `tokens=${OUTPUT}&prompt_tokens=${INPUT}`;

function pathOf({ surface }: Cell): string {
  return surface === "chat" ? "/v1/chat/completions" : "/v1/embeddings";
}

function bodyOf({ surface, kind }: Cell): string {
  const chat = { messages: HELLO, stream: kind === "stream", max_tokens: OUTPUT_MAX };
  return surface === "chat"
    ? JSON.stringify({ model: "sim-small", ...chat })
    : JSON.stringify({ model: "sim-embed", input: "hello" });
}

/** The provider's answer to the same request, as it is sent. */
async function answerOf(cell: Cell): Promise<string> {
  const options = cell.kind === "stream" ? { stream_options: { include_usage: true } } : {};
  const response = await fetch(tollgate.upstream.url + pathOf(cell), {
    method: "POST",
    headers: { "x-sim-script": SCRIPT },
    body: JSON.stringify({ ...JSON.parse(bodyOf(cell)), ...options }),
  });
  const text = await response.text();
  tollgate.upstream.reset();
  return text;
}

/** Bytes of the body that come before the moment; 0: not even headers. */
async function bytesBefore(cell: Cell): Promise<number> {
  if (cell.moment === "before the first byte") return 0;
  const answer = await answerOf(cell);
  const usageAt = answer.indexOf('"usage":{');
  const events = answer.split("\n\n");
  if (cell.moment === "mid-stream") {
    // The opening chunk and half of the tokens.
    const half = events.slice(0, 1 + OUTPUT / 2).join("\n\n").length + 2;
    return cell.kind === "stream" ? half : Math.floor(answer.length / 3);
  }
  return cell.kind === "stream" ? answer.lastIndexOf("data: ", usageAt) : usageAt;
}

/** Leaves when that much has come: to the client of a stream, to the gateway of a plain answer. */
async function leaveAfter(cell: Cell, bytes: number): Promise<void> {
  // Who is given up must be closed by us; who is read on comes back after a while.
  const pauseMs = cell.policy === "abort" ? 60_000 : 200;
  const pause =
    bytes === 0 ? `headers_delay_ms=${pauseMs}` : `split_at=${bytes}&split_pause_ms=${pauseMs}`;
  const controller = new AbortController();
  const sent = fetch(tollgate.url + pathOf(cell), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "x-sim-script": `${SCRIPT}&${pause}` },
    body: bodyOf(cell),
    signal: controller.signal,
  });
  const gone = sent.catch(() => undefined);
  // The first part of a body leaves right after its headers.
  await tollgate.upstream.until(({ requests, byStatus }) =>
    bytes === 0 ? requests === 1 : byStatus["200"] === 1,
  );
  if (cell.kind === "stream" && bytes > 0) await readBytes(await sent, bytes);
  controller.abort();
  await gone;
}

async function readBytes(response: Response, bytes: number): Promise<void> {
  const reader = response.body?.getReader();
  for (let read = 0; read < bytes;) {
    const chunk = await reader?.read();
    if (chunk === undefined || chunk.done) throw new Error("the answer ended too early");
    read += chunk.value.byteLength;
  }
}

async function settled() {
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  await tollgate.store.flush();
  const { rows } = await tollgate.store.requestPage({ tenantId }, { limit: 2, cursor: null });
  expect(rows).toHaveLength(1);
  const detail = await tollgate.store.requestDetail(rows[0]?.id ?? "");
  const attempts = detail?.attempts ?? [];
  const postings = attempts.flatMap((attempt) => attempt.postings);
  expect([attempts.length, postings.length]).toEqual([1, 1]);
  return { row: rows[0], heldNanoUsd: attempts[0]?.attempt.heldNanoUsd, posting: postings[0] };
}

/** Output that an answer which was given up is charged: what came, else what was asked for. */
function outputAtLeast({ surface, kind, moment }: Cell): number {
  if (surface === "embeddings") return 0;
  if (kind === "plain" || moment === "before the first byte") return OUTPUT_MAX;
  return moment === "mid-stream" ? OUTPUT / 2 : OUTPUT;
}

describe.each(possible)("a client of $surface ($kind) that leaves $moment: $policy", (cell) => {
  test("one posting, never free, and nothing stays", async () => {
    const bytes = await bytesBefore(cell);
    await freshProvider(tollgate, { ...provider, onClientDisconnect: cell.policy });
    await leaveAfter(cell, bytes);
    const leftAtMs = performance.now();
    const isDrained = cell.policy === "drain";
    await tollgate.upstream.until((stats) => stats.completed + stats.closedEarly === 1);
    // 250 ms on a machine of its own (see abort.test.ts); this one may be shared.
    if (!isDrained) expect(performance.now() - leftAtMs).toBeLessThan(1_000);
    expect(tollgate.upstream.stats()).toMatchObject({
      requests: 1,
      completed: isDrained ? 1 : 0,
      closedEarly: isDrained ? 0 : 1,
    });

    const { row, posting, heldNanoUsd } = await settled();
    const { inputTokens, outputTokens } = posting ?? { inputTokens: 0, outputTokens: 0 };
    expect(posting).toMatchObject({
      kind: "settle",
      estimated: !isDrained,
      amountNanoUsd: (inputTokens + outputTokens) * TOKEN_NANO_USD,
    });
    expect(row).toMatchObject({
      clientGone: true,
      estimated: !isDrained,
      attemptCount: 1,
      costNanoUsd: posting?.amountNanoUsd,
    });
    if (isDrained) {
      expect([inputTokens, outputTokens]).toEqual([INPUT, cell.surface === "chat" ? OUTPUT : 0]);
    } else {
      expect(inputTokens).toBeGreaterThan(0);
      expect(outputTokens).toBeGreaterThanOrEqual(outputAtLeast(cell));
      expect(posting?.amountNanoUsd).toBeLessThanOrEqual(heldNanoUsd ?? 0);
    }
    const { directory, drains } = tollgate.gateway;
    const [budget] = await directory.budgetStates(tenantId);
    const [limit] = await directory.limitStates(tenantId);
    expect([budget?.postedNanoUsd, budget?.heldNanoUsd, limit?.inFlight, drains.count]).toEqual([
      posting?.amountNanoUsd,
      0,
      0,
      0,
    ]);
    expect(directory.providerHealth(provider.id).inFlight).toBe(0);
  });
});

test("the cells that are left out cannot be, each for a reason", () => {
  const reasons = CELLS.map(cannotBe).filter((why) => why !== null);
  expect([CELLS.length, possible.length, reasons.length]).toEqual([24, 16, 8]);
  expect([...new Set(reasons)]).toEqual([
    "embeddings are never streamed",
    "embeddings have no output tokens",
  ]);
});
