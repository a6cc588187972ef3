/**
 * A process that dies while many read one resumable stream. Guaranteed: all of them see it break off,
 * the next process knows nothing of the stream and says so, sends nothing a second time, and finds
 * exactly one attempt in the ledger, charged once, however many had read it.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { chat, chatInit, errorOf } from "../support/chat.ts";
import { Stage } from "./harness.ts";
import { breachesIn, readLedger } from "./ledger.ts";
import { ask, furnish } from "./operator.ts";

setDefaultTimeout(120_000);

const MANY = 200;
const EVENT_END = "\n\n";

/** A client that has a stream's first event, and waits for its end. */
type Reading = {
  readonly status: number;
  readonly requestId: string;
  readonly first: string;
  /** Everything it got, and whether the connection broke. */
  readonly rest: Promise<{ readonly text: string; readonly isCut: boolean }>;
};

async function read(url: string, init: RequestInit): Promise<Reading> {
  const response = await fetch(`${url}/v1/chat/completions`, init);
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error("an answer without a body");
  const decoder = new TextDecoder();
  let text = "";
  const more = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: true });
    return !done;
  };
  while (!text.includes(EVENT_END)) if (!(await more())) break;
  const readOn = async (): Promise<{ text: string; isCut: boolean }> => {
    try {
      while (await more());
      return { text, isCut: false };
    } catch {
      return { text, isCut: true };
    }
  };
  return {
    status: response.status,
    requestId: response.headers.get("x-request-id") ?? "",
    first: text.slice(0, text.indexOf(EVENT_END)),
    rest: readOn(),
  };
}

test(`killed while ${MANY} read on in a resumed stream: it is gone, and was one attempt`, async () => {
  await using stage = new Stage();
  const upstream = await stage.upstream();
  const dataDir = stage.path("data");
  const tollgate = stage.serve(dataDir);
  const url = await tollgate.url();
  const { token, tokenId } = await furnish(url, upstream.url);
  const targets = [{ provider: "steady", model: "sim-small" }];
  await ask(url, "POST", "/routes", { model: "long", targets, resumable: true });

  const leaving = new AbortController();
  const asked = { token, body: { model: "long", stream: true } };
  const script = "tokens=600&token_delay_ms=100";
  const first = await read(url, chatInit({ ...asked, script, signal: leaving.signal }));
  const streamId = first.requestId;
  expect(first.first).toStartWith(`id: ${streamId}:1\n`);
  leaving.abort();
  await first.rest;

  const again = chatInit({ ...asked, headers: { "last-event-id": `${streamId}:1` } });
  const readings = await Promise.all(Array.from({ length: MANY }, () => read(url, again)));
  expect(
    new Set(readings.map(({ status, first: event }) => `${status} ${event.split("\n")[0]}`)),
  ).toEqual(new Set([`200 id: ${streamId}:2`]));
  expect(new Set(readings.map(({ requestId }) => requestId)).size).toBe(MANY);
  tollgate.kill("SIGKILL");
  for (const { text, isCut } of await Promise.all(readings.map(({ rest }) => rest))) {
    expect([isCut, text.includes("[DONE]")]).toEqual([true, false]);
  }
  await tollgate.ended();

  const next = stage.serve(dataDir);
  const nextUrl = await next.url();
  const replies = await Promise.all(
    Array.from({ length: 20 }, () =>
      chat(nextUrl, { ...asked, headers: { "last-event-id": `${streamId}:1` } }),
    ),
  );
  for (const reply of replies) {
    expect([reply.status, Object(errorOf(reply)).code]).toEqual([404, "stream_not_found"]);
    expect(reply.headers.get("x-tollgate-error")).toBe("stream_not_found");
  }
  const row = await ask(nextUrl, "GET", `/requests/${streamId}`);
  expect([row.attempt_count, row.estimated, row.cost_usd]).toEqual([
    1,
    true,
    row.attempts[0].held_usd,
  ]);
  expect(row.ledger.map(({ kind }: { kind: string }) => kind)).toEqual(["hold", "expire"]);
  expect(upstream.stats().requests).toBe(1);
  await next.stop();
  const ledger = readLedger(dataDir);
  expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
  const [attempt, ...others] = ledger.attempts;
  expect([attempt?.requestId, others]).toEqual([streamId, []]);
  const charged = { kind: "expire", amountNanoUsd: attempt?.heldNanoUsd, estimated: 1 };
  expect(attempt?.postings).toEqual([expect.objectContaining(charged)]);
  expect(ledger.spend[`token/${tokenId}`]).toBe(attempt?.heldNanoUsd);
});
