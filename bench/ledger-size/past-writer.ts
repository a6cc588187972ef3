/**
 * Writes the exchanges of a history as the store itself would have: chained attempts and postings,
 * the sums they add up to, and the request rows. Inside a transaction that the caller began.
 */
import { attempts, postings, requests } from "../../drizzle/schema.ts";
import { attemptLink, ChainWriter, postingLink } from "../../src/store/chain.ts";
import type { Connection } from "../../src/store/database.ts";
import { prepareInsert } from "../../src/store/statements.ts";
import { createSums } from "../../src/store/sums.ts";
import { costNanoUsd, heldNanoUsd, type PastExchange, pastId, scopesAt } from "./history.ts";

/** What was written so far. */
export type Written = {
  readonly requests: number;
  readonly attempts: number;
  readonly postings: number;
  readonly postedNanoUsd: number;
};

export type PastPrice = { readonly version: number; readonly price: string };

/** Attempts that shared a commit. */
const COMMIT_ATTEMPTS = 8;
/** Between a hold and the request's arrival; milliseconds. */
const HELD_AFTER_MS = 2;

/** The part of a posting that its kind decides. */
type Ended = {
  readonly kind: "settle" | "void";
  readonly outcome: string;
  readonly status: number | null;
  readonly estimated: boolean;
};

const FAILED: Ended = { kind: "void", outcome: "status_500", status: 500, estimated: false };
const LEFT: Ended = { kind: "settle", outcome: "client_gone", status: 200, estimated: true };
const SERVED: Ended = { kind: "settle", outcome: "ok", status: 200, estimated: false };

export class PastWriter {
  readonly #insertAttempt;
  readonly #insertPosting;
  readonly #insertRequest;
  readonly #sums;
  readonly #attemptChain;
  readonly #postingChain;
  readonly #price: PastPrice;
  #requests = 0;
  #attempts = 0;
  #postings = 0;
  #postedNanoUsd = 0;

  constructor({ sqlite }: Connection, price: PastPrice) {
    this.#insertAttempt = prepareInsert(sqlite, attempts);
    this.#insertPosting = prepareInsert(sqlite, postings);
    this.#insertRequest = prepareInsert(sqlite, requests);
    this.#sums = createSums(sqlite);
    this.#attemptChain = new ChainWriter(sqlite, "attempts");
    this.#postingChain = new ChainWriter(sqlite, "postings");
    this.#price = price;
  }

  get written(): Written {
    return {
      requests: this.#requests,
      attempts: this.#attempts,
      postings: this.#postings,
      postedNanoUsd: this.#postedNanoUsd,
    };
  }

  write(exchange: PastExchange): void {
    const { end } = exchange;
    if (end === "second_try") {
      this.#attempt(exchange, { place: 0, number: 1 }, FAILED);
      this.#attempt(exchange, { place: 1, number: 2 }, SERVED);
    } else if (end !== "refused") {
      this.#attempt(exchange, { place: 0, number: 1 }, end === "left" ? LEFT : SERVED);
    }
    this.#request(exchange);
  }

  /** Call it before the commit. */
  writeSums(): void {
    this.#sums.write();
  }

  #attempt(exchange: PastExchange, at: { place: 0 | 1; number: number }, ended: Ended): void {
    const { head } = this.#attemptChain;
    const scopes = scopesAt(exchange, at.place);
    const row = {
      seq: head.seq + 1,
      id: pastId("att_", exchange.atMs, head.seq + 1),
      requestId: exchange.requestId,
      number: at.number,
      ...scopes,
      model: exchange.offer.model,
      heldNanoUsd: heldNanoUsd(exchange),
      heldAtMs: exchange.atMs + HELD_AFTER_MS,
      commitNumber: Math.ceil((head.seq + 1) / COMMIT_ATTEMPTS),
    };
    const { price, version } = this.#price;
    const chain = attemptLink(head.link, { ...row, price });
    this.#insertAttempt({ ...row, priceVersion: version, chain: Buffer.from(chain) });
    this.#attemptChain.advance(chain);
    this.#attempts += 1;
    const { heldAtMs, number } = row;
    if (number === 1) this.#sums.countRequest(scopes.tokenId, heldAtMs);
    const posted = this.#posting(exchange, { attemptId: row.id, heldAtMs }, ended);
    this.#sums.addPosting({ scopes, number, model: row.model, heldAtMs }, posted);
  }

  #posting(
    exchange: PastExchange,
    { attemptId, heldAtMs }: { readonly attemptId: string; readonly heldAtMs: number },
    ended: Ended,
  ) {
    const { head } = this.#postingChain;
    const isVoid = ended.kind === "void";
    const row = {
      seq: head.seq + 1,
      attemptId,
      ...ended,
      amountNanoUsd: isVoid ? 0 : costNanoUsd(exchange),
      inputTokens: isVoid ? 0 : exchange.inputTokens,
      outputTokens: isVoid ? 0 : exchange.outputTokens,
      cachedInputTokens: isVoid ? 0 : exchange.cachedInputTokens,
      reasoningTokens: 0,
      details: null,
      latencyMs: exchange.latencyMs,
      postedAtMs: heldAtMs + exchange.latencyMs,
      corrects: null,
    };
    const chain = postingLink(head.link, { ...row, estimated: row.estimated ? 1 : 0 });
    this.#insertPosting({ ...row, chain: Buffer.from(chain) });
    this.#postingChain.advance(chain);
    this.#postings += 1;
    this.#postedNanoUsd += row.amountNanoUsd;
    return row;
  }

  #request(exchange: PastExchange): void {
    const { asker, end, offer } = exchange;
    const isRefused = end === "refused";
    this.#insertRequest({
      id: exchange.requestId,
      createdAtMs: exchange.atMs,
      ...asker,
      endUserId: exchange.endUserId,
      route: offer.route,
      provider: isRefused ? null : offer.providers[end === "second_try" ? 1 : 0].name,
      model: isRefused ? null : offer.model,
      status: isRefused ? 429 : 200,
      errorCode: isRefused ? "budget_exceeded" : null,
      stream: exchange.stream,
      inputTokens: isRefused ? 0 : exchange.inputTokens,
      outputTokens: isRefused ? 0 : exchange.outputTokens,
      cachedInputTokens: isRefused ? 0 : exchange.cachedInputTokens,
      reasoningTokens: 0,
      costNanoUsd: isRefused ? 0 : costNanoUsd(exchange),
      estimated: end === "left",
      attemptCount: isRefused ? 0 : end === "second_try" ? 2 : 1,
      latencyMs: isRefused ? 1 : exchange.latencyMs,
      firstTokenMs: exchange.stream && !isRefused ? Math.floor(exchange.latencyMs / 4) : null,
      clientGone: end === "left",
      refusal: null,
    });
    this.#requests += 1;
  }
}
