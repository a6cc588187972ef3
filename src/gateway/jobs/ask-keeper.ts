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
import type { Gateway } from "../gateway.ts";
import {
  attemptForHouse,
  beginHouse,
  endHouse,
  type HouseAttempt,
} from "../house/house-exchange.ts";
import { keeperOf } from "../objects/keeper.ts";
import type { Candidate } from "../resolve.ts";
import { settle } from "../settle.ts";
import { discard } from "../transport.ts";
import type { Job } from "./job.ts";

/** unknown: its provider says that there is no such thing; unheard: it could not be asked, or did not say. */
export type Heard<T> = T | "unknown" | "unheard";

const NOT_FOUND = 404;

/** What a provider tells of an object, as a plain answer. */
export function askKeeper(
  gateway: Gateway,
  job: Job,
  surface: Surface,
  objectId: string,
): Promise<Heard<Uint8Array>> {
  return asked(gateway, job, surface, objectId, async (_, { result }) =>
    result.kind === "answer" ? result.answer.body : "unheard",
  );
}

/** Gives `take` the content of a file piece by piece; true: all of it came. */
export function readKept(
  gateway: Gateway,
  job: Job,
  fileId: string,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<Heard<true>> {
  return asked(gateway, job, "file_content", fileId, async (exchange, { plan, result }) => {
    if (result.kind !== "stream") return "unheard";
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
  if (candidate === null) return "unheard";
  const codec = codecOf(surface);
  const place = { model: null, objectId };
  const accepted = codec.accept(new Uint8Array(0), place);
  assert(accepted.allowed, `a provider's own id can be asked for: ${objectId}`);
  const headers = new Headers();
  const call = { dialect: dialectOf(surface), codec, place, query: "", headers };
  const { jobAskMs: totalMs, jobOutputBytesMax: bytesMax } = LIMITS;
  const ask = { call, request: accepted.value, routeId: null, totalMs, bytesMax };
  const exchange = beginHouse(gateway, ask);
  try {
    const hold = holdNothing(gateway, exchange, candidate);
    const made = await attemptForHouse(gateway, exchange, ask, candidate, hold);
    if (made.result.kind === "failed") {
      return made.result.verbatim?.status === NOT_FOUND ? "unknown" : "unheard";
    }
    if (made.result.kind !== "answer" && made.result.kind !== "stream") return "unheard";
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

function statusOf({ result }: HouseAttempt): number | null {
  if (result.kind === "answer") return result.answer.status;
  return result.kind === "stream" ? result.stream.status : null;
}

/** null: its provider is not there, or an operator has disabled it. */
function keeperCandidate(gateway: Gateway, job: Job): Candidate | null {
  const provider = gateway.directory.provider(job.scopes.providerId);
  if (provider === null || !provider.row.enabled) return null;
  return keeperOf(gateway, job, provider);
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
  try {
    for (const piece of first.splice(0)) await take(piece);
    for (;;) {
      idle.arm(idleMs);
      const { done, value } = await reader.read();
      idle.disarm();
      if (done) break;
      exchange.onRead(value.byteLength);
      for (const piece of watch.push(value)) await take(piece);
    }
    return upstream.gaveUpFor() === null && exchange.stoppedFor === null ? true : "unheard";
  } catch {
    // A body that breaks off is asked for again another time.
    return "unheard";
  } finally {
    idle.disarm();
    discard(reader);
  }
}
