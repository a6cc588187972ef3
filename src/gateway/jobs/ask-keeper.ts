/**
 * Asks the provider that works on a job: on the house, free, with the credential that began it. The hold is of
 * nothing, so that no budget that is used up can keep the truth about another one from being told.
 */
import { newId } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import { HOUSE_SCOPES } from "../../base/scope.ts";
import { assert } from "../../base/assert.ts";
import { codecOf, dialectOf } from "../../dialects/catalogue.ts";
import type { Surface } from "../../dialects/surfaces.ts";
import type { TakenHold } from "../attempt-plan.ts";
import type { LiveStream } from "../attempt-result.ts";
import { NO_USAGE, type Exchange } from "../exchange.ts";
import { isUnanswered } from "../failures.ts";
import type { Gateway } from "../gateway.ts";
import {
  attemptForHouse,
  beginHouse,
  endHouse,
  type HouseAttempt,
} from "../house/house-exchange.ts";
import { takeInTurns } from "../in-turns.ts";
import { keeperOf } from "../objects/keeper.ts";
import type { Candidate } from "../resolve.ts";
import { settle } from "../settle.ts";
import { discard } from "../transport.ts";
import { isUnheard, type Job, type Unheard } from "./job.ts";

/** unknown: its provider says that there is no such thing. */
export type Heard<T> = T | "unknown" | Unheard;

const NOT_FOUND = 404;
/** A stream where an answer was asked for, or the other way round. */
const NOT_AS_ASKED = "not_as_asked";

/** What a provider tells of an object, as a plain answer. */
export function askKeeper(
  gateway: Gateway,
  job: Job,
  surface: Surface,
  objectId: string,
): Promise<Heard<Uint8Array>> {
  return asked(gateway, job, surface, objectId, async (_, { result }) =>
    result.kind === "answer" ? result.answer.body : { unheard: NOT_AS_ASKED },
  );
}

/** Gives `take` the content of a file in small pieces, others having their turn in between; true: all of it came. */
export function readKept(
  gateway: Gateway,
  job: Job,
  fileId: string,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<Heard<true>> {
  return asked(gateway, job, "file_content", fileId, async (exchange, { plan, result }) => {
    if (result.kind !== "stream") return { unheard: NOT_AS_ASKED };
    const { idle } = plan.candidate.provider.row.timeoutsMs;
    return await readOut(gateway, exchange, result.stream, idle, take);
  });
}

async function asked<T>(
  gateway: Gateway,
  job: Job,
  surface: Surface,
  objectId: string,
  read: (exchange: Exchange, made: HouseAttempt) => Promise<Heard<T>>,
): Promise<Heard<T>> {
  const candidate = keeperCandidate(gateway, job);
  if (isUnheard(candidate)) return candidate;
  const codec = codecOf(surface);
  const place = { model: null, objectId };
  const accepted = codec.accept(new Uint8Array(0), place);
  assert(accepted.allowed, `a provider's own id can be asked for: ${objectId}`);
  const headers = new Headers();
  const call = { dialect: dialectOf(surface), codec, place, query: "", headers };
  const { jobAskMs: totalMs, jobOutputBytesMax: bytesMax } = LIMITS;
  const ask = { call, request: accepted.value, routeId: null, totalMs, bytesMax };
  const exchange = beginHouse(gateway, ask);
  // Nobody waits for it, and a file of answers takes the time that it takes.
  exchange.attemptTotalMs = totalMs;
  try {
    const hold = holdNothing(gateway, exchange, candidate);
    const made = await attemptForHouse(gateway, exchange, ask, candidate, hold);
    if (made.result.kind === "failed") {
      if (made.result.verbatim?.status === NOT_FOUND) return "unknown";
    }
    if (isUnanswered(made.result)) return { unheard: lastOutcome(exchange) };
    try {
      return await read(exchange, made);
    } finally {
      settle(gateway, exchange, made.admitted, made.plan, {
        cost: { kind: "reported", usage: NO_USAGE },
        outcome: exchange.stoppedFor ?? "ok",
        status: statusOf(made),
      });
    }
  } finally {
    endHouse(gateway, exchange);
  }
}

/** Of the one attempt, made or not. */
function lastOutcome({ notes, stoppedFor }: Exchange): string {
  return notes.at(-1)?.outcome ?? stoppedFor ?? "stopped";
}

function statusOf({ result }: HouseAttempt): number | null {
  if (result.kind === "answer") return result.answer.status;
  return result.kind === "stream" ? result.stream.status : null;
}

function keeperCandidate(gateway: Gateway, job: Job): Candidate | Unheard {
  const provider = gateway.directory.provider(job.scopes.providerId);
  if (provider === null) return { unheard: "provider_removed" };
  if (!provider.row.enabled) return { unheard: "provider_disabled" };
  return keeperOf(gateway, job, provider) ?? { unheard: "no_credential" };
}

function holdNothing(
  { clock, directory, random }: Gateway,
  exchange: Exchange,
  { provider }: Candidate,
): TakenHold {
  const attemptId = newId("attempt", random);
  const scopes = { ...HOUSE_SCOPES, routeId: null, providerId: provider.row.id };
  const heldAtMs = clock.nowMs();
  const held = { attemptId, scopes, heldNanoUsd: 0, heldAtMs };
  directory.owners.noteHeld({ ...held, exchangeId: exchange.id });
  return { ...held, stopsAtHoldNanoUsd: null, outputTokensCap: null };
}

async function readOut(
  { watchdog }: Gateway,
  exchange: Exchange,
  { first, reader, upstream, watch }: LiveStream,
  idleMs: number,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<Heard<true>> {
  const idle = watchdog.deadline(() => upstream.giveUp("idle"));
  const givenUpFor = (): string | null => {
    const reason = upstream.gaveUpFor();
    return exchange.stoppedFor ?? (reason === null ? null : `timeout_${reason}`);
  };
  try {
    for (const piece of first.splice(0)) await takeInTurns(piece, take);
    for (;;) {
      idle.arm(idleMs);
      const { done, value } = await reader.read();
      idle.disarm();
      if (done) break;
      exchange.onRead(value.byteLength);
      for (const piece of watch.push(value)) await takeInTurns(piece, take);
    }
    const why = givenUpFor();
    return why === null ? true : { unheard: why };
  } catch {
    // A body that breaks off is asked for again another time.
    return { unheard: givenUpFor() ?? "cut" };
  } finally {
    idle.disarm();
    discard(reader);
  }
}
