/**
 * The writer thread: takes messages one by one and answers them. The event loop never waits for
 * it, and it never waits for the event loop.
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

declare const self: Worker;

let engine: Engine | null = null;
let file = "";
const walks = new Walks((step) => setImmediate(step));

self.addEventListener("message", (event: MessageEvent<string>) => {
  const message = JSON.parse(event.data) as ToThread;
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
});

function say(message: FromThread): void {
  self.postMessage(JSON.stringify(message));
}

function answer(from: Engine, { id, name, args }: CallMessage): void {
  try {
    // The arguments were typed by the caller; the text between the threads cannot say so.
    const handler = from.answers()[name] as (...given: readonly unknown[]) => unknown;
    const value = handler(...args);
    if (isSteps(value)) {
      const done = (found: unknown): void => say({ type: "answer", id, value: found });
      const failed = (error: unknown): void => say(unanswered(id, error));
      walks.start({ steps: value, done, failed });
    } else say({ type: "answer", id, value });
  } catch (error) {
    say(unanswered(id, error));
  }
}

function isSteps(value: unknown): value is Steps<unknown> {
  return typeof value === "object" && value !== null && "next" in value;
}

function unanswered(id: number, error: unknown): FromThread {
  const kind = diskFailure(error, file) === null ? "bug" : "world";
  return { type: "unanswered", id, kind, detail: failureDetail(error, file) };
}
