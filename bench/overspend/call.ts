/**
 * One call to the gateway under test, and what came back in a few words. No two calls are the same,
 * so that a gateway cannot answer one with the answer to another, and all are equally long.
 */
import { encodeRequest } from "../chat-request.ts";
import { errorWord } from "../error-word.ts";
import type { ExchangeObserver, HttpClient } from "../http-client.ts";
import { FrameCounter } from "../sse-frames.ts";

/** What all calls of a round have in common. */
export type CallPlan = {
  readonly endpoint: URL;
  readonly token: string;
  readonly model: string;
  readonly stream: boolean;
  readonly tokensMax: number;
};

/** How a call ended for its client; `label` is equal for all that ended alike. */
export type CallEnd = {
  readonly kind: "answered" | "refused" | "failed";
  readonly label: string;
};

const bodyCharactersMax = 8_192;
const labelCharactersMax = 100;

/** Sends the call with this number; never rejects. */
export async function makeCall(
  client: HttpClient,
  plan: CallPlan,
  number: number,
): Promise<CallEnd> {
  const watch = new AnswerWatch();
  const reply = await client.send(requestOf(plan, number), watch);
  if (!reply.arrived) return { kind: "failed", label: `no answer: ${reply.reason}` };
  return watch.judge(reply.status, plan.stream);
}

function requestOf(plan: CallPlan, number: number): Uint8Array {
  const { endpoint, token, model, stream, tokensMax } = plan;
  const content = `Call ${String(number).padStart(8, "0")}: count as far as you may.`;
  const messages = [{ role: "user" as const, content }];
  const body = { model, messages, max_tokens: tokensMax, ...(stream && { stream }) };
  return encodeRequest({ endpoint, token }, body);
}

class AnswerWatch implements ExchangeObserver {
  readonly #frames = new FrameCounter({ onFrame: () => undefined });
  #text = "";

  readonly onBody = (bytes: Buffer): void => {
    this.#frames.push(bytes);
    if (this.#text.length < bodyCharactersMax) this.#text += bytes.toString("utf8");
  };

  readonly onReadEnd = (): void => this.#frames.endRead();

  judge(status: number, stream: boolean): CallEnd {
    if (status >= 400 && status < 500) return { kind: "refused", label: this.#label(status) };
    if (status !== 200) return { kind: "failed", label: this.#label(status) };
    if (!stream || this.#frames.done) return { kind: "answered", label: "200" };
    // Some gateways open the stream before they know whether they may.
    return { kind: "failed", label: `${this.#label(200)} without [DONE]` };
  }

  #label(status: number): string {
    const word = errorWord(this.#text);
    return (word === "" ? String(status) : `${status} ${word}`).slice(0, labelCharactersMax);
  }
}
