/** Broken HTTP, strange addresses and forged credentials: a documented refusal or a closed connection. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { newAccessToken } from "../../src/base/access-token.ts";
import { systemRandom } from "../../src/base/random.ts";
import { HELLO } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { startQuietGateway } from "./quiet.ts";
import { connectRaw, sendRaw, type RawReply } from "./raw-socket.ts";

const { tollgate, token, tenantId, expectQuiet } = await startQuietGateway();
const { port } = tollgate;

afterEach(expectQuiet);

afterAll(() => tollgate.stop());

const BODY = JSON.stringify({ model: "small", messages: HELLO });
const BEARER = `Authorization: Bearer ${token}`;
const LENGTH = `Content-Length: ${BODY.length}`;

/** A request for chat as text, with a host and whatever else is told. */
function request(headers: readonly string[], body = BODY, target = "/v1/chat/completions"): string {
  return `POST ${target} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n${body}`;
}

/** Latin 1, so that a test can name every byte. */
function send(text: string): Promise<RawReply> {
  return sendRaw(port, Buffer.from(text, "latin1"));
}

function get(target: string, ...headers: string[]): Promise<RawReply> {
  return send(`GET ${target} HTTP/1.1\r\n${[...headers, BEARER].join("\r\n")}\r\n\r\n`);
}

/** Asks for something harmless with these credentials. */
function askWith(headers: Record<string, string>): Promise<Response> {
  return fetch(`${tollgate.url}/v1/models`, { headers });
}

function codeOf(reply: RawReply): unknown {
  return JSON.parse(reply.text).error.code;
}

describe("broken framing is refused before anybody reads it", () => {
  const chunked = "Transfer-Encoding: chunked";
  test.each([
    ["no request at all", "\x00\x01\x02\x03\r\n\r\n"],
    ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["no Host", request([BEARER, LENGTH])],
    ["two ways to tell the length", request(["Host: x", BEARER, LENGTH, chunked], "0\r\n\r\n")],
    ["two lengths", request(["Host: x", BEARER, LENGTH, "Content-Length: 5"])],
    ["a negative length", request(["Host: x", BEARER, "Content-Length: -1"])],
    ["a length that is no number", request(["Host: x", BEARER, "Content-Length: abc"])],
    ["a hexadecimal length", request(["Host: x", BEARER, "Content-Length: 0x10"])],
    ["an endless length", request(["Host: x", BEARER, `Content-Length: ${"9".repeat(30)}`])],
    ["an unknown coding", request(["Host: x", BEARER, "Transfer-Encoding: gzip, chunked"])],
    ["a chunk size that is none", request(["Host: x", BEARER, chunked], "zz\r\nhi\r\n0\r\n\r\n")],
    ["a negative chunk", request(["Host: x", BEARER, chunked], "-5\r\nhello\r\n0\r\n\r\n")],
    ["an endless chunk", request(["Host: x", BEARER, chunked], `${"f".repeat(20)}\r\nhi\r\n`)],
    ["a space in a name", request(["Host: x", BEARER, LENGTH, "bad name: x"])],
    ["a header without a colon", request(["Host: x", BEARER, LENGTH, "nothing"])],
    ["a NUL in a header", request(["Host: x", BEARER, LENGTH, "x: a\x00b"])],
    ["a folded header", request(["Host: x", BEARER, LENGTH, "x: a", " b"])],
    ["a target without a slash", request(["Host: x", BEARER, LENGTH], BODY, "v1/chat/completions")],
    ["a star as target", request(["Host: x", BEARER, LENGTH], BODY, "*")],
    ["a space in the target", request(["Host: x", BEARER, LENGTH], BODY, "/v1/chat completions")],
  ])("%s", async (_what, text) => {
    // Bun answers 400 (505 for what looks like another version) without a body, and hangs up.
    const connection = await connectRaw(port);
    connection.write(Buffer.from(text, "latin1"));
    await connection.closed;
    expect([0, 400, 505]).toContain((await connection.reply).status);
  });

  test.each([
    ["a megabyte of authorization", [`Authorization: Bearer ${"a".repeat(1024 * 1024)}`]],
    ["a megabyte of cookies", [BEARER, `Cookie: ${"a=b; ".repeat(200_000)}`]],
    ["five thousand headers", [BEARER, ...Array.from({ length: 5_000 }, (_, i) => `x-${i}: y`)]],
  ])("%s", async (_what, headers) => {
    const reply = await send(request(["Host: x", ...headers, LENGTH]));
    expect([0, 431]).toContain(reply.status);
  });

  test("a target of 20,000 bytes", async () => {
    const reply = await send(request(["Host: x", BEARER, LENGTH], BODY, `/${"a".repeat(20_000)}`));
    expect([0, 414, 431]).toContain(reply.status);
  });
});

/** Two minutes for a body are short with it; everything else takes its time. */
const hastyClock: Clock = {
  ...systemClock,
  after: (delayMs, callback) =>
    systemClock.after(delayMs === LIMITS.bodyReadMs ? 50 : delayMs, callback),
};

