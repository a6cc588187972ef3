/**
 * What an attempt that failed costs: nothing where it cannot have been billed, an estimate that says so
 * wherever it may have been, each attempt at the price of the model that it asked.
 */
import { beforeAll, expect, test } from "bun:test";
import { chat, HELLO } from "../support/chat.ts";
import { twoProvidersForFile } from "./two-providers.ts";

const { tollgate, token, first, second, change, attemptsOf } = await twoProvidersForFile();

/** Nano-dollars a token at each of the two. */
const FIRST = { input: 1_000, output: 5_000 };
const SECOND = { input: 30, output: 70 };
const OUTPUT_MAX = 40;

beforeAll(async () => {
  const price = (nano: typeof FIRST) => ({
    inputPicoUsd: nano.input * 1_000,
    outputPicoUsd: nano.output * 1_000,
  });
  await tollgate.addPrice(first.row.id, "sim-small", price(FIRST));
  await tollgate.addPrice(second.row.id, "sim-large", price(SECOND));
  await tollgate.gateway.tokenCounter.count({ body: null, output: "" });
});

/** How it is charged: not at all, its input, its input and all output it may make, or what came. */
type Charge = "nothing" | "input" | "all it may make" | "what came";

const plain = false;
const stream = true;

const FAILURES: readonly (readonly [string, string, boolean, string, Charge])[] = [
  ["a reset before headers", "connection_reset=1", plain, "reset", "all it may make"],
  ["400", "status=400", plain, "status_400", "nothing"],
  ["401", "status=401", plain, "status_401", "nothing"],
  ["404", "status=404", plain, "status_404", "nothing"],
  ["408", "status=408", plain, "status_408", "input"],
  ["413", "status=413", plain, "status_413", "nothing"],
  ["429", "status=429", plain, "status_429", "nothing"],
  ["499", "status=499", plain, "status_499", "input"],
  ["500", "status=500", plain, "status_500", "input"],
  ["501", "status=501", plain, "status_501", "nothing"],
  ["503", "status=503", plain, "status_503", "input"],
  ["504", "status=504", plain, "status_504", "input"],
  ["529", "status=529", plain, "status_529", "nothing"],
  ["an error event first", "error_after=0", stream, "error_event", "input"],
  [
    "an error event first that says 429",
    "header=content-type%3Atext%2Fevent-stream&body=data%3A%20%7B%22error%22%3A%7B%22code%22%3A429%7D%7D%0A%0A",
    stream,
    "status_429",
    "nothing",
  ],
  ["an error event mid-stream", "tokens=9&error_after=5", stream, "error_event", "what came"],
  ["a cut before content", "cut_at=40", stream, "cut", "all it may make"],
  ["a cut mid-stream", "tokens=9&token_delay_ms=10&cut_at=1500", stream, "cut", "what came"],
  ["no first byte in time", "hang=1", plain, "timeout_first_byte", "all it may make"],
  ["silence mid-stream", "tokens=9&stall_after=5", stream, "timeout_idle", "what came"],
  ["silence before content", "stall_after=0", stream, "timeout_idle", "all it may make"],
  ["a body that is nonsense", "garbage=1", plain, "undecodable", "all it may make"],
];

/** The input of a request of so many bytes, as it is estimated. */
const inputOf = (bytes: number): number => Math.ceil(bytes / 3);

async function postingsOf(requestId: string | null) {
  await attemptsOf(requestId);
  const detail = await tollgate.store.requestDetail(requestId ?? "");
  return (detail?.attempts ?? []).flatMap(({ attempt: { heldNanoUsd }, postings }) =>
    postings.map((posting) => ({ ...posting, heldNanoUsd })),
  );
}

test.each(FAILURES)("%s", async (_what, script, isStream, outcome, charge) => {
  first.upstream.script(script);
  second.upstream.script("tokens=3");
  const body = { stream: isStream, max_tokens: OUTPUT_MAX };
  const reply = await chat(tollgate.url, { token, body });
  const [posting, served] = await postingsOf(reply.headers.get("x-request-id"));

  const bytes = JSON.stringify({ model: "small", messages: HELLO, ...body }).length;
  expect(posting).toMatchObject({
    kind: charge === "nothing" ? "void" : "settle",
    estimated: charge !== "nothing",
    outcome,
  });
  const { amountNanoUsd = -1, inputTokens = 0, outputTokens = 0, heldNanoUsd = 0 } = posting ?? {};
  expect(amountNanoUsd).toBeLessThanOrEqual(heldNanoUsd);
  if (charge === "nothing") expect(amountNanoUsd).toBe(0);
  if (charge === "input") expect(amountNanoUsd).toBe(inputOf(bytes) * FIRST.input);
  if (charge === "all it may make") {
    expect(amountNanoUsd).toBe(inputOf(bytes) * FIRST.input + OUTPUT_MAX * FIRST.output);
  }
  if (charge === "what came") {
    expect(outputTokens).toBeGreaterThanOrEqual(4);
    expect(outputTokens).toBeLessThan(OUTPUT_MAX);
    expect(amountNanoUsd).toBe(inputTokens * FIRST.input + outputTokens * FIRST.output);
  }
  if (served !== undefined) expect(served).toMatchObject({ estimated: false, outcome: "ok" });
});

test("a refused connection leaves nothing in the ledger", async () => {
  await change({ ...first.row, baseUrl: "http://127.0.0.1:9/v1" });
  const reply = await chat(tollgate.url, { token, body: { model: "alone" } });
  expect(await postingsOf(reply.headers.get("x-request-id"))).toEqual([]);
});

test("attempts of one exchange are each paid at the price of the model that they asked", async () => {
  first.upstream.script("cut_at=40");
  second.upstream.script("tokens=3&prompt_tokens=11&completion_tokens=3");
  const body = { max_tokens: OUTPUT_MAX };
  const reply = await chat(tollgate.url, { token, body });
  const requestId = reply.headers.get("x-request-id");
  const postings = await postingsOf(requestId);

  const bytes = JSON.stringify({ model: "small", messages: HELLO, ...body }).length;
  const ofFirst = inputOf(bytes) * FIRST.input + OUTPUT_MAX * FIRST.output;
  const ofSecond = 11 * SECOND.input + 3 * SECOND.output;
  expect(postings.map(({ amountNanoUsd, estimated }) => [amountNanoUsd, estimated])).toEqual([
    [ofFirst, true],
    [ofSecond, false],
  ]);
  const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
  expect(rows[0]).toMatchObject({
    id: requestId,
    attemptCount: 2,
    costNanoUsd: ofFirst + ofSecond,
    estimated: true,
  });
});
