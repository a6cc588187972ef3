/**
 * A stream whose story is still being told when its client has waited long: it is begun all the same, with
 * 200 and comments, while attempts, waits and failovers go on behind it. From then on the status cannot
 * tell a failure any more: it comes as an error event, and headers cannot name who serves. Until then a
 * failure has its own status, which is why nothing is sent before.
 */
import { ERRORS, type ErrorCode } from "../base/error.ts";
import { errorPart, errorPartOf, streamContentType } from "../dialects/framing.ts";
import { openClientStream, send, untilWritten, type ClientStream } from "./client-stream.ts";
import { conclude } from "./conclude.ts";
import type { Exchange, Reply } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { keepAliveOf } from "./keep-alive.ts";
import { streamHeaders } from "./reply-headers.ts";

/** The reply of `told`, which never rejects, or after `silenceMs` a stream that becomes it. */
export async function orBegunEarly(
  gateway: Gateway,
  exchange: Exchange,
  silenceMs: number,
  told: Promise<Reply>,
): Promise<Reply> {
  const silence = Promise.withResolvers<null>();
  const deadline = gateway.watchdog.deadline(() => silence.resolve(null));
  deadline.arm(silenceMs);
  const reply = await Promise.race([told, silence.promise]);
  deadline.disarm();
  if (reply !== null) return reply;
  const client = openClientStream(exchange);
  exchange.clientStream = client;
  void follow(gateway, exchange, client, silenceMs, told).catch((error: unknown) => {
    // A bug of ours costs this request: it is concluded like every other.
    gateway.log.error("keep_alive.failed", { requestId: exchange.id, error });
    conclude(gateway, exchange);
    client.lastUntil(Promise.resolve());
  });
  return { status: 200, headers: begunHeaders(exchange), body: client.body };
}

/** Comments until the story is told; a stream goes on by itself, anything else is told as an event. */
async function follow(
  gateway: Gateway,
  exchange: Exchange,
  client: ClientStream,
  silenceMs: number,
  told: Promise<Reply>,
): Promise<void> {
  const sink = await client.sink;
  if (sink === null) exchange.onClientLeft();
  const keepAlive = keepAliveOf(gateway, exchange, sink, silenceMs);
  keepAlive?.comment();
  const reply = await told;
  keepAlive?.stop();
  if (reply.body instanceof ReadableStream) return;
  const last = lastEvent(exchange, reply);
  exchange.status = exchange.clientGone ? exchange.status : 200;
  conclude(gateway, exchange);
  const unwritten = last === null ? null : send(exchange, sink, [last]);
  if (unwritten !== null) await untilWritten(unwritten, [exchange.call.signal]);
  if (!exchange.clientGone) sink?.close();
  client.lastUntil(Promise.resolve());
}

/** Also writes the code into the exchange, for its row. */
function lastEvent(exchange: Exchange, { status, body }: Reply): Uint8Array | null {
  if (exchange.clientGone || body instanceof ReadableStream) return null;
  const own = status >= 400 ? errorPartOf(exchange.call, body) : null;
  exchange.errorCode ??= "upstream_error";
  return own ?? errorPart(exchange.call, upstreamError(exchange, status), false);
}

function upstreamError({ id }: Exchange, status: number) {
  const code: ErrorCode = "upstream_error";
  const what =
    status < 400
      ? "The provider answered at once where a stream was asked for."
      : `The provider answered with status ${status}.`;
  const message = `${what} (request ${id})`;
  return { code, message, type: ERRORS[code].type, param: null, requestId: id };
}

/** Who will serve, and after how many attempts, nobody knows yet. */
function begunHeaders(exchange: Exchange): Record<string, string> {
  const headers = streamHeaders(exchange, null);
  headers["content-type"] = streamContentType(exchange.call.codec);
  for (const name of ["provider", "model", "attempts"]) delete headers[`x-tollgate-${name}`];
  return headers;
}
