/** The three ways an admitted exchange ends: a whole answer, a stream, or the failure of its attempts. */
import { ERRORS } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";
import type { StreamWatch } from "../dialects/contract.ts";
import type { StartedJob } from "../dialects/job-contract.ts";
import type { Admitted } from "./admit.ts";
import { attemptsTold } from "./attempt-notes.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { AttemptResult, Failure, LiveStream, Verbatim } from "./attempt-result.ts";
import { type ClockName, clockOf } from "./classify.ts";
import type { ContinuedLegs, Leg } from "./continue.ts";
import { errorReply } from "./error-reply.ts";
import { outputTokensWithin } from "./estimate.ts";
import type { Exchange, Reply } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { goesOn } from "./jobs/goes-on.ts";
import { HoldWatch } from "./hold-watch.ts";
import { keepAliveMsOf } from "./keep-alive.ts";
import { noteAnswer, noteMade } from "./objects/made.ts";
import { relay } from "./relay.ts";
import { addCost, replyHeaders, streamHeaders } from "./reply-headers.ts";
import { countUsage, settleAnswer } from "./settle-answer.ts";

/** nginx's status for a client that left; nobody reads it but the request row. */
const STATUS_CLIENT_GONE = 499;

export async function answerReply(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  plan: AttemptPlan,
  { answer, usage }: Extract<AttemptResult, { kind: "answer" }>,
): Promise<Reply> {
  const { codec } = exchange.call;
  exchange.firstTokenMs = gateway.clock.monotonicMs() - exchange.startedMonotonicMs;
  exchange.status = answer.status;
  // What reported its usage is done, unless it was asked for as what goes on.
  const mayGoOn = usage === null || goesOn(admitted.request);
  const job = mayGoOn ? (codec.job?.(answer.body) ?? null) : null;
  const settled = settleAnswer(gateway, exchange, admitted, plan, {
    usage,
    isPartial: false,
    output: () => codec.output(answer.body),
    counted: null,
    outcome: "ok",
    status: answer.status,
    job,
  });
  const noted = noteAnswer(gateway, exchange, admitted, plan, answer.body);
  if (settled !== undefined) await settled;
  if (noted !== null) await noted;
  hurryJob(gateway, exchange, plan, answer.body);
  const headers = replyHeaders(exchange, answer.headers);
  // What a job costs is not known yet.
  if (job === null) addCost(headers, exchange);
  return { status: answer.status, headers, body: answer.body };
}

/** Who asks how a job stands, and is told that it has ended, need not wait for its settlement. */
function hurryJob(
  { jobs }: Gateway,
  { call: { codec }, request }: Exchange,
  { candidate: { provider } }: AttemptPlan,
  answer: Uint8Array,
): void {
  const [about] = request?.objects ?? [];
  if (about === undefined || codec.jobState?.(answer)?.state !== "ended") return;
  jobs.hurry(provider.row.id, about.id);
}

/** `legs`: further attempts may go on with what the first begins. */
export function streamReply(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  plan: AttemptPlan,
  first: LiveStream,
  legs: ContinuedLegs | null,
): Reply {
  const stream = legs === null ? first : legs.stream();
  const { watch, status } = stream;
  const settled = legs === null ? withoutBody(exchange, admitted) : admitted;
  const only: Leg = { admitted: settled, plan, status };
  const legNow = (): Leg | null => (legs === null ? only : legs.leg());
  const holdOf = holdWatches(gateway, watch);
  exchange.firstTokenMs = gateway.clock.monotonicMs() - exchange.startedMonotonicMs;
  exchange.status = status;
  void noteMadeSoFar(gateway, admitted, plan, watch);
  const isBytes = watch.isBytes === true;
  if (isBytes) {
    exchange.share?.recording.holdBytes();
    // Nothing in it tells what it costs: reading it on for nobody would buy nothing.
    exchange.drainsForLeftClient = false;
  }
  const body = relay(gateway, exchange, stream, {
    provider: () => (legNow() ?? only).plan.candidate.provider.row,
    holdWatch: () => holdOf(legNow()),
    keepAliveMs: isBytes ? 0 : keepAliveMsOf(admitted),
    countUsage: () => countUsage(gateway, (legNow() ?? only).admitted, watch.output()),
    onEnd: ({ outcome, errorCode }, counted) => {
      exchange.errorCode = errorCode;
      const noted = noteMadeSoFar(gateway, admitted, plan, watch);
      const leg = legNow();
      // What broke off was settled when another attempt was to go on with it.
      if (leg === null) return;
      const isPartial = !watch.isUsageFinal();
      const end = {
        usage: watch.usage(),
        isPartial,
        output: watch.output,
        counted,
        outcome,
        status: leg.status,
        job: watch.usage() === null ? jobOf(leg.admitted, watch) : null,
      };
      const ended = settleAnswer(gateway, exchange, leg.admitted, leg.plan, end);
      return noted === null ? ended : Promise.all([noted, ended]).then(() => undefined);
    },
  });
  return { status, headers: streamHeaders(exchange, stream.headers), body };
}

