/**
 * The simulated providers: they read what they are sent, generate, charge by their own count and
 * prices, and misbehave as their script says. What they generated and delivered is the truth that the
 * oracle judges the gateway by, whether the gateway still listens or not.
 */
import {
  contentEvent,
  event,
  goalOf,
  headersOf,
  inputSizeOf,
  plainBody,
  refused,
  reportOf,
  shareOf,
  usageOf,
  type Body,
  type Job,
} from "./answers.ts";
import { RATES } from "./town.ts";
import { GOOD, type Script } from "./plan.ts";
import type { CallFacts, ExchangeFacts, ModelName, ProviderName } from "./oracle-types.ts";
import { Wire, type Feed, type WireResponse } from "./wire.ts";
import type { Owner, World } from "./world.ts";

/** The gateway's side of a call, as `fetch` hands it over. */
export type Sent = {
  readonly url: string;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
};

export type UpstreamEvents = {
  /** A request has arrived; asked before anything is done with it. */
  readonly saw: (call: CallFacts) => void;
  readonly exchangeOf: (number: number) => { facts: ExchangeFacts; scripts: readonly Script[] };
};

/** How long it takes to learn that nobody listens. */
const CONNECTING_MS = 0.5;

/** One that never stops speaks slowly, but often enough not to look silent. */
const ENDLESS_MS = 300;

export class Providers {
  readonly calls: CallFacts[] = [];
  readonly #world: World;
  readonly #events: UpstreamEvents;
  readonly #sentOf = new Map<number, number>();
  readonly #wires = new Set<Wire>();
  refusals = 0;
  /** Requests for the rest of an answer that another attempt began. */
  continuations = 0;

  constructor(world: World, events: UpstreamEvents) {
    this.#world = world;
    this.#events = events;
  }

  send(sent: Sent, owner: Owner & { readonly epoch: number }): Promise<WireResponse> {
    const body = JSON.parse(new TextDecoder().decode(sent.body)) as Body;
    if (body.messages.at(-1)?.prefix === true) this.continuations += 1;
    const { facts: exchange, scripts } = this.#events.exchangeOf(body.seed);
    const place = this.#sentOf.get(exchange.number) ?? 0;
    this.#sentOf.set(exchange.number, place + 1);
    const script = scripts[place] ?? GOOD;
    const wire = new Wire(this.#world, owner, sent.signal);
    this.#wires.add(wire);
    const facts = this.#factsOf(sent, body, exchange, script, owner.epoch);
    const goal = goalOf(body, script);
    const pieces = Math.min(script.pieces, goal);
    const job: Job = { facts, script, body, wire, goal, pieces };
    wire.onHungUp = () => this.#hungUp(job);
    this.#world.note(
      `upstream ${facts.number} x${exchange.number} ${facts.provider} ${sent.body.length} ${script.kind}`,
    );
    this.calls.push(facts);
    this.#events.saw(facts);
    this.#begin(job);
    return wire.answer;
  }

  /** The process is gone: what it had under way goes on or stops, as each provider does. */
  processDied(): void {
    for (const wire of this.#wires) wire.hangUp();
    this.#wires.clear();
  }

  #factsOf(
    sent: Sent,
    body: Body,
    exchange: ExchangeFacts,
    script: Script,
    epoch: number,
  ): CallFacts {
    const provider: ProviderName = sent.url.startsWith("http://near.") ? "near" : "far";
    return {
      number: this.calls.length + 1,
      exchange,
      epoch,
      provider,
      model: body.model,
      scriptKind: script.kind,
      inputSize: inputSizeOf(body),
      inputTokens: 0,
      cachedTokens: 0,
      generatedTokens: 0,
      deliveredTokens: 0,
      reported: null,
      isHonest: !["usage_above", "usage_below", "endless"].includes(script.kind),
      isClosed: false,
      isHungUp: false,
    };
  }

