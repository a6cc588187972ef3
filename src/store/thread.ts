/** The writer thread itself: messages in, messages out; what it does is in `thread-loop.ts`. */
import type { ToThread } from "./protocol.ts";
import { createThreadLoop } from "./thread-loop.ts";

declare const self: Worker;

const take = createThreadLoop(
  (message) => self.postMessage(JSON.stringify(message)),
  (step) => setImmediate(step),
);

self.addEventListener("message", (event: MessageEvent<string>) => {
  take(JSON.parse(event.data) as ToThread);
});
