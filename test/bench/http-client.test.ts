/** The client's connections: kept, shared one exchange at a time, and honest when they fail. */
import { afterEach, describe, expect, test } from "bun:test";
import { HttpClient } from "../../bench/http-client.ts";

type Stoppable = { readonly stop: () => void };
const opened: Stoppable[] = [];

afterEach(() => {
  for (const each of opened.splice(0)) each.stop();
});

const request = new TextEncoder().encode("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** A server that answers each read with what `reply` says; undefined: closes the connection. */
function rawServer(reply: (connection: number) => string | undefined) {
  let connections = 0;
  const server = Bun.listen<{ readonly number: number }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        connections += 1;
        socket.data = { number: connections };
      },
      data: (socket) => {
        const text = reply(socket.data.number);
        if (text === undefined) socket.end();
        else if (text.includes("connection: close")) socket.end(text);
        else socket.write(text);
      },
    },
  });
  opened.push({ stop: () => server.stop(true) });
  const url = new URL(`http://127.0.0.1:${server.port}`);
  return { url, connectionCount: () => connections };
}

function clientOf(url: URL, options?: ConstructorParameters<typeof HttpClient>[1]): HttpClient {
  const client = new HttpClient(url, options);
  opened.push({ stop: () => client.close() });
  return client;
}

function fixture(name: string) {
  return Bun.file(`${import.meta.dir}/fixtures/localhost-${name}.pem`);
}

const whole = { arrived: true, status: 200 } as const;

describe("an HTTP client", () => {
  test("keeps a connection for the next exchange, and opens one more for each at the same time", async () => {
    const server = rawServer(() => answer);
    const client = clientOf(server.url);
    for (let turn = 0; turn < 5; turn += 1) expect(await client.send(request)).toEqual(whole);
    expect(server.connectionCount()).toBe(1);
    const replies = await Promise.all([1, 2, 3].map(() => client.send(request)));
    expect(replies).toEqual([whole, whole, whole]);
    expect([server.connectionCount(), client.connectionCount]).toEqual([3, 3]);
  });

  test("carries more exchanges at once than Bun's fetch would", async () => {
    const server = rawServer(() => answer);
    const client = clientOf(server.url);
    const replies = await Promise.all(Array.from({ length: 300 }, () => client.send(request)));
    expect(replies.every((reply) => reply.arrived)).toBe(true);
    expect(server.connectionCount()).toBe(300);
  });

  test("hands on the body and says when a network read is over", async () => {
    const server = rawServer(() => answer);
    const heard: string[] = [];
    await clientOf(server.url).send(request, {
      onHead: (status) => heard.push(`head ${status}`),
      onBody: (bytes) => heard.push(`body ${bytes.toString()}`),
      onReadEnd: () => heard.push("read end"),
    });
    expect(heard).toEqual(["head 200", "body ok", "read end"]);
  });

  test("does not use a connection again that the server closes", async () => {
    const server = rawServer(() => `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok`);
    const client = clientOf(server.url);
    expect(await client.send(request)).toEqual(whole);
    expect(await client.send(request)).toEqual(whole);
    expect([server.connectionCount(), client.connectionCount]).toEqual([2, 0]);
  });

  test("says why no response arrived", async () => {
    const closing = rawServer(() => undefined);
    expect(await clientOf(closing.url).send(request)).toEqual({
      arrived: false,
      reason: "connection closed early",
    });
    const cut = rawServer(
      () => "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nok",
    );
    expect(await clientOf(cut.url).send(request)).toEqual({
      arrived: false,
      reason: "connection closed early",
    });
    const strange = rawServer(() => "SSH-2.0-OpenSSH\r\n\r\n");
    expect(await clientOf(strange.url).send(request)).toEqual({
      arrived: false,
      reason: "not an HTTP/1.1 response",
    });
    const nobody = rawServer(() => answer);
    opened.pop()?.stop();
    const reply = await clientOf(nobody.url).send(request);
    expect(reply.arrived).toBe(false);
  });

  test("ends exchanges under way when it is closed", async () => {
    const silent = rawServer(() => "HTTP/1.1 200 OK\r\n");
    const client = clientOf(silent.url);
    const waiting = client.send(request);
    client.close();
    expect(await waiting).toEqual({ arrived: false, reason: "client closed" });
    expect(await client.send(request)).toEqual({ arrived: false, reason: "client closed" });
    expect(client.connectionCount).toBe(0);
  });

  test("speaks TLS with a server it can trust, and with no other", async () => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { key: fixture("key"), cert: fixture("cert") },
      fetch: () => new Response("ok"),
    });
    opened.push({ stop: () => void server.stop(true) });
    const url = new URL(`https://localhost:${server.port}`);
    const ca = await fixture("cert").text();
    expect(await clientOf(url, { ca }).send(request)).toEqual(whole);
    expect(await clientOf(url).send(request)).toEqual({
      arrived: false,
      reason: expect.stringMatching(/^TLS: .*self.signed/),
    });
  });
});
