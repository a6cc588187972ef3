/** The writer thread with a weak heart: it dies with a hold for the model `die-after`. */
import "./deaf-thread.ts";
import "../../../src/store/thread.ts";

declare const self: Worker;

self.addEventListener("message", (event: MessageEvent<string>) => {
  if (event.data.includes('"die-after"')) process.exit(1);
});
