/**
 * Answers that a script words itself: status, body, headers, compression, and how often they fail.
 */

import { describe, expect, test } from "bun:test";
import { crc32, gunzipSync } from "node:zlib";
import { at, post, postChat, upstreamForFile } from "./harness.ts";
import { chatBody, eventsOf, exchange, masked } from "./raw-client.ts";

const upstream = await upstreamForFile();
const { port } = upstream;
const streamBody = { ...chatBody, stream: true };
const forms = [streamBody, chatBody];

describe("a status", () => {
  const cases: [status: number, type: string, code: string | null][] = [
    [300, "invalid_request_error", null],
    [400, "invalid_request_error", null],
    [401, "invalid_request_error", "invalid_api_key"],
    [418, "invalid_request_error", null],
    [429, "requests", "rate_limit_exceeded"],
    [500, "server_error", null],
    [503, "service_unavailable_error", "service_unavailable"],
    [599, "server_error", null],
  ];
  test.each(cases)("%i comes with OpenAI's error body", async (status, type, code) => {
    const message = `Simulated answer with status ${status}.`;
    for (const body of forms) {
      const response = await postChat(upstream, body, { "x-sim-script": `status=${status}` });
      expect([response.status, await response.json()]).toEqual([
        status,
        { error: { message, type, param: null, code } },
      ]);
    }
  });

  test("below 300 answers as usual", async () => {
    const response = await postChat(upstream, { model: "sim-small?status=202" });
    expect([response.status, at(await response.json(), "object")]).toEqual([
      202,
      "chat.completion",
    ]);
  });

  test("that allows no body has none", async () => {
    for (const status of [204, 304]) {
      const answer = await exchange({ port, script: `status=${status}` });
      expect([answer.status, answer.reads.length, answer.isComplete]).toEqual([status, 1, true]);
    }
  });

  test("works for every path and for bodies that nobody can read", async () => {
    const headers = { "x-sim-script": "status=503&retry_after=2" };
    for (const path of ["/v1/chat/completions", "/v1/models", "/v1/unknown"]) {
      const response = await post(upstream, path, "{not json", headers);
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
    }
  });
});

describe("a scripted body", () => {
  const cases: [body: string, contentType: string][] = [
    ["plain text", "text/plain; charset=utf-8"],
    ['{"a": 漢}', "application/json"],
    ["data: one\n\ndata: two\n\n", "text/event-stream; charset=utf-8"],
    [": comment\n\n", "text/event-stream; charset=utf-8"],
    ["", "text/plain; charset=utf-8"],
  ];
  test.each(cases)("%j is sent verbatim as %s", async (body, contentType) => {
    const script = `status=502&body=${encodeURIComponent(body)}`;
    const answer = await exchange({ port, script });
    expect([answer.status, answer.body.toString()]).toEqual([502, body]);
    expect(answer.headers.get("content-type")).toEqual([contentType]);
  });

  test("can be cut like any other", async () => {
    const body = encodeURIComponent("data: 漢\n\n");
    const answer = await exchange({ port, script: `body=${body}&cut_at=7` });
    expect([answer.body, answer.isComplete]).toEqual([
      Buffer.from("data: 漢").subarray(0, 7),
      false,
    ]);
  });
});

test("headers are sent as scripted, repeated ones each for itself", async () => {
  const script =
    "header=x-one:a&header=x-one:b&header=content-type:text/odd&header=connection:close";
  for (const body of forms) {
    const { headers } = await exchange({ port, script, body });
    expect([headers.get("x-one"), headers.get("content-type"), headers.get("connection")]).toEqual([
      ["a", "b"],
      ["text/odd"],
      ["close"],
    ]);
  }
});

test("a redirect can be scripted", async () => {
  const script = "status=302&header=location:http://127.0.0.1:1/";
  const { status, headers } = await exchange({ port, script });
  expect([status, headers.get("location")]).toEqual([302, ["http://127.0.0.1:1/"]]);
});

async function statuses(scripts: string[]): Promise<number[]> {
  const seen: number[] = [];
  for (const script of scripts) {
    seen.push((await exchange({ port, script })).status);
  }
  return seen;
}

async function statusWith(credential: string): Promise<number> {
  const headers = {
    authorization: `Bearer ${credential}`,
    "x-sim-script": "status=402&only_credential=sk-1",
  };
  return (await postChat(upstream, chatBody, headers)).status;
}

test("only_credential is met by requests with that credential, and by no others", async () => {
  expect([await statusWith("sk-1"), await statusWith("sk-2")]).toEqual([402, 200]);
});

describe("fail_times", () => {
  test("fails the first requests with its key, with status 500 unless another is named", async () => {
    const script = "fail_times=2&key=a";
    expect(await statuses([script, script, script, script])).toEqual([500, 500, 200, 200]);
    const limited = "fail_times=1&key=b&status=429&retry_after=1";
    expect(await statuses([limited, script, limited])).toEqual([429, 200, 200]);
  });

  test("lets any fault happen a number of times", async () => {
    const script = "fail_times=1&key=c&cut_at=10&tokens=2";
    const first = await exchange({ port, script, body: streamBody });
    const second = await exchange({ port, script, body: streamBody });
    expect([first.isComplete, second.isComplete, eventsOf(second.body).length]).toEqual([
      false,
      true,
      5,
    ]);
    expect(await statuses(["fail_times=1&key=d&connection_reset=1"])).toEqual([0]);
    expect(await statuses(["fail_times=1&key=d&connection_reset=1"])).toEqual([200]);
  });

  test("counts by the model when no key is given, and starts over with a reset", async () => {
    const statusOf = async (model: string): Promise<number> =>
      (await postChat(upstream, { model })).status;
    const one = "one?fail_times=1";
    expect([await statusOf(one), await statusOf("two?fail_times=1"), await statusOf(one)]).toEqual([
      500, 500, 200,
    ]);
    upstream.reset();
    expect(await statusOf(one)).toBe(500);
  });
});

describe("content_encoding=gzip", () => {
  test("compresses for a client that accepts it, plain and streamed", async () => {
    for (const body of forms) {
      const whole = await exchange({ port, script: "tokens=9", body });
      const packed = await exchange({
        port,
        script: "tokens=9&token_delay_ms=1&content_encoding=gzip",
        body,
        headers: { "accept-encoding": "br, gzip;q=0.5" },
      });
      expect(packed.headers.get("content-encoding")).toEqual(["gzip"]);
      const unpacked = gunzipSync(packed.body);
      expect(masked(unpacked)).toBe(masked(whole.body));
      // RFC 1952: the last eight bytes are the checksum and the length of what was packed.
      const trailer = [packed.body.readUInt32LE(packed.body.length - 8), unpacked.byteLength];
      expect([crc32(unpacked), packed.body.readUInt32LE(packed.body.length - 4)]).toEqual(trailer);
    }
  });

  test("delivers a stream frame by frame", async () => {
    const headers = { "x-sim-script": "content_encoding=gzip&tokens=5&stall_after=1" };
    const abort = new AbortController();
    const response = await postChat(upstream, streamBody, headers, abort.signal);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("lorem")) {
      text += (await reader?.read())?.value ?? "";
    }
    abort.abort();
    expect(eventsOf(text).length).toBe(2);
  });

  test("leaves the answer alone for a client that does not", async () => {
    for (const accepted of ["identity", "gzip;q=0", "br"]) {
      const answer = await exchange({
        port,
        script: "content_encoding=gzip",
        headers: { "accept-encoding": accepted },
      });
      expect([answer.headers.has("content-encoding"), answer.body.toString()[0]]).toEqual([
        false,
        "{",
      ]);
    }
  });
});
