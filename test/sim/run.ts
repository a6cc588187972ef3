/**
 * One run of a plan: the town is built, the process started, the plan carried out event by event with
 * the oracle looking on, until everything has come to rest; then a crash with nothing under way, a
 * long sleep, and requests that must be admitted or refused.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Clients } from "./client.ts";
import { Exchanges } from "./exchanges.ts";
import { asViolation, Life } from "./life.ts";
import type { Mutant } from "./mutant.ts";
import { Operator } from "./operator.ts";
import { Oracle } from "./oracle.ts";
import { Violation } from "./oracle-types.ts";
import type { Plan } from "./plan.ts";
import { countStats, type Stats } from "./stats.ts";
import { PROVIDERS, RATES, RESIDENTS, TENANTS, townFile } from "./town.ts";
import { inSimulation } from "./trap.ts";
import { Providers } from "./upstream.ts";
import { checkRest, checkShown, describe, mustServe, probeOf } from "./watch.ts";
import { World } from "./world.ts";

export type Outcome = {
  readonly violation: Violation | null;
  readonly traceHash: string;
  readonly stats: Stats;
  readonly trace: readonly string[];
};

export type RunOptions = { readonly mutant?: Mutant | null; readonly keepsTrace?: boolean };

/** Carries out one plan. The real world is shut out from its first event to its last. */
export async function runPlan(plan: Plan, options: RunOptions = {}): Promise<Outcome> {
  const town = await townFile();
  const memory = "/dev/shm";
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "tollgate-sim-"));
  try {
    writeFileSync(join(folder, "town.db"), town);
    const run = new Run(plan, folder, options);
    return inSimulation(
      (step) => run.soon(step),
      () => run.all(),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Rest is waited for this long; nothing in a plan takes nearly as long. */
const PATIENCE_MS = 10 * 60_000;
/** For what providers still generate, and rows that wait to be written. */
const SETTLING_MS = 8_000;
/** Longer than any breaker stays open and any bucket takes to fill; the second, than a tenant is kept. */
const SLEEPS_MS = [400_000, 700_000] as const;
/** How many of the access tokens are tried at the end of a run. */
const PROBES = 2;

class Run {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #providers: Providers;
  readonly #clients: Clients;
  readonly #operator: Operator;
  readonly #life: Life;
  readonly #exchanges: Exchanges;
  #violation: Violation | null = null;
  #planned = 0;
  #isDirty = false;

  constructor(plan: Plan, folder: string, { mutant = null, keepsTrace = false }: RunOptions) {
    this.#plan = plan;
    const world = new World(plan.wallStartMs, keepsTrace);
    const exchanges = new Exchanges(world);
    const crashed = new Set<number>();
    const failed = (violation: Violation): void => this.#fail(violation);
    const oracle = new Oracle({
      rates: RATES,
      providerIds: PROVIDERS,
      momentOf: (id) => exchanges.momentOf(id),
      crashed,
    });
    const providers = new Providers(world, {
      saw: (call) => {
        try {
          oracle.upstreamSaw(call);
        } catch (error) {
          failed(asViolation(error));
        }
      },
      exchangeOf: (number) => exchanges.of(number),
    });
    this.#world = world;
    this.#exchanges = exchanges;
    this.#oracle = oracle;
    this.#providers = providers;
    this.#operator = new Operator(world, oracle.rules, plan, (terms) =>
      oracle.postedIn(terms, world.wallMs),
    );
    this.#life = new Life(
      {
        world,
        plan,
        folder,
        mutant,
        oracle,
        providers,
        drew: (uuid, draw) => exchanges.drew(uuid, draw),
        failed,
        committed: () => {
          this.#isDirty = true;
        },
        died: (epoch) => {
          this.#operator.pending = 0;
          exchanges.orphan(epoch);
        },
      },
      crashed,
    );
    this.#clients = new Clients(world, {
      process: () => this.#life.process,
      begin: (arrival, process, call) => exchanges.begin(arrival, process, call),
      ended: () => {
        this.#isDirty = true;
      },
      failed,
    });
  }

  soon(step: () => void): void {
    this.#world.schedule(0, this.#life.process, step);
  }

  all(): Outcome {
    try {
      this.#carryOut();
    } catch (error) {
      this.#fail(asViolation(error));
    }
    this.#life.view?.close();
    return {
      violation: this.#violation,
      traceHash: this.#world.traceHash,
      stats: countStats(this.#plan, this.#world, this.#oracle, {
        exchanges: this.#exchanges.count,
        // The last one is part of every run.
        crashes: Math.max(0, this.#life.crashed.size - 1),
        exits: this.#life.exits,
        diskFaults: this.#life.faultsUsed,
        statuses: this.#clients.statuses,
        cutStreams: this.#clients.cutStreams,
        edits: this.#operator.edits,
        refusedConnections: this.#providers.refusals,
        continued: this.#providers.continuations,
      }),
      trace: this.#world.trace ?? [],
    };
  }

  #carryOut(): void {
    this.#life.startFirst();
    this.#until("the first start", () => this.#life.isUp);
    this.#setUp();
    this.#schedule();
    this.#until("rest", () => this.#isAtRest());
    this.#life.faultsFromMs = null;
    this.#rest();
    this.#restart();
    this.#world.sleep(SLEEPS_MS[this.#plan.seed % 2] ?? 0);
    for (let turn = 0; turn < PROBES; turn += 1) {
      this.#probe((this.#plan.seed + turn) % RESIDENTS.length);
    }
    this.#rest();
  }

  #setUp(): void {
    const admin = this.#life.process?.admin ?? null;
    if (admin === null) throw new Error("the first process did not start");
    let isDone = false;
    const setUp = async (): Promise<void> => {
      await this.#operator.setUp(admin);
      isDone = true;
    };
    setUp().catch((error: unknown) => this.#fail(asViolation(error)));
    this.#until("the rules", () => isDone);
  }

  #schedule(): void {
    const { arrivals, edits, crashes, exits, halts, jumps } = this.#plan;
    const life = this.#life;
    life.faultsFromMs = this.#world.nowMs;
    for (const arrival of arrivals) this.#at(arrival.atMs, () => this.#clients.ask(arrival));
    for (const crash of crashes) this.#at(crash.atMs, () => life.crash(crash));
    for (const exit of exits) this.#at(exit.atMs, () => life.exit(exit));
    for (const { atMs, durationMs } of halts) {
      this.#at(atMs, () => {
        this.#world.note(`halted for ${durationMs}`);
        if (life.process !== null) life.process.wakesAtMs = this.#world.nowMs + durationMs;
      });
    }
    for (const { atMs, byMs } of jumps) {
      this.#at(atMs, () => {
        this.#world.wallShiftMs += byMs;
        this.#world.note(`clock jumps ${byMs}`);
      });
    }
    for (const edit of edits) {
      this.#at(edit.atMs, () => {
        const { process } = life;
        const admin = process?.admin ?? null;
        if (admin === null || process?.isDead === true || life.isHalted) return;
        this.#operator.edit(admin, edit).catch((error: unknown) => this.#fail(asViolation(error)));
      });
    }
  }

  #at(atMs: number, run: () => void): void {
    this.#planned += 1;
    this.#world.schedule(atMs, null, () => {
      this.#planned -= 1;
      run();
    });
  }

  #until(what: string, isReached: () => boolean): void {
    const lastMs = this.#world.nowMs + PATIENCE_MS;
    while (!isReached()) {
      const isOver = !this.#world.step() || this.#world.nowMs > lastMs;
      if (isOver) throw new Violation("liveness", `${what} is never reached: ${this.#why()}`);
      this.#life.afterEvent();
      if (this.#isDirty) this.#checkShown();
      if (this.#violation !== null) throw this.#violation;
    }
  }

  #checkShown(): void {
    const { process } = this.#life;
    const gateway = process?.gateway ?? null;
    if (gateway === null || process?.isDead === true) return;
    const { wallMs } = this.#world;
    if (checkShown(gateway, this.#oracle, wallMs, false)) this.#isDirty = false;
  }

  #isAtRest(): boolean {
    if (this.#planned > 0 || this.#operator.pending > 0 || this.#life.pending > 0) return false;
    const gateway = this.#life.process?.gateway ?? null;
    if (gateway === null || !this.#life.isUp) return false;
    return (
      gateway.lifecycle.inFlightCount() === 0 &&
      gateway.store.ledger.queued() === 0 &&
      gateway.store.health().ok &&
      this.#exchanges.waiting.length === 0
    );
  }

  #why(): string {
    return [
      `to come ${this.#planned} and ${this.#life.pending}, edits ${this.#operator.pending}`,
      describe(this.#life.process?.gateway ?? null),
      `waiting clients ${this.#exchanges.waiting.join(" ")}`,
    ].join(", ");
  }

  /** Lets everything that is still on its way arrive, and reads the books. */
  #rest(): void {
    const untilMs = this.#world.nowMs + SETTLING_MS;
    this.#until("settling", () => this.#world.nowMs >= untilMs);
    this.#until("rest", () => this.#isAtRest());
    const { process, view } = this.#life;
    const gateway = process?.gateway ?? null;
    if (gateway === null || view === null) throw new Error("nothing runs");
    checkRest(gateway, this.#oracle, view, this.#world.wallMs);
  }

  /** The process dies with nothing under way; the next one finds everything as it was. */
  #restart(): void {
    const before = this.#oracle.postings;
    this.#life.crash({ effectsLeft: 0, downMs: 10 });
    this.#until("the last start", () => this.#life.isUp);
    if (this.#oracle.postings !== before) {
      throw new Violation("rest", "recovery found something open where nothing was");
    }
    const { directory } = this.#life.process?.gateway ?? {};
    for (const tenantId of TENANTS) {
      directory?.budgetStates(tenantId).catch((error: unknown) => this.#fail(asViolation(error)));
    }
    this.#rest();
  }

  /** After all faults: a request that fits is admitted, one that cannot fit is refused. */
  #probe(resident: number): void {
    const { view } = this.#life;
    if (view === null) throw new Error("nothing runs");
    const probe = probeOf(resident);
    const number = this.#exchanges.count + 1;
    const expected = mustServe(this.#oracle, view, probe, number, this.#world.wallMs);
    const served = (): number => this.#clients.statuses.get(200) ?? 0;
    const before = served();
    this.#clients.ask(probe);
    this.#until("a probe's answer", () => this.#isAtRest());
    const isServed = served() > before;
    if (expected === null || isServed === expected) return;
    const why = expected ? "refused though it fits" : "served though nothing is left";
    throw new Violation("liveness", `a request of ${RESIDENTS[resident]?.tokenId} was ${why}`);
  }

  #fail(violation: Violation): void {
    this.#violation ??= violation;
    this.#world.trace?.push(`${this.#world.nowMs.toFixed(3)} VIOLATION ${violation.message}`);
  }
}
