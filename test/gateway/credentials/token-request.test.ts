/** Asking for a token is bounded in time and size, follows nothing, and says little of what came back. */
import { expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { TokenAnswer } from "../../../src/gateway/credentials/fetched-token.ts";
import { requestToken } from "../../../src/gateway/credentials/token-request.ts";
import type { Origins } from "../../../src/gateway/origin.ts";
import { startRecordedUpstream } from "../../conformance/recorded-upstream.ts";
import { until } from "../../support/until.ts";
import type { Send } from "../../../src/gateway/transport.ts";

const request = {
  url: "https://tokens.example.com/token",
  allowPrivateNetwork: false,
  connectMs: 1_000,
  form: { grant_type: "client_credentials" },
};
const OPEN: Origins = { check: () => null };

/** The endpoint answers with this. */
async function answered(response: Response) {
  const send: Send = () => Promise.resolve(response);
  return await requestToken({ clock: systemClock, origins: OPEN, send }, request);
}

const unavailable = (detail: string): TokenAnswer => ({
  ok: false,
  problem: { kind: "credential_unavailable", detail: `the token endpoint: ${detail}` },
});

test.each([
  [{ access_token: "t", expires_in: 3_600 }, 3_600_000],
  [{ access_token: "t", expires_in: "3599" }, 3_599_000],
  [{ access_token: "t" }, 300_000],
  [{ access_token: "t", expires_in: 0 }, 300_000],
  [{ access_token: "t", expires_in: "soon" }, 300_000],
  [{ access_token: "t", expires_in: -3_600 }, 300_000],
  [{ access_token: "t", expires_in: null }, 300_000],
  [{ access_token: "t", expires_in: { seconds: 60 } }, 300_000],
  [{ access_token: "t", expires_in: 1e308 }, 86_400_000],
  [{ access_token: "t", expires_in: "9".repeat(400) }, 300_000],
  [{ access_token: "t", expires_in: 0.000_001 }, 1_000],
])("%j is a token that lives %d ms", async (body, livesMs) => {
  expect(await answered(Response.json(body))).toEqual({ ok: true, token: "t", livesMs });
});

test.each([
  [
    "a token that is no header value",
    Response.json({ access_token: "a\nb" }),
    "the answer holds no token",
  ],
  [
    "a token that ends its header",
    Response.json({ access_token: "a\r\nx-evil: 1" }),
    "the answer holds no token",
  ],
  ["a list of tokens", Response.json({ access_token: ["a"] }), "the answer holds no token"],
  ["a list", Response.json([{ access_token: "a" }]), "the answer holds no token"],
  ["no token", Response.json({ token: "t" }), "the answer holds no token"],
  ["no JSON", new Response("<html>"), "the answer holds no token"],
  ["nothing", new Response(null, { status: 200 }), "the answer holds no token"],
  [
    "far too much",
    new Response("x".repeat(LIMITS.failureBytesMax + 1)),
    "the answer holds no token",
  ],
  [
    "another address",
    new Response(null, { status: 302, headers: { location: "https://evil.example.com" } }),
    "status 302",
  ],
  [
    "its own failure",
    Response.json({ error: "server_error" }, { status: 503 }),
    "status 503 (server_error)",
  ],
])("where it answers with %s, there is no token", async (_, response, detail) => {
  expect(await answered(response)).toEqual(unavailable(detail));
});

test("a refusal is told by its code alone", async () => {
  const body = { error: "invalid_client", error_description: "secret s3cr3t is wrong" };
  expect(await answered(Response.json(body, { status: 401 }))).toEqual({
    ok: false,
    problem: {
      kind: "credential_refused",
      detail: "the token endpoint: status 401 (invalid_client)",
    },
  });
  const odd = { error: "Secret s3cr3t" };
  expect(await answered(Response.json(odd, { status: 400 }))).toEqual({
    ok: false,
    problem: { kind: "credential_refused", detail: "the token endpoint: status 400" },
  });
});

/** Says nothing until it is given up. */
const silent: Send = (_, { signal }) =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
  });

test("one that says nothing is given up in time", async () => {
  const timers: { readonly delayMs: number; readonly fire: () => void }[] = [];
  const clock = {
    ...systemClock,
    after: (delayMs: number, fire: () => void) => {
      timers.push({ delayMs, fire });
      return { cancel: () => void timers.splice(0) };
    },
  };
  const asked = requestToken({ clock, origins: OPEN, send: silent }, request);
  await Promise.resolve();
  const [timer] = timers;
  expect(timer?.delayMs).toBe(LIMITS.tokenRequestMs);
  timer?.fire();
  expect(await asked).toEqual(unavailable("no answer in time"));
  expect(timers).toEqual([]);
});

test("one that begins an answer and never ends it is given up in time, by the real client", async () => {
  const endpoint = await startRecordedUpstream();
  const fired: (() => void)[] = [];
  const clock = {
    ...systemClock,
    after: (_: number, fire: () => void) => {
      fired.push(fire);
      return { cancel: () => undefined };
    },
  };
  endpoint.answer({ pieces: ['{"access_token":"t",'], end: "hang" });
  const deps = { clock, origins: OPEN, send: fetch };
  const asked = requestToken(deps, { ...request, url: `${endpoint.url}/token` });
  await until(() => endpoint.seen.length === 1);
  for (const fire of fired) fire();
  expect(await asked).toEqual(unavailable("no answer in time"));
  await endpoint.quiet();
  await endpoint.stop();
});

test("nothing is sent where the provider's rule forbids the address", async () => {
  let sent = 0;
  const send: Send = () => {
    sent += 1;
    return Promise.reject(new Error("sent"));
  };
  const checked: unknown[] = [];
  const origins: Origins = {
    check: (origin) => {
      checked.push(origin);
      return { kind: "address_refused", detail: "tokens.example.com: 10.0.0.1 is private" };
    },
  };
  expect(await requestToken({ clock: systemClock, origins, send }, request)).toEqual(
    unavailable("tokens.example.com: 10.0.0.1 is private"),
  );
  expect([sent, checked]).toEqual([
    0,
    [{ baseUrl: request.url, allowPrivateNetwork: false, timeoutsMs: { connect: 1_000 } }],
  ]);
});
