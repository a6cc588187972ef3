/** Watches one answer as it comes, and says in a few words what it was. */
import { errorWord } from "../error-word.ts";
import { RUDE, SUCCEEDED } from "../exchange-log.ts";
import type { ExchangeObserver, Reply } from "../http-client.ts";
import { headerOf } from "../http-response.ts";
import { FrameCounter } from "../sse-frames.ts";

const textCharactersMax = 8_192;
const labelCharactersMax = 100;

/** Costs next to nothing for a plain answer that succeeds. */
export class AnswerWatch implements ExchangeObserver {
  readonly #frames: FrameCounter | undefined;
  #status = 0;
  #isRude = false;
  #text = "";

  /** `onFirstFrame` undefined: the answer is plain. */
  constructor(onFirstFrame: (() => void) | undefined) {
    if (onFirstFrame === undefined) return;
    const frames = new FrameCounter({
      onFrame: () => {
        // Called within the frame's own count.
        if (frames.frameCount === 1) onFirstFrame();
      },
    });
    this.#frames = frames;
  }

  readonly onHead = (status: number, head: string): void => {
    this.#status = status;
    // What the provider itself answered is passed on as it is; a gateway's own words say when.
    const isOwn = headerOf(head, "x-tollgate-error") !== undefined;
    const mustSayWhen = isOwn && (status === 429 || status === 503);
    this.#isRude = mustSayWhen && headerOf(head, "retry-after") === undefined;
  };

  readonly onBody = (bytes: Buffer): void => {
    if (this.#status === 200) this.#frames?.push(bytes);
    // A stream that ends with an error tells it in its last event.
    if (this.#status === 200 && this.#frames === undefined) return;
    this.#text = (this.#text + bytes.toString("latin1")).slice(-textCharactersMax);
  };

  readonly onReadEnd = (): void => this.#frames?.endRead();

  label(reply: Reply): string {
    if (!reply.arrived) return `no answer: ${reply.reason}`.slice(0, labelCharactersMax);
    const isWhole = this.#frames === undefined || this.#frames.done;
    if (reply.status === 200 && isWhole) return SUCCEEDED;
    const word = errorWord(this.#text);
    const name = [String(reply.status), word].filter((part) => part !== "").join(" ");
    const cut = reply.status === 200 ? " without [DONE]" : "";
    return `${name.slice(0, labelCharactersMax)}${cut}${this.#isRude ? RUDE : ""}`;
  }
}
