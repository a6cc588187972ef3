/**
 * A provider of known capacity and more clients than it can serve, on simulated time: the real gateway,
 * with a gate before the provider. What clients got and when is kept for the tests to judge.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PriorityClass } from "../../src/base/priority.ts";
import type { Gate } from "../../src/gateway/load/gate.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import type { GateTerms } from "../../actors/gate-contract.ts";
import type { Reply } from "../../src/gateway/exchange.ts";
import { handle } from "../../src/gateway/handle.ts";
import type { ExchangeFacts } from "./oracle-types.ts";
import { GOOD } from "./plan.ts";
import { Process } from "./process.ts";
import { PROVIDERS, RESIDENTS, townFile } from "./town.ts";
import { inSimulation } from "./trap.ts";
import { Providers } from "./upstream.ts";
import { World } from "./world.ts";
import { CHAT_CALL } from "../support/chat-call.ts";

/** What one client got. */
export type Visit = {
  readonly who: string;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly status: number;
  readonly code: string | null;
  readonly retryAfterS: number | null;
};

/** Requests at a steady rate, whether the ones before were answered or not. */
export type Stream = {
  readonly who: string;
  /** Of those who live in the town: 0 to 2 are of one tenant, 3 and 4 of another. */
  readonly resident: number;
  readonly perSecond: number;
  readonly priorityClass?: PriorityClass;
};

const START_MS = Date.UTC(2026, 10, 27, 12);
/** Nothing takes nearly as long to come to rest. */
const PATIENCE_MS = 120_000;

export class Crowd {
  readonly visits: Visit[] = [];
  /** The most that waited at once. */
  waitingMax = 0;
  readonly #world: World;
  readonly #process: Process;
  #under = 0;
  #asked = 0;

  constructor(world: World, process: Process) {
    this.#world = world;
    this.#process = process;
  }

  get nowMs(): number {
    return this.#world.nowMs;
  }

  get gateway(): Gateway {
    const { gateway } = this.#process;
    if (gateway === null) throw new Error("the gateway has not started");
    return gateway;
  }

  gate(): Gate {
    const entry = [...this.gateway.directory.providers()].find(
      ({ row }) => row.id === PROVIDERS.near,
    );
    if (entry === undefined) throw new Error("the provider is gone");
    return entry.gate;
  }

  /** All of these at once, for so long; what is under way then goes on. */
  come(durationMs: number, streams: readonly Stream[]): void {
    const untilMs = this.nowMs + durationMs;
    for (const stream of streams) {
      const everyMs = 1_000 / stream.perSecond;
      const next = (): void => {
        if (this.nowMs >= untilMs) return;
        this.#world.schedule(everyMs, null, next);
        this.#ask(stream);
      };
      this.#world.schedule(everyMs / 2, null, next);
    }
    this.#until(() => this.nowMs >= untilMs);
  }

  /** Until everybody has an answer. */
  rest(): void {
    this.#until(() => this.#under === 0 && this.gateway.lifecycle.inFlightCount() === 0);
  }

  /** Lets time pass. */
  pause(durationMs: number): void {
    const untilMs = this.nowMs + durationMs;
    this.#until(() => this.nowMs >= untilMs);
  }

  #until(isReached: () => boolean): void {
    const lastMs = this.nowMs + PATIENCE_MS;
    while (!isReached()) {
      if (!this.#world.step() || this.nowMs > lastMs) throw new Error("it never comes to that");
      this.waitingMax = Math.max(this.waitingMax, this.gate().state().waiting);
    }
  }

  #ask({ who, resident, priorityClass }: Stream): void {
    const beganMs = this.nowMs;
    const secret = RESIDENTS[resident]?.secret ?? "";
    const headers = new Headers({ authorization: `Bearer ${secret}` });
    if (priorityClass !== undefined) headers.set("x-tollgate-priority", priorityClass);
    this.#asked += 1;
    this.#under += 1;
    const messages = [{ role: "user", content: "hello" }];
    const body = JSON.stringify({ model: "quick", seed: this.#asked, messages });
    const replied = handle(this.gateway, {
      ...CHAT_CALL,
      headers,
      declaredBytes: null,
      signal: new AbortController().signal,
      onEnd: () => undefined,
      readBody: () => Promise.resolve(new TextEncoder().encode(body)),
    });
    void this.#note(who, beganMs, replied);
  }

  async #note(who: string, beganMs: number, replied: Promise<Reply>): Promise<void> {
    const { status, headers } = await replied;
    this.#under -= 1;
    const retryAfter = headers["retry-after"];
    this.visits.push({
      who,
      beganMs,
      endedMs: this.nowMs,
      status,
      code: headers["x-tollgate-error"] ?? null,
      retryAfterS: retryAfter === undefined ? null : Number(retryAfter),
    });
  }
}

/**
 * Opens the town to a crowd. Its provider answers each request after `serviceMs`, however many there
 * are; the gate before it has these terms.
 */
export async function withCrowd(
  terms: GateTerms,
  serviceMs: number,
  story: (crowd: Crowd) => void,
): Promise<void> {
  const town = await townFile();
  const memory = "/dev/shm";
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "tollgate-crowd-"));
  try {
    writeFileSync(join(folder, "town.db"), town);
    const world = new World(START_MS, false);
    const process = processIn(world, folder, serviceMs);
    inSimulation(
      (step) => void world.schedule(0, process, step),
      () => {
        const crowd = new Crowd(world, process);
        open(world, process, folder, terms);
        story(crowd);
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function processIn(world: World, folder: string, serviceMs: number): Process {
  const asker = RESIDENTS[0];
  if (asker === undefined) throw new Error("nobody lives in the town");
  const scripts = [{ ...GOOD, firstByteMs: serviceMs }];
  const factsOf = (number: number): ExchangeFacts => {
    return { number, asker, epoch: 1, requestId: "", isOver: false, leftAtOrder: null };
  };
  const providers = new Providers(world, {
    saw: () => undefined,
    exchangeOf: (number) => ({ facts: factsOf(number), scripts }),
  });
  return new Process({
    world,
    seed: 1,
    epoch: 1,
    folder,
    providers,
    disk: { takeFault: () => null, wrote: () => undefined },
    drew: () => undefined,
    mutant: null,
    failed: (violation) => {
      throw violation;
    },
  });
}

function open(world: World, process: Process, folder: string, terms: GateTerms): void {
  const opening: { isOver: boolean; failure: unknown } = { isOver: false, failure: null };
  const begin = async (): Promise<void> => {
    await process.start(join(folder, "town.db"));
    const directory = process.gateway?.directory;
    const entry = [...(directory?.providers() ?? [])].find(({ row }) => row.id === PROVIDERS.near);
    if (directory === undefined || entry === undefined) throw new Error("nothing has started");
    const { maxConcurrent, queue } = terms;
    await directory.changed("providers", PROVIDERS.near, {
      ...entry.row,
      maxConcurrent,
      terms: queue === null ? {} : { queue },
    });
    opening.isOver = true;
  };
  begin().catch((error: unknown) => {
    opening.failure = error;
  });
  while (!opening.isOver) {
    if (opening.failure !== null) throw opening.failure;
    if (!world.step()) throw new Error("the gateway never starts");
  }
}
