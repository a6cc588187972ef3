/**
 * Asking an actor: the event goes in and its verdict comes out within the same turn, nothing awaited.
 * An actor answers by counting up `replies` and leaving the verdict in `reply`, so that an answer to
 * an earlier event is never taken for one to this.
 *
 * Whatever goes wrong refuses: a dead actor, one that dies of the event, a state that has no answer
 * to it. Not for use inside an actor: there the event would be queued and answered later.
 */
import type { EventObject, Snapshot } from "xstate";
import { refuse, type Verdict } from "../src/base/verdict.ts";
import type { Supervised } from "./supervise.ts";

/** What an actor that can be asked has in its context; changed by its own actions only. */
export type Replies<T> = { reply: Verdict<T> | null; replies: number };

export type ReplyingSnapshot<T> = Snapshot<unknown> & { readonly context: Replies<T> };

/** Leaves a verdict for whoever asked; called by the asked actor's own actions. */
export function leaveReply<T>(replies: Replies<T>, verdict: Verdict<T>): void {
  replies.reply = verdict;
  replies.replies += 1;
}

export function ask<T, TEvent extends EventObject>(
  actor: Supervised<ReplyingSnapshot<T>, TEvent>,
  event: TEvent,
): Verdict<T> {
  const before = actor.snapshot().context.replies;
  if (!actor.send(event)) return refuse("internal_error", "The gateway's own state failed.");
  const { reply, replies } = actor.snapshot().context;
  if (replies !== before + 1 || reply === null) {
    return refuse("internal_error", "The gateway's own state did not answer.");
  }
  return reply;
}
