/**
 * The bare relay: what the platform itself costs when nothing is decided, counted or stored.
 * `Bun.serve` and `fetch`, the body read as bytes and forwarded, the answer's body passed through.
 * Run as its own process: `bun bench/relay.ts --to http://HOST:PORT`.
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { to: { type: "string" } } });
if (values.to === undefined) {
  process.stderr.write("Usage: bun bench/relay.ts --to URL\n");
  process.exit(2);
}
const upstream = values.to.replace(/\/$/, "");

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  // Off, as a gateway must have it: a stream may be silent for longer than any idle timeout.
  idleTimeout: 0,
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    const answer = await fetch(upstream + pathname + search, {
      method: request.method,
      headers: {
        "content-type": "application/json",
        "accept-encoding": "identity",
        authorization: request.headers.get("authorization") ?? "",
      },
      body: request.method === "GET" ? null : await request.bytes(),
      signal: request.signal,
    });
    const contentType = answer.headers.get("content-type") ?? "application/octet-stream";
    return new Response(answer.body, {
      status: answer.status,
      headers: { "content-type": contentType },
    });
  },
  error(error) {
    return new Response(error.message, { status: 502 });
  },
});

const end = (): void => {
  void server.stop(true).then(() => process.exit(0));
};
process.once("SIGTERM", end);
process.once("SIGINT", end);
process.stdout.write(`relay listening on http://${server.hostname}:${server.port}\n`);
