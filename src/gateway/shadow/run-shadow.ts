/**
 * One shadow: an exchange without a client, whose one attempt runs, is settled and teaches its lane like
 * every other. Its answer is read to the end and dropped, within bounds of bytes and time. It has a row of
 * its own in the request log, which belongs to no tenant.
 */
import { LIMITS } from "../../base/limits.ts";
import type { AttemptPlan } from "../attempt-plan.ts";
import type { LiveStream } from "../attempt-result.ts";
import { StoppedError, type Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import {
  attemptForHouse,
  beginHouse,
  endHouse,
  type HouseAttempt,
} from "../house/house-exchange.ts";
import { requestRow } from "../record.ts";
import type { Candidate } from "../resolve.ts";
import { settleAnswer } from "../settle-answer.ts";
import { discard } from "../transport.ts";
import { holdShadow } from "./hold-shadow.ts";
import type { Mirrored } from "./shadows.ts";

export async function runShadow(
  gateway: Gateway,
  mirrored: Mirrored,
  candidate: Candidate,
): Promise<void> {
  const exchange = beginHouse(gateway, {
    ...mirrored,
    totalMs: LIMITS.shadowTotalMs,
    bytesMax: LIMITS.shadowAnswerBytesMax,
  });
  try {
    await attempt(gateway, exchange, mirrored, candidate);
  } catch (error) {
    if (!(error instanceof StoppedError)) {
      gateway.log.warn("shadow.failed", { requestId: mirrored.requestId, error });
    }
  }
  end(gateway, exchange, candidate);
}

async function attempt(
  gateway: Gateway,
  exchange: Exchange,
  mirrored: Mirrored,
  candidate: Candidate,
): Promise<void> {
  const hold = await holdShadow(gateway, exchange, mirrored, candidate);
  if (hold === null) return;
  const made = await attemptForHouse(gateway, exchange, mirrored, candidate, hold);
  await readOut(gateway, exchange, made);
}

/** What came is settled, whatever becomes of it. */
async function readOut(
  gateway: Gateway,
  exchange: Exchange,
  { admitted, plan, result }: HouseAttempt,
): Promise<void> {
  if (result.kind === "answer") {
    const { answer, usage } = result;
    const { status, body } = answer;
    exchange.status = status;
    await settleAnswer(gateway, exchange, admitted, plan, {
      usage,
      isPartial: false,
      output: () => exchange.call.codec.output(body),
      counted: null,
      outcome: "ok",
      status,
    });
  } else if (result.kind === "stream") {
    const { stream } = result;
    const { watch, status } = stream;
    exchange.status = status;
    const outcome = await drainStream(gateway, exchange, plan, stream);
    const isPartial = !watch.isUsageFinal();
    const output = watch.output;
    const told = { usage: watch.usage(), isPartial, output, counted: null, outcome, status };
    await settleAnswer(gateway, exchange, admitted, plan, told);
  } else if (result.kind === "failed") {
    exchange.status = result.verbatim?.status ?? 502;
    exchange.errorCode = "upstream_error";
  }
}

async function drainStream(
  gateway: Gateway,
  exchange: Exchange,
  { candidate }: AttemptPlan,
  { reader, watch, upstream }: LiveStream,
): Promise<string> {
  const idleMs = candidate.provider.row.timeoutsMs.idle;
  const idle = gateway.watchdog.deadline(() => upstream.giveUp("idle"));
  try {
    while (!watch.hasEnded()) {
      idle.arm(idleMs);
      const { done, value } = await reader.read();
      if (done) {
        watch.bodyEnded?.();
        break;
      }
      exchange.onRead(value.byteLength);
      watch.push(value);
    }
  } catch {
    // A body that breaks off and an event without end come to the same: it did not end.
  } finally {
    idle.disarm();
    discard(reader);
  }
  if (watch.failure() !== null) return "error_event";
  return watch.hasEnded() ? "ok" : (exchange.stoppedFor ?? "cut");
}

/** A copy that no upstream can have seen leaves nothing behind. */
function end(gateway: Gateway, exchange: Exchange, { provider, model }: Candidate): void {
  endHouse(gateway, exchange);
  const [tried] = exchange.attempts;
  gateway.metrics.shadowEnded(provider.row.name, tried?.outcome ?? "not_sent");
  if (tried === undefined) return;
  const { status, latencyMs } = tried;
  const note = { provider: provider.row.name, model, outcome: "shadow", status };
  gateway.store.requestLog.record({
    ...requestRow(gateway, exchange),
    attemptNotes: [{ ...note, latencyMs: Math.round(latencyMs) }],
  });
}
