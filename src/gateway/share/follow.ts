/**
 * An exchange that gets another one's answer: the same status and bytes, under its own request id, as
 * soon as they are there. It makes no attempt and takes nothing of its own, and has its own row.
 */
import type { ErrorCode } from "../../base/error.ts";
import type { SharedWay } from "../../telemetry/event-series.ts";
import { conclude } from "../conclude.ts";
import { onRelease, unlessStopped, type Exchange, type Reply } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { ofRequest } from "../reply-headers.ts";
import { readerBody } from "./reader-body.ts";
import type { Reader } from "./reader.ts";
import type { Head, Recording } from "./recording.ts";

/** `way`: how it came to the answer. */
export async function follow(
  gateway: Gateway,
  exchange: Exchange,
  recording: Recording,
  reader: Reader,
  way: SharedWay,
): Promise<Reply> {
  const head = await headFor(exchange, recording, reader);
  return followOn(gateway, exchange, recording, reader, head, way);
}

/** How the answer begins, once that is known. From here on the reader ends with the exchange. */
export function headFor(exchange: Exchange, recording: Recording, reader: Reader): Promise<Head> {
  exchange.answeredBy = recording.requestId;
  onRelease(exchange, () => reader.leave());
  // A client that leaves, a deadline and the way out stop it like every other exchange.
  void exchange.stopped.promise.then(() => reader.interrupt(whyStopped(exchange)));
  return unlessStopped(exchange, recording.head);
}

/** The answer from its head on. */
export function followOn(
  gateway: Gateway,
  exchange: Exchange,
  recording: Recording,
  reader: Reader,
  head: Head,
  way: SharedWay,
): Reply {
  gateway.metrics.answerShared(way);
  exchange.firstTokenMs = gateway.clock.monotonicMs() - exchange.startedMonotonicMs;
  exchange.status = head.status;
  exchange.errorCode = head.errorCode;
  exchange.served = head.served;
  const headers = { ...head.headers, ...ofRequest(exchange) };
  if (way === "attached" || way === "replayed") headers["x-tollgate-idempotency"] = way;
  if (head.body !== null) return { status: head.status, headers, body: head.body };
  const { call } = exchange;
  gateway.metrics.streamStarted();
  const onEnd = (): void => {
    gateway.metrics.streamEnded();
    exchange.errorCode = endCode(exchange, recording, reader);
    conclude(gateway, exchange);
  };
  const client = { call, signal: call.signal, onEnd, watchdog: gateway.watchdog };
  return { status: head.status, headers, body: readerBody(reader, client) };
}

function whyStopped({ stoppedFor }: Exchange): ErrorCode | "client_gone" {
  switch (stoppedFor) {
    case "deadline":
      return "upstream_timeout";
    case "draining":
      return "gateway_draining";
    default:
      return "client_gone";
  }
}

/** What its client was told last. */
function endCode(
  exchange: Exchange,
  recording: Recording,
  { interruption }: Reader,
): ErrorCode | null {
  if (interruption === null || interruption === "client_gone") {
    return exchange.clientGone ? null : recording.errorCode;
  }
  return interruption;
}
