/** What a route says about repeating: how often, until when, and after which failures. */
import { describe, expect, test } from "bun:test";
import type { RouteRow } from "../../src/store/contract.ts";
import { chat } from "../support/chat.ts";
import { twoProvidersForFile } from "./two-providers.ts";

const { tollgate, token, first, second, attemptsOf } = await twoProvidersForFile();

const TARGETS = [
  { providerId: first.row.id, model: "sim-small", weight: 1, priority: 0 },
  { providerId: second.row.id, model: "sim-large", weight: 1, priority: 1 },
];

type Retries = NonNullable<RouteRow["terms"]["retries"]>;

let routes = 0;

/** A new route with these terms, over both providers or over the first alone. */
async function routeWith(retries: Retries, targets = TARGETS): Promise<string> {
  routes += 1;
  return (await tollgate.addRoute(`route-${routes}`, targets, { terms: { retries } })).model;
}

function requests(): number[] {
  return [first, second].map(({ upstream }) => upstream.stats().requests);
}

describe("attempts_max", () => {
  test.each([1, 2])("%d bounds the attempts at all targets together", async (attemptsMax) => {
    first.upstream.script("status=500");
    second.upstream.script("status=502&body=%7B%22odd%22%3A1.0%7D");
    const reply = await chat(tollgate.url, {
      token,
      body: { model: await routeWith({ attemptsMax }) },
    });
    expect(reply.status).toBe(attemptsMax === 1 ? 500 : 502);
    expect(reply.headers.get("x-tollgate-attempts")).toBe(String(attemptsMax));
    expect(requests()).toEqual([1, attemptsMax - 1]);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toHaveLength(attemptsMax);
  });
});

describe("total_ms", () => {
  const alone = TARGETS.slice(0, 1);

  test("passed, nothing is begun any more: the failure comes back at once", async () => {
    first.upstream.script("status=503&header=retry-after-ms%3A400&body=%7B%22first%22%3A1%7D");
    const model = await routeWith({ totalMs: 300 }, alone);
    const reply = await chat(tollgate.url, { token, body: { model } });
    expect([reply.status, reply.text]).toEqual([503, '{"first":1}']);
    expect(requests()).toEqual([1, 0]);
  });

  test("not passed, what the provider asks for is waited, to the millisecond", async () => {
    first.upstream.script("fail_times=1&status=503&header=retry-after-ms%3A400");
    const model = await routeWith({ totalMs: 5_000 }, alone);
    const beganAtMs = performance.now();
    const reply = await chat(tollgate.url, { token, body: { model } });
    expect([reply.status, reply.headers.get("x-tollgate-attempts")]).toEqual([200, "2"]);
    expect(performance.now() - beganAtMs).toBeGreaterThan(400);
  });
});

test("an attempt that could not end within the client's own time is not waited for", async () => {
  // Its wait of 957 ms would end within the second, but with nothing left for the attempt itself.
  first.upstream.script("status=500&header=retry-after-ms%3A870");
  const headers = { "x-tollgate-timeout-ms": "1000" };
  const reply = await chat(tollgate.url, { token, body: { model: "alone" }, headers });
  expect([reply.status, requests()]).toEqual([500, [1, 0]]);
});

describe("statuses", () => {
  test.each([
    ["a status that is not among them", "status=500", [503], 500],
    ["a status that would go to the next target", "status=401", [500, 502], 401],
    ["a lost connection, where 502 is not", "connection_reset=1", [500, 503], 502],
    ["silence, where 504 is not", "hang=1", [500, 502], 504],
  ])("make %s final", async (_what, script, statuses, status) => {
    first.upstream.script(script);
    const reply = await chat(tollgate.url, {
      token,
      body: { model: await routeWith({ statuses }) },
    });
    expect([reply.status, requests()]).toEqual([status, [1, 0]]);
  });

  test.each([
    ["a status that is among them", "status=503", [503]],
    ["a lost connection, where 502 is", "connection_reset=1", [502]],
    ["silence, where 504 is", "hang=1", [504]],
  ])("leave %s to be repeated", async (_what, script, statuses) => {
    first.upstream.script(script);
    const reply = await chat(tollgate.url, {
      token,
      body: { model: await routeWith({ statuses }) },
    });
    expect([reply.status, requests()]).toEqual([200, [1, 1]]);
  });

  test("do not make an answer repeatable that is the request's own fault", async () => {
    first.upstream.script("status=400");
    const model = await routeWith({ statuses: [400] });
    const reply = await chat(tollgate.url, { token, body: { model } });
    expect([reply.status, requests()]).toEqual([400, [1, 0]]);
  });
});
