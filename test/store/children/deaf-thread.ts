/**
 * Takes the thread's voice before it hears of a hold for the model `die-after`: the batch commits,
 * and nobody learns of it. Imported before the thread itself, so that it listens first.
 */
import type { ToThread } from "../../../src/store/protocol.ts";

declare const self: Worker;

const HEARD: ToThread["type"] = "batch";

self.addEventListener("message", (event: MessageEvent<string>) => {
  const isFatal = event.data.includes(HEARD) && event.data.includes('"die-after"');
  if (isFatal) self.postMessage = () => undefined;
});