describe("a body that does not come", () => {
  const waits = [
    ["after its headers", [LENGTH], ""],
    ["in its middle", [LENGTH], BODY.slice(0, 20)],
    ["in the middle of a long one", ["Content-Length: 100000"], BODY.slice(0, 20)],
    ["in the middle of a chunk", ["Transfer-Encoding: chunked"], "20\r\n{"],
    ["between chunks", ["Transfer-Encoding: chunked"], `14\r\n${BODY.slice(0, 20)}\r\n`],
  ] as const;

  test.each(waits)(
    "%s holds nothing and ends with its connection",
    async (_when, headers, body) => {
      for (const leave of ["end", "terminate"] as const) {
        const connection = await connectRaw(port);
        connection.write(request(["Host: x", BEARER, ...headers], body));
        await until(() => tollgate.gateway.lifecycle.inFlightCount() === 1);
        const [limit] = await tollgate.gateway.directory.limitStates(tenantId);
        expect(limit?.inFlight ?? 0).toBe(0);
        connection[leave]();
        await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
      }
    },
  );

  test("is waited for two minutes and no longer", async () => {
    const hasty = await startTestGateway({ clock: hastyClock });
    const hastyToken = (await hasty.addToken((await hasty.addTenant()).id)).token;
    for (const length of [LENGTH, "Content-Length: 100000", "Transfer-Encoding: chunked"]) {
      const headers = ["Host: x", `Authorization: Bearer ${hastyToken}`, length];
      const reply = await sendRaw(hasty.port, request(headers, "14\r\n"));
      expect([reply.status, codeOf(reply)]).toEqual([400, "invalid_request"]);
    }
    expect(hasty.gateway.lifecycle.inFlightCount()).toBe(0);
    await hasty.stop();
  });

  test("is not waited for where the request is refused without it", async () => {
    const refused = await send(request(["Host: x", "Authorization: Bearer nobody", LENGTH], ""));
    expect([refused.status, codeOf(refused)]).toEqual([401, "invalid_api_key"]);
    const huge = await send(request(["Host: x", BEARER, "Content-Length: 9999999999"], ""));
    expect([huge.status, codeOf(huge)]).toEqual([413, "body_too_large"]);
  });
});

describe("addresses", () => {
  // A Host shorter than four characters, or that is none, must not change what is asked for.
  const hosts = ["a", "ab", "llm", "a:1", "localhost", "[::1]", "192.0.2.1:80", "EXAMPLE.com."];
  test.each(hosts)("Host %p is served like every other", async (host) => {
    expect((await get("/v1/models", `Host: ${host}`)).status).toBe(200);
    const model = await get("/v1/models/small", `Host: ${host}`);
    expect([model.status, JSON.parse(model.text).id]).toEqual([200, "small"]);
    const nothing = await get("/v1/nothing", `Host: ${host}`);
    expect([nothing.status, codeOf(nothing)]).toEqual([404, "not_found"]);
  });

  const strange = ["", "a/b?c", "a/b", "a b", "[", "[::1", "<x>", "%zz", "a@b", "a:b:c", "a:99999"];
  const attacks = ["x/v1/models/small?", "x/v1/models#", "' OR 1=1 --", "\xe9", "a,b", "\\..\\"];
  test.each([...strange, ...attacks])(
    "Host %p never fails and never leads astray",
    async (host) => {
      for (const target of ["/v1/models", "/v1/models/small", "/v1/nothing", "/livez"]) {
        const reply = await get(target, `Host: ${host}`);
        const served = target === "/v1/nothing" ? [400, 404] : [200, 400, 404];
        expect(served).toContain(reply.status);
      }
    },
  );

  test("a Host given twice never fails", async () => {
    const reply = await get("/v1/models/small", "Host: a", "Host: b");
    expect([200, 400]).toContain(reply.status);
  });

  test.each([
    ["an absolute target", "http://elsewhere.example/v1/models", 200],
    ["dots that lead back", "/v1/../v1/models", 200],
    ["dots that lead out", "/v1/models/../../../../etc/passwd", 404],
    ["two slashes", "//v1/models", 404],
    ["an escaped slash", "/v1%2fmodels", 404],
    ["another case", "/V1/models", 404],
    ["an escape that is none", "/v1/models/%zz", 404],
    ["an escaped NUL", "/v1/models/%00", 404],
    ["broken UTF-8", "/v1/models/%ff%fe", 404],
    ["escaped dots", "/v1/models/%2e%2e%2fsmall", 404],
    ["a backslash", "/v1/models\\small", 200],
    ["a model behind two slashes", "/v1/models//small", 404],
  ])("%s", async (_what, target, status) => {
    expect((await get(target, "Host: localhost")).status).toBe(status);
  });

  test.each(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])(
    "chat by %s is nothing we have",
    async (method) => {
      const head = `${method} /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n${BEARER}`;
      const reply = await send(`${head}\r\n\r\n`);
      expect([0, 400, 404]).toContain(reply.status);
    },
  );
});

async function expectUnauthorized(headers: Record<string, string>): Promise<void> {
  const response = await askWith(headers);
  const isGoogles = "x-goog-api-key" in headers;
  expect([JSON.stringify(headers), response.status, await response.json()]).toEqual([
    JSON.stringify(headers),
    401,
    { error: isGoogles ? expect.objectContaining(GOOGLES_REFUSAL) : REFUSAL },
  ]);
}