/** A stream of what is made in the background may end before that does. */
function jobOf({ request }: Admitted, { made }: StreamWatch): StartedJob | null {
  if (request.background !== true) return null;
  const response = made?.().find(({ kind }) => kind === "response");
  return response === undefined ? null : { kind: "response", id: response.id };
}

/** When its first events have come, and again at its end: what a stream makes has its id before its content. */
function noteMadeSoFar(
  gateway: Gateway,
  admitted: Admitted,
  plan: AttemptPlan,
  { made }: StreamWatch,
): Promise<void> | null {
  return made === undefined ? null : noteMade(gateway, admitted, plan, made());
}

/** Each attempt has its own hold, and of each it is its own output that is counted. */
function holdWatches(gateway: Gateway, watch: StreamWatch): (leg: Leg | null) => HoldWatch | null {
  let watched: Leg | null = null;
  let hold: HoldWatch | null = null;
  return (leg) => {
    if (leg !== watched) {
      watched = leg;
      hold = leg === null ? null : holdWatchOf(gateway, leg, watch);
    }
    return hold;
  };
}

function holdWatchOf(gateway: Gateway, leg: Leg, watch: StreamWatch): HoldWatch | null {
  const stopAfter = stopAfterTokens(leg);
  if (stopAfter === null) return null;
  const count = async (): Promise<number> => {
    const { outputTokens } = await countUsage(gateway, leg.admitted, watch.output());
    return outputTokens;
  };
  return new HoldWatch(stopAfter, count);
}

/** Output past which the stream costs more than a budget's hold; null where none asks to be stopped. */
function stopAfterTokens({ plan, admitted }: Leg): number | null {
  const { stopsAtHoldNanoUsd, candidate } = plan;
  return stopsAtHoldNanoUsd === null
    ? null
    : outputTokensWithin(stopsAtHoldNanoUsd, admitted.request, candidate);
}

/**
 * Nothing is repeated from here on: a large body is let go, and only its measures are kept. A small
 * one stays for the case that its tokens must be counted.
 */
function withoutBody(exchange: Exchange, admitted: Admitted): Admitted {
  const { bytes: body } = admitted.request;
  const bytes = body.byteLength <= LIMITS.countedInputBytesMax ? body : new Uint8Array(0);
  const request = { ...admitted.request, bytes };
  exchange.request = request;
  return { ...admitted, request };
}

/** What the client is told when no attempt brought an answer. */
export function failureReply(exchange: Exchange, failure: Failure): Reply {
  if (exchange.stoppedFor !== null || exchange.clientGone) return stoppedReply(exchange);
  switch (failure.kind) {
    case "refused":
      return errorReply(exchange, failure.refusal);
    case "failed": {
      const { verbatim, classification } = failure;
      return verbatim === null
        ? brokenReply(exchange, classification.outcome)
        : verbatimReply(exchange, verbatim);
    }
    case "unreachable":
      return brokenReply(exchange, failure.why);
    default:
      return brokenReply(exchange, "stopped");
  }
}

/** Our own word for a failure that came without one: which it was, and everything that was tried. */
function brokenReply(exchange: Exchange, outcome: string): Reply {
  const clock = clockOf(outcome);
  if (clock !== null) return timeoutReply(exchange, clock);
  const message = `${BROKEN_TEXTS[outcome] ?? "The provider failed."}${attemptsTold(exchange)}`;
  return errorReply(exchange, { code: "upstream_error", message });
}

const UNREACHABLE_TEXT = "The provider does not take connections.";
const BROKEN_TEXTS: Readonly<Record<string, string>> = {
  connect: UNREACHABLE_TEXT,
  address_refused: UNREACHABLE_TEXT,
};

const TIMEOUT_TEXTS: Readonly<Record<ClockName, string>> = {
  connect: "The provider took no connection in time.",
  first_byte: "The provider did not begin to answer in time.",
  first_token: "The provider did not send a first token in time.",
  idle: "The provider fell silent within its answer.",
  total: "The provider did not finish its answer in time.",
  throughput: "The provider was too slow.",
  deadline: "The provider did not answer within the total time of the request.",
};

function timeoutReply(exchange: Exchange, clock: ClockName): Reply {
  const message = `${TIMEOUT_TEXTS[clock]}${attemptsTold(exchange)}`;
  const reply = errorReply(exchange, { code: "upstream_timeout", message });
  reply.headers["x-tollgate-timeout"] = clock;
  return reply;
}

function verbatimReply(exchange: Exchange, { status, headers, body }: Verbatim): Reply {
  exchange.status = status;
  const ours = replyHeaders(exchange, headers);
  addCost(ours, exchange);
  return { status, headers: ours, body };
}

/** An exchange that was ended from outside before it had an answer. */
export function stoppedReply(exchange: Exchange): Reply {
  switch (exchange.stoppedFor) {
    case "draining": {
      const code = "gateway_draining";
      return errorReply(exchange, { code, message: ERRORS[code].text, retryAfterMs: 5_000 });
    }
    case "deadline":
      return timeoutReply(exchange, "deadline");
    default:
      exchange.status = STATUS_CLIENT_GONE;
      return { status: STATUS_CLIENT_GONE, headers: replyHeaders(exchange, null), body: "" };
  }
}