  /** From here on the input is charged, whatever becomes of the answer. */
  #charge({ facts, script }: Job): void {
    facts.inputTokens = facts.inputSize;
    facts.cachedTokens =
      RATES[facts.model as ModelName].cachedPicoUsd === null
        ? 0
        : Math.floor(facts.inputSize * script.cachedShare);
  }

  #begin(job: Job): void {
    const { script, wire, body } = job;
    switch (script.kind) {
      case "refuse":
        this.refusals += 1;
        wire.fail(CONNECTING_MS, refused());
        this.#close(job);
        return;
      case "status":
        wire.respond(script.firstByteMs, script.status, headersOf(script), (answer) => {
          answer.push(JSON.stringify({ error: { message: "no", code: null, type: "x" } }));
          answer.end();
          this.#close(job);
        });
        return;
      case "reset":
        this.#charge(job);
        job.facts.generatedTokens = Math.floor(job.goal / 2);
        wire.fail(script.firstByteMs, new Error("socket hang up"));
        this.#close(job);
        return;
      case "silent":
        this.#charge(job);
        this.#generateAll(job);
        return;
      case "garbage":
        this.#charge(job);
        this.#generateAll(job);
        wire.respond(script.firstByteMs, 200, { "content-type": "application/json" }, (answer) => {
          answer.push("<html>not what was asked for");
          answer.end();
          this.#close(job);
        });
        return;
      default:
        this.#charge(job);
        if (body.stream === true) this.#stream(job);
        else this.#plain(job);
    }
  }

  #plain(job: Job): void {
    const { script, wire } = job;
    const type = { "content-type": "application/json" };
    if (script.kind === "error_first" || script.kind === "error_later") {
      wire.respond(script.firstByteMs, 500, type, (answer) => {
        answer.push(JSON.stringify({ error: { message: "late", code: 500 } }));
        answer.end();
        this.#uncharge(job);
      });
      return;
    }
    this.#generateAll(job);
    wire.respond(script.firstByteMs, 200, type, (answer) => {
      const text = plainBody(job);
      if (script.kind === "cut" || script.kind === "endless") {
        answer.push(text.slice(0, Math.floor(text.length / 2)));
        if (script.kind === "cut") {
          answer.break(new Error("connection reset"));
          this.#close(job);
        }
        return;
      }
      answer.push(text, script.isSplit, () => {
        job.facts.deliveredTokens = job.goal;
      });
      answer.end(() => {
        job.facts.reported = reportOf(job);
      });
      this.#close(job);
    });
  }

  #stream(job: Job): void {
    const { script, wire, facts } = job;
    wire.respond(script.firstByteMs, 200, { "content-type": "text/event-stream" }, (answer) => {
      if (script.kind === "error_first") {
        answer.push(event({ error: { message: "overloaded", code: 503 } }));
        answer.end();
        this.#uncharge(job);
        return;
      }
      answer.push(event({ choices: [{ index: 0, delta: { role: "assistant" } }] }));
      this.#piece(job, answer, 0);
    });
    facts.generatedTokens = 0;
  }

  #piece(job: Job, answer: Feed, done: number): void {
    const { script, facts, goal, wire } = job;
    const isEndless = script.kind === "endless";
    const betweenMs = isEndless ? Math.max(ENDLESS_MS, script.betweenMs) : script.betweenMs;
    this.#world.schedule(betweenMs, null, () => {
      if (wire.isHungUp && !script.goesOn) return;
      const share = isEndless ? 1 : shareOf(goal, job.pieces, done);
      facts.generatedTokens += share;
      if (!wire.isHungUp) {
        answer.push(contentEvent(share), script.isSplit, () => {
          facts.deliveredTokens += share;
        });
      }
      const next = done + 1;
      if (isEndless) {
        if (!wire.isHungUp) this.#piece(job, answer, next);
        return;
      }
      if (next === script.brokenAfter && this.#breaks(job, answer)) return;
      if (next < job.pieces) this.#piece(job, answer, next);
      else this.#finish(job, answer);
    });
  }

  /** True when the script ends the answer here. */
  #breaks(job: Job, answer: Feed): boolean {
    const { kind } = job.script;
    if (kind === "cut") answer.break(new Error("connection reset"));
    else if (kind === "error_later") {
      answer.push(event({ error: { message: "worker died", code: 500 } }));
      answer.end();
    } else return false;
    this.#close(job);
    return true;
  }

  #finish(job: Job, answer: Feed): void {
    const { script, facts, wire, body } = job;
    if (wire.isHungUp) return;
    if (script.kind === "cut" || script.kind === "error_later") {
      answer.break(new Error("connection reset"));
      this.#close(job);
      return;
    }
    answer.push(event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }));
    const asked = body.stream_options?.include_usage === true;
    if (asked && script.kind !== "no_usage") {
      const usage = usageOf(job);
      const times = script.kind === "usage_twice" ? 2 : 1;
      for (let time = 0; time < times; time += 1) {
        answer.push(event({ choices: [], usage }), false, () => {
          facts.reported = reportOf(job);
        });
      }
    }
    answer.push("data: [DONE]\n\n");
    answer.end();
    this.#close(job);
  }

  #generateAll(job: Job): void {
    job.facts.generatedTokens = job.goal;
  }

  /** Errors that a provider tells of are not charged. */
  #uncharge(job: Job): void {
    job.facts.inputTokens = 0;
    job.facts.cachedTokens = 0;
    job.facts.generatedTokens = 0;
    this.#close(job);
  }

  #close({ facts }: Job): void {
    facts.isClosed = true;
  }

  /** The gateway closed the connection. What was generated so far is charged in any case. */
  #hungUp(job: Job): void {
    job.facts.isClosed = true;
    job.facts.isHungUp = true;
    this.#world.note(`hung up ${job.facts.number}`);
  }
}
