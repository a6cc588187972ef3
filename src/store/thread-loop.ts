/**
 * What the writer thread does with the messages it gets, one by one, wherever it runs. The event
 * loop never waits for it, and it never waits for the event loop.
 *
 * A batch is acknowledged before its calls run, so that its holds do not wait for them, and the log
 * is written back only after that. The batch behind it waits for what they do at once: a read or an
 * edit of configured rows. What may take longer is done in steps, between messages.
 */
import { assert } from "../base/assert.ts";
import { openEngine, type Engine } from "./engine.ts";
import { diskFailure, failureDetail } from "./failure.ts";
import type { CallMessage, FromThread, ToThread } from "./protocol.ts";
import { Walks, type Steps } from "./walks.ts";

/** `later` runs what it is given after the messages that are waiting. */
export function createThreadLoop(
  say: (message: FromThread) => void,
  later: (step: () => void) => void,
): (message: ToThread) => void {
  let engine: Engine | null = null;
  let file = "";
  const walks = new Walks(later);

  const answer = (from: Engine, { id, name, args }: CallMessage): void => {
    const failed = (error: unknown): void => say(unanswered(id, error, file));
    try {
      // The arguments were typed by the caller; the text between the threads cannot say so.
      const handler = from.answers()[name] as (...given: readonly unknown[]) => unknown;
      const value = handler(...args);
      if (isSteps(value)) {
        const done = (found: unknown): void => say({ type: "answer", id, value: found });
        walks.start({ steps: value, done, failed });
      } else say({ type: "answer", id, value });
    } catch (error) {
      failed(error);
    }
  };

  return (message) => {
    switch (message.type) {
      case "open":
        file = message.file;
        try {
          engine = openEngine(message);
          say(engine.opened);
        } catch (error) {
          say({ type: "unopened", detail: error instanceof Error ? error.message : String(error) });
        }
        return;
      case "batch": {
        assert(engine !== null, "the thread was opened before it got a batch");
        say(engine.write(message));
        for (const call of message.calls) answer(engine, call);
        engine.checkpoint();
        return;
      }
      case "close":
        engine?.close();
        engine = null;
        say({ type: "closed" });
        return;
    }
  };
}

function isSteps(value: unknown): value is Steps<unknown> {
  return typeof value === "object" && value !== null && "next" in value;
}

function unanswered(id: number, error: unknown, file: string): FromThread {
  const kind = diskFailure(error, file) === null ? "bug" : "world";
  return { type: "unanswered", id, kind, detail: failureDetail(error, file) };
}
