/** What was tried for a request: in its row, and in the one error that we make when nobody answered. */
import { beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import { attemptsTold } from "../../src/gateway/attempt-notes.ts";
import { chat, errorOf } from "../support/chat.ts";
import { until } from "../support/until.ts";
import { twoProvidersForFile } from "./two-providers.ts";

const { tollgate, token, first, second, change } = await twoProvidersForFile();
const patient = { ...first.row, timeoutsMs: second.row.timeoutsMs };

// Nothing here is about clocks.
beforeEach(() => change(patient));

async function notesOf(requestId: string | null) {
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  await tollgate.store.flush();
  return (await tollgate.store.requestDetail(requestId ?? ""))?.request?.attemptNotes;
}

const DURATION = expect.any(Number);

describe("in the row", () => {
  test("one attempt that was answered needs no list", async () => {
    first.upstream.script("tokens=3");
    const reply = await chat(tollgate.url, { token });
    expect(await notesOf(reply.headers.get("x-request-id"))).toBeNull();
  });

  test("failed attempts and the one that served stand in order", async () => {
    first.upstream.script("status=503");
    second.upstream.script("tokens=3");
    const reply = await chat(tollgate.url, { token });
    expect(await notesOf(reply.headers.get("x-request-id"))).toEqual([
      {
        provider: "first",
        model: "sim-small",
        outcome: "status_503",
        status: 503,
        latencyMs: DURATION,
      },
      { provider: "second", model: "sim-large", outcome: "ok", status: 200, latencyMs: DURATION },
    ]);
  });

  test("one attempt that failed is told", async () => {
    first.upstream.script("status=400");
    const reply = await chat(tollgate.url, { token });
    expect(await notesOf(reply.headers.get("x-request-id"))).toMatchObject([
      { provider: "first", outcome: "status_400", status: 400 },
    ]);
  });

  test("a stream that broke is told", async () => {
    first.upstream.script("tokens=5&omit_done=1");
    const reply = await chat(tollgate.url, { token, body: { stream: true } });
    expect(await notesOf(reply.headers.get("x-request-id"))).toMatchObject([
      { provider: "first", outcome: "cut", status: 200 },
    ]);
  });

  test("an address that takes no connection is told, though the ledger has nothing of it", async () => {
    await change({ ...patient, baseUrl: "http://127.0.0.1:9/v1" });
    second.upstream.script("tokens=3");
    const reply = await chat(tollgate.url, { token });
    expect(await notesOf(reply.headers.get("x-request-id"))).toMatchObject([
      { provider: "first", outcome: "connect", status: null },
      { provider: "second", outcome: "ok", status: 200 },
    ]);
  });
});

describe("in the error", () => {
  test("everything that was tried is listed in order, with how it ended", async () => {
    first.upstream.script("connection_reset=1");
    second.upstream.script("garbage=1");
    const reply = await chat(tollgate.url, { token });
    expect(reply.status).toBe(502);
    expect(errorOf(reply)).toMatchObject({
      code: "upstream_error",
      message: expect.stringMatching(
        /^The provider failed\. Tried: first\/sim-small reset after \d+ ms; second\/sim-large undecodable after \d+ ms; first\/sim-small reset after \d+ ms\.$/,
      ),
    });
  });

  test("it names no host and no credential", async () => {
    await change({ ...patient, baseUrl: "http://127.0.0.1:9/v1", credentialSealed: "sk-secret" });
    const reply = await chat(tollgate.url, { token, body: { model: "alone" } });
    expect(reply.text).toContain("The provider does not take connections. Tried: first/sim-small");
    expect(reply.text).not.toContain("127.0.0.1");
    expect(reply.text).not.toContain("sk-secret");
  });

  test("a list that is long is cut, and so are long names", () => {
    const note = {
      provider: "p",
      model: "m".repeat(500),
      outcome: "cut",
      status: null,
      latencyMs: 1.4,
    };
    const told = attemptsTold({
      notes: Array.from({ length: LIMITS.attemptsToldMax + 3 }, () => note),
    });
    const name = `p/${"m".repeat(LIMITS.attemptNameCharsMax - 2)}`;
    const each = Array(LIMITS.attemptsToldMax).fill(`${name} cut after 1 ms`);
    expect(told).toBe(` Tried: ${[...each, "and 3 more"].join("; ")}.`);
  });

  test("a provider's own answer stays its own, whatever failed before", async () => {
    first.upstream.script("connection_reset=1");
    second.upstream.script("status=400&body=%7B%22odd%22%3A%201.0%7D");
    const reply = await chat(tollgate.url, { token });
    expect([reply.status, reply.text]).toEqual([400, '{"odd": 1.0}']);
  });
});