const REFUSAL = {
  message: expect.any(String),
  type: "invalid_request_error",
  code: "invalid_api_key",
  param: null,
};
/** Who presents a credential as Google's clients do is told so in Google's words. */
const GOOGLES_REFUSAL = { code: 401, message: expect.any(String), status: "UNAUTHENTICATED" };

describe("credentials", () => {
  test("10,000 forged ones are all refused", async () => {
    const alphabet = Array.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    const unit = fc.constantFrom(...alphabet);
    // What fetch lets into a header: bytes that are neither control characters nor at the edge.
    const visible = fc.string({
      unit: fc.constantFrom(...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))),
      minLength: 1,
      maxLength: 60,
    });
    const forged = fc.oneof(
      visible,
      visible.map((text) => `sk-tg-${text}`),
      fc.string({ unit, minLength: 38, maxLength: 38 }).map((text) => `sk-tg-${text}`),
      // Ours, with one character changed, left out or put in.
      fc
        .tuple(fc.nat(token.length - 1), fc.constantFrom(...alphabet, "-", "_", "é"))
        .filter(([at, character]) => token[at] !== character)
        .map(([at, character]) => token.slice(0, at) + character + token.slice(at + 1)),
      fc.nat(token.length - 1).map((at) => token.slice(0, at) + token.slice(at + 1)),
      fc
        .nat(token.length - 1)
        .map((at) => token.slice(0, at) + (token[at] ?? "") + token.slice(at)),
      fc.constantFrom(`${token} ${token}`, `${token},${token}`, `"${token}"`, `'${token}'`),
      // Well formed, and nobody's.
      fc.constant(null).map(() => newAccessToken(systemRandom)),
      fc.constantFrom("' OR '1'='1", "sk-tg-' UNION SELECT hash FROM tokens --", "${7*7}", "%00"),
    );
    const presented = fc.oneof(
      forged.map((text) => ({ authorization: `Bearer ${text}` })),
      forged.map((text) => ({ authorization: text })),
      forged.map((text) => ({ authorization: `Basic ${btoa(encodeURI(text))}` })),
      forged.map((text) => ({ "x-api-key": text })),
      forged.map((text) => ({ "api-key": text })),
      forged.map((text) => ({ "x-goog-api-key": text })),
    );
    const samples = fc.sample(presented, 10_000);
    for (let start = 0; start < samples.length; start += 100) {
      const batch = samples.slice(start, start + 100);
      await Promise.all(batch.map((headers) => expectUnauthorized(headers)));
    }
  });

  test.each<[string, Record<string, string>]>([
    ["none", {}],
    ["an empty one", { authorization: "" }],
    ["a scheme alone", { authorization: "Bearer" }],
    ["a scheme and blanks", { authorization: "Bearer      " }],
    ["the scheme twice", { authorization: `Bearer Bearer ${token}` }],
    ["another scheme", { authorization: `Token ${token}` }],
    ["no blank after the scheme", { authorization: `Bearer${token}` }],
    ["only a prefix", { authorization: "Bearer sk-tg-" }],
    ["one in a cookie", { cookie: `token=${token}` }],
    ["15,000 bytes", { authorization: `Bearer ${"a".repeat(15_000)}` }],
    ["a hopeless one and a good one", { authorization: "Bearer nobody", "x-api-key": token }],
  ])("%s", async (_what, headers) => {
    await expectUnauthorized(headers);
  });

  test("a good one in the address is not taken", async () => {
    const chats = `${tollgate.url}/v1/chat/completions`;
    const models = `${tollgate.url}/v1/models`;
    const statuses: number[] = [];
    for (const name of ["key", "api_key", "access_token", "authorization"]) {
      const { status } = await fetch(`${chats}?${name}=${token}`, { method: "POST", body: "{}" });
      statuses.push(status);
      // Google's clients list models by `key`.
      if (name !== "key") statuses.push((await fetch(`${models}?${name}=${token}`)).status);
    }
    expect(statuses).toEqual(statuses.map(() => 401));
    expect(statuses).toHaveLength(7);
  });

  test.each(["\x80\xff", "\xc3\xa9", "\x7f", "a\tb"])("raw bytes %p", async (bytes) => {
    const reply = await send(
      `GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bytes}\r\n\r\n`,
    );
    expect([400, 401]).toContain(reply.status);
  });

  test("two Authorization headers are never taken for a good one of theirs", async () => {
    const reply = await send(
      `GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\n${BEARER}\r\n\r\n`,
    );
    expect([400, 401]).toContain(reply.status);
  });

  test("no part of a refused credential is in the answer or in the log", async () => {
    const secret = newAccessToken(systemRandom);
    const response = await askWith({ authorization: `Bearer ${secret}` });
    expect(await response.text()).not.toContain(secret.slice(6, 20));
    await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
    expect(tollgate.logLines.join("")).not.toContain(secret.slice(6, 20));
    expect(tollgate.logLines.join("")).not.toContain(token.slice(6, 20));
  });
});
