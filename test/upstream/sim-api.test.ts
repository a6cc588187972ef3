/**
 * The truth over HTTP, for tests and users outside the process.
 */

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { at, jsonOf, post, postChat, upstreamForFile } from "./harness.ts";

const upstream = await upstreamForFile();
const sim = (path: string): Promise<unknown> => jsonOf(fetch(`${upstream.url}/sim/${path}`));
const model = "sim-small?tokens=1";

test("stats tell the same as in process and count nothing of themselves", async () => {
  await (await postChat(upstream, { model })).text();
  await upstream.until(({ completed }) => completed === 1);
  expect(await sim("stats")).toEqual({
    requests: 1,
    in_flight: 0,
    in_flight_max: 1,
    completed: 1,
    closed_early: 0,
    cut: 0,
    request_bytes: upstream.stats().requestBytes,
    body_bytes_sent: upstream.stats().bodyBytesSent,
    tokens_generated: 1,
    prompt_tokens_reported: 4,
    completion_tokens_reported: 1,
    by_path: { "/v1/chat/completions": 1 },
    by_model: { "sim-small": 1 },
    by_status: { "200": 1 },
  });
  expect(await sim("stats")).toEqual(await sim("stats"));
});

test("requests are listed newest first, page by page", async () => {
  for (let request = 0; request < 5; request += 1) {
    await (await postChat(upstream, { model: `m${request}` })).text();
  }
  await upstream.until(({ completed }) => completed === 5);
  const pages: unknown[] = [];
  let cursor: unknown = "";
  while (typeof cursor === "string") {
    const page = await sim(`requests?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
    const data = at(page, "data");
    pages.push(Array.isArray(data) ? data.map((item) => at(item, "model")) : data);
    cursor = at(page, "next_cursor");
  }
  expect(pages).toEqual([["m4", "m3"], ["m2", "m1"], ["m0"]]);
});

test("a listed request has its facts and no credential", async () => {
  const credential = "Bearer sk-very-secret";
  const secrets = { authorization: credential, "x-api-key": "s3cret", cookie: "session=s3cret" };
  await (await postChat(upstream, { model }, { ...secrets, "x-plain": "seen" })).text();
  await upstream.until(({ completed }) => completed === 1);
  const list = await sim("requests");
  const request = at(list, "data", 0);
  const prefix = createHash("sha256").update(credential).digest("hex").slice(0, 12);
  expect(JSON.stringify(list)).not.toContain("secret");
  expect(JSON.stringify(list)).not.toContain("s3cret");
  expect(at(request, "headers", "authorization")).toEqual({ present: true, sha256_prefix: prefix });
  expect(at(request, "headers", "x-plain")).toBe("seen");
  expect({ ...Object(request), headers: {}, number: 0, received_at: "" }).toEqual({
    number: 0,
    method: "POST",
    path: "/v1/chat/completions",
    headers: {},
    body_bytes: upstream.stats().requestBytes,
    body_base64: null,
    model: "sim-small",
    script: "tokens=1",
    is_stream: false,
    status: 200,
    tokens_generated: 1,
    prompt_tokens: 4,
    usage: { prompt_tokens: 4, completion_tokens: 1 },
    body_bytes_sent: upstream.stats().bodyBytesSent,
    received_at: "",
    first_byte_after_ms: expect.any(Number),
    ended_after_ms: expect.any(Number),
    is_completed: true,
    is_closed_early: false,
    is_cut: false,
  });
  expect(upstream.requests()[0]?.headers.authorization).toBe(credential);
});

async function bodyOf(): Promise<unknown> {
  await (await post(upstream, "/v1/x", '{"a":"漢"}')).text();
  return at(await sim("requests?limit=1"), "data", 0, "body_base64");
}

function record(keep: unknown): Promise<Response> {
  return post(upstream, "/sim/record", { keep_bodies: keep });
}

test("bodies are kept and shown only while asked for", async () => {
  expect(await bodyOf()).toBe(null);
  expect(await jsonOf(record(true))).toEqual({ keep_bodies: true });
  expect(await bodyOf()).toBe(Buffer.from('{"a":"漢"}').toString("base64"));
  expect(await jsonOf(record(false))).toEqual({ keep_bodies: false });
  expect(await bodyOf()).toBe(null);
  expect((await record("yes")).status).toBe(400);
});

test("a reset starts everything over, fail_times too", async () => {
  const failing = { model: "m?fail_times=1" };
  const statuses = [(await postChat(upstream, failing)).status];
  statuses.push((await postChat(upstream, failing)).status);
  expect(await jsonOf(post(upstream, "/sim/reset", ""))).toEqual({});
  expect([at(await sim("stats"), "requests"), at(await sim("requests"), "data")]).toEqual([0, []]);
  statuses.push((await postChat(upstream, failing)).status);
  expect(statuses).toEqual([500, 200, 500]);
});

describe("a question nobody can answer is refused", () => {
  const cases: [path: string, status: number][] = [
    ["requests?limit=0", 400],
    ["requests?limit=201", 400],
    ["requests?limit=x", 400],
    ["requests?cursor=x", 400],
    ["reset", 404],
    ["nothing", 404],
  ];
  test.each(cases)("GET /sim/%s", async (path, status) => {
    expect((await fetch(`${upstream.url}/sim/${path}`)).status).toBe(status);
  });
});
