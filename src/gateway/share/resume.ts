/**
 * Resumable streams: on routes that offer it, events are numbered, and a client that lost its
 * connection gets the rest by the number of the last one it saw, while the stream runs and for a
 * while after. Nothing is ever executed for it.
 */
import { LIMITS } from "../../base/limits.ts";
import type { Refusal } from "../../base/verdict.ts";
import { hasEvents } from "../../dialects/framing.ts";
import type { Admitted } from "../admit.ts";
import { errorReply } from "../error-reply.ts";
import type { Exchange, Principal, Reply } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { follow } from "./follow.ts";
import { numberedSink } from "./numbered-events.ts";
import { lead } from "./share.ts";

const EVENT_ID = /^(req_[0-9a-f]{32}):(\d{1,15})$/;

/** The same whoever asks: a stream of somebody else's is as unknown as one that never was. */
const NOT_FOUND: Refusal = {
  code: "stream_not_found",
  message:
    "There is no such stream to resume: it is unknown, has been forgotten, or goes back too far.",
  param: "last-event-id",
};

/** What comes after the event that the client saw last. */
export async function resume(
  gateway: Gateway,
  exchange: Exchange,
  { token }: Principal,
  lastEventId: string,
): Promise<Reply> {
  const [, requestId = "", eventNumber] = EVENT_ID.exec(lastEventId) ?? [];
  const share = gateway.sharing.streams.get(requestId);
  if (share?.isFor(token.id) !== true) return errorReply(exchange, NOT_FOUND);
  const { recording } = share;
  const place = recording.placeAfter(Number(eventNumber));
  const reader = place === null ? null : recording.attach(place);
  if (reader === null) return errorReply(exchange, NOT_FOUND);
  // Its row says what was asked for at first; the body that came with this request is nothing to it.
  exchange.request = share.request();
  return await follow(gateway, exchange, recording, reader, "resumed");
}

/** Numbers the events of a stream whose route offers it, unless too many answers are recorded already. */
export function offerResume(
  gateway: Gateway,
  exchange: Exchange,
  { terms, request }: Admitted,
): void {
  if (terms.resumable !== true || !request.stream || !hasEvents(exchange.call.codec)) return;
  const { recordings, streams } = gateway.sharing;
  const share = exchange.share ?? lead(gateway, exchange, LIMITS.resumableUnreadMs);
  if (share === null) return;
  share.goOnFor(LIMITS.resumableUnreadMs);
  share.writeThrough(numberedSink(share.recording, exchange.call.codec.eventBytesMax));
  streams.set(exchange.id, share);
  share.atEnd(({ head }) => {
    const forget = (): void => void streams.delete(exchange.id);
    const isKept = head.body === null && !exchange.clientGone;
    if (isKept) recordings.keep(share.recording, forget);
    else forget();
  });
}
