/**
 * What the upstream itself received, asked over its sim API: the only witness of who got through
 * that does not depend on what a gateway says.
 */
import { type Clock, sleep } from "../../src/base/clock.ts";
import type { NanoUsd } from "../../src/base/units.ts";
import { costOf } from "../../src/base/units.ts";
import type { Pricing } from "./options.ts";

/** One call as the upstream saw it. */
export type CallSeen = {
  /** Counts up through all requests that the upstream ever received. */
  readonly number: number;
  readonly promptTokens: number;
  readonly tokensGenerated: number;
};

const pageSize = 200;
const pollMs = 20;
/** A gateway may read an answer on that nobody waits for any more. */
const restWithinMs = 15_000;

/** Questions to one upstream; each throws with the upstream's address when it does not answer. */
export class Truth {
  readonly #url: URL;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;

  constructor(url: URL, clock: Clock, signal: AbortSignal) {
    this.#url = url;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** The number of the last request received; 0 before the first one. */
  async lastNumber(): Promise<number> {
    const { data } = await this.#page(1, undefined);
    return data[0]?.number ?? 0;
  }

  /** Calls received after request `number`, once none is in flight any more. */
  async callsAfter(number: number): Promise<readonly CallSeen[]> {
    await this.#rest();
    const calls: CallSeen[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page = await this.#page(pageSize, cursor);
      const newer = page.data.filter((one) => one.number > number);
      // A gateway may also ask for the list of models; that costs nothing.
      const paid = newer.filter(({ path }) => path.endsWith("/chat/completions"));
      calls.push(
        ...paid.map((one) => ({
          number: one.number,
          promptTokens: one.prompt_tokens,
          tokensGenerated: one.tokens_generated,
        })),
      );
      if (newer.length < page.data.length || page.next_cursor === null) return calls;
      cursor = page.next_cursor;
    }
  }

  async #rest(): Promise<void> {
    const giveUpAtMs = this.#clock.monotonicMs() + restWithinMs;
    for (;;) {
      const stats = (await this.#get("/sim/stats")) as { readonly in_flight: number };
      if (stats.in_flight === 0) return;
      if (this.#clock.monotonicMs() > giveUpAtMs) {
        throw new Error(
          `the upstream still answers ${stats.in_flight} calls that nobody waits for`,
        );
      }
      await sleep(this.#clock, pollMs, this.#signal);
      this.#signal.throwIfAborted();
    }
  }

  async #page(limit: number, cursor: string | undefined): Promise<RequestPage> {
    const from = cursor === undefined ? "" : `&cursor=${cursor}`;
    return (await this.#get(`/sim/requests?limit=${limit}${from}`)) as RequestPage;
  }

  /** The shape is that of our own simulator, whoever runs it. */
  async #get(path: string): Promise<unknown> {
    const url = new URL(path, this.#url);
    const answer = await fetch(url, { signal: this.#signal }).catch((error: unknown) => {
      this.#signal.throwIfAborted();
      throw new Error(`the upstream at ${url.origin} does not answer`, { cause: error });
    });
    if (answer.status !== 200) {
      const hint = "is it a `tollgate simulator`?";
      throw new Error(`the upstream at ${url.origin} answers ${answer.status} to ${path}; ${hint}`);
    }
    return await answer.json();
  }
}

type RequestPage = {
  readonly data: readonly {
    readonly number: number;
    readonly path: string;
    readonly prompt_tokens: number;
    readonly tokens_generated: number;
  }[];
  readonly next_cursor: string | null;
};

/** What a call costs by the given prices, whether or not its gateway noticed. */
export function costOfCall(call: CallSeen, pricing: Pricing): NanoUsd {
  if (pricing.kind === "per_call") return pricing.callNanoUsd;
  return costOf([
    [call.promptTokens, pricing.inputPicoUsd],
    [call.tokensGenerated, pricing.outputPicoUsd],
  ]);
}
