/** The way out while answers of a batch are read: nobody waits for them, and the next process reads them. */
import { expect, test } from "bun:test";
import { startRecordedUpstream } from "../conformance/recorded-upstream.ts";
import { until } from "../support/until.ts";
import { Stage } from "./harness.ts";
import { breachesIn, readLedger } from "./ledger.ts";
import { budgetsAt, furnish, NANO_PER_TOKEN } from "./operator.ts";

const EXIT_MS_MAX = 5_000;
const CHAT = "/v1/chat/completions";
const USAGE = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
const COST_USD = ((5 * NANO_PER_TOKEN.input + 7 * NANO_PER_TOKEN.output) / 1e9).toFixed(9);

function answerLine(): string {
  const body = { id: "chatcmpl-1", object: "chat.completion", choices: [], usage: USAGE };
  const response = { status_code: 200, request_id: "r", body };
  return `${JSON.stringify({ custom_id: "1", response, error: null })}\n`;
}

function inputFile(): FormData {
  const form = new FormData();
  form.set("purpose", "batch");
  const messages = [{ role: "user", content: "Hi" }];
  const body = { model: "steady/sim-small", max_tokens: 9, messages };
  const line = JSON.stringify({ custom_id: "1", method: "POST", url: CHAT, body });
  form.set("file", new File([line], "in.jsonl"));
  return form;
}

test("a process that reads a batch's answers ends at once, and the next one charges them", async () => {
  await using stage = new Stage();
  const provider = await startRecordedUpstream();
  stage.later(() => provider.stop());
  let isHanging = true;
  const batch = { id: "batch_1", object: "batch", output_file_id: "file-out" };
  provider.answer(({ method, path }) => {
    if (path === "/v1/files") return { pieces: ['{"id":"file-in","object":"file"}'] };
    if (path.endsWith("/content")) {
      return { pieces: [answerLine()], end: isHanging ? "hang" : "close" };
    }
    const status = method === "POST" ? "validating" : "completed";
    return { pieces: [JSON.stringify({ ...batch, status })] };
  });
  const dataDir = stage.path("data");
  const first = stage.serve(dataDir);
  const url = await first.url();
  const { token } = await furnish(url, provider.url);
  const headers = { authorization: `Bearer ${token}` };
  const upload = { method: "POST", headers, body: inputFile() };
  expect((await fetch(`${url}/v1/files`, upload)).status).toBe(200);
  const asked = { input_file_id: "file-in", endpoint: CHAT, completion_window: "24h" };
  const create = { method: "POST", headers, body: JSON.stringify(asked) };
  expect((await fetch(`${url}/v1/batches`, create)).status).toBe(200);
  // Who is told that it has ended has it looked at.
  expect((await fetch(`${url}/v1/batches/batch_1`, { headers })).status).toBe(200);
  await until(() => provider.seen.some(({ path }) => path.endsWith("/content")));

  const leftAtMs = performance.now();
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  expect(performance.now() - leftAtMs).toBeLessThan(EXIT_MS_MAX);
  const between = readLedger(dataDir);
  expect([breachesIn(between), between.openIds.length]).toEqual([[], 1]);

  isHanging = false;
  const next = stage.serve(dataDir);
  const nextUrl = await next.url();
  await until(async () => (await budgetsAt(nextUrl)).every(({ held_usd }) => held_usd === "0.00"));
  const posted = (await budgetsAt(nextUrl)).map(({ posted_usd }) => Number(posted_usd).toFixed(9));
  expect(new Set(posted)).toEqual(new Set([COST_USD]));
  expect(await next.stop()).toEqual({ code: 0, signal: null });
});
