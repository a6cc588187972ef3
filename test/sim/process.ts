/**
 * One simulated process of the gateway: the real store, actors, admission and admin use-cases on the
 * simulated clock, chance, disk and network. A crash drops it with everything in memory; the next
 * process starts on what was committed.
 */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { AdminDeps } from "../../src/admin/deps.ts";
import type { Clock } from "../../src/base/clock.ts";
import { GatewayError } from "../../src/base/error.ts";
import type { Random } from "../../src/base/random.ts";
import { assembleGateway } from "../../src/gateway/assemble.ts";
import { StoppedError } from "../../src/gateway/exchange.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import type { TokenCounter } from "../../src/gateway/token-count/token-counter.ts";
import type { Send } from "../../src/gateway/transport.ts";
import type { Link, LinkEvents } from "../../src/store/link.ts";
import { openStore } from "../../src/store/open.ts";
import type { Store } from "../../src/store/contract.ts";
import type { Log } from "../../src/telemetry/log.ts";
import { Dice } from "./dice.ts";
import { DiskLink, type DiskEvents } from "./disk-link.ts";
import type { Mutant } from "./mutant.ts";
import { Violation } from "./oracle-types.ts";
import { simulatedClock, simulatedRandom, type Draw } from "./parts.ts";
import { PEPPER } from "./town.ts";
import type { Providers } from "./upstream.ts";
import type { Owner, World } from "./world.ts";

export type ProcessParts = {
  readonly world: World;
  readonly seed: number;
  readonly epoch: number;
  readonly folder: string;
  readonly providers: Providers;
  readonly disk: Omit<DiskEvents, "mayAct">;
  readonly drew: (uuid: string, draw: Draw) => void;
  readonly mutant: Mutant | null;
  /** Told what the process logged as an error of its own. */
  readonly failed: (violation: Violation) => void;
};

export class Process implements Owner {
  isDead = false;
  wakesAtMs = 0;
  /** Messages that may still leave in this turn, once its crash is due; null before. */
  effectsLeft: number | null = null;
  readonly epoch: number;
  readonly file: string;
  readonly clock: Clock;
  readonly random: Random;
  gateway: Gateway | null = null;
  admin: AdminDeps | null = null;
  readonly #parts: ProcessParts;

  constructor(parts: ProcessParts) {
    const { world, seed, epoch, folder } = parts;
    this.#parts = parts;
    this.epoch = epoch;
    this.file = join(folder, String(epoch), "tollgate.db");
    this.clock = simulatedClock(world, this);
    this.random = simulatedRandom(world, seed, epoch, parts.drew);
  }

  /** Resolves when requests are taken. */
  async start(before: string | null): Promise<void> {
    const { world, mutant, epoch } = this.#parts;
    const dataDir = join(this.#parts.folder, String(epoch));
    mkdirSync(dataDir, { recursive: true });
    if (before !== null) copyFiles(before, this.file);
    const opened = await openStore({
      dataDir,
      clock: this.clock,
      log: (level, event, fields) => this.#log()[level](event, fields),
      connect: (events) => this.#connect(events),
    });
    const store: Store = mutant?.store?.(opened, this) ?? opened;
    const gateway = await assembleGateway({
      clock: this.clock,
      random: this.random,
      log: this.#log(),
      store,
      tokenPepper: PEPPER,
      unseal: (sealed) => sealed,
      version: "simulated",
      origins: { check: () => null },
      send: this.#send(),
      tokenCounter: this.#counter(),
      // Simulated but for the memory, which is the real machine's.
      load: {
        read: (loopDelayMs) => ({
          loopDelayMs,
          memoryShare: 0,
          ledgerAgeMs: store.ledger.waitingHolds().oldestMs,
        }),
        waitingHolds: store.ledger.waitingHolds,
      },
    });
    mutant?.gateway?.(gateway, this);
    this.gateway = gateway;
    this.admin = {
      store,
      directory: gateway.directory,
      jobs: gateway.jobs,
      clock: this.clock,
      random: this.random,
      tokenPepper: PEPPER,
      credentialKey: PEPPER,
    };
    world.note(`process ${epoch} up, recovered ${JSON.stringify(store.recovery)}`);
  }

  /** False once the process has died in the middle of a turn: nothing of it gets out any more. */
  mayAct(): boolean {
    if (this.isDead) return false;
    if (this.effectsLeft === null) return true;
    this.effectsLeft -= 1;
    return this.effectsLeft >= 0;
  }

  #connect(events: LinkEvents): Link {
    const { world, seed, epoch, disk, mutant } = this.#parts;
    const parts = { ...disk, mayAct: () => this.mayAct() };
    const link = new DiskLink(world, this, new Dice(`disk ${seed} ${epoch}`), parts, events);
    return mutant?.link?.(link, this) ?? link;
  }

  /** Counts on simulated time: four bytes a token, sometimes too late to be of use. */
  #counter(): TokenCounter {
    const { world, seed, epoch } = this.#parts;
    const dice = new Dice(`counter ${seed} ${epoch}`);
    return {
      count: ({ body, output }) => {
        const counted = dice.chance(0.1)
          ? null
          : {
              inputTokens: Math.ceil((body?.length ?? 0) / BYTES_PER_TOKEN),
              outputTokens: Math.ceil(output.length / BYTES_PER_TOKEN),
            };
        return new Promise((resolve) => {
          world.schedule(dice.spread(1, 400), this, () => resolve(counted));
        });
      },
      stop: () => undefined,
    };
  }

  #send(): Send {
    return (url, { body, signal }) => {
      if (!this.mayAct()) return new Promise(() => undefined);
      if (!(body instanceof Uint8Array) || !(signal instanceof AbortSignal)) {
        throw new TypeError("the gateway sends bytes, and can give up");
      }
      return this.#parts.providers.send({ url, body, signal }, this);
    };
  }

  /** Errors that no provider, client or disk is to blame for are bugs. */
  #log(): Log {
    const { world, failed } = this.#parts;
    const say = (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      world.trace?.push(`${world.nowMs.toFixed(3)}   log ${event} ${detailOf(fields)}`);
      const { error } = fields;
      const isBlameless = error instanceof GatewayError || error instanceof StoppedError;
      if (FAILURES.has(event) && !isBlameless) {
        failed(new Violation("no-bug", `${event} ${detailOf(fields)}`));
      }
    };
    return { debug: () => undefined, info: say, warn: say, error: say };
  }
}

const FAILURES: ReadonlySet<string> = new Set([
  "store.posting_unknown",
  "store.posting_invalid",
  "store.row_invalid",
  "exchange.failed",
  "owner.actor.failed",
  "owner.actor.unbuilt",
  "store.frozen",
  "provider.actor.failed",
  "exchange.actor.failed",
  "exchange.unanswerable",
  "relay.failed",
]);

function detailOf(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .map(
      ([name, value]) =>
        `${name}=${value instanceof Error ? (value.stack ?? value.message) : JSON.stringify(value)}`,
    )
    .join(" ");
}

const BYTES_PER_TOKEN = 4;

/** What a crash leaves: the file, its log of writes and its mark. */
function copyFiles(from: string, to: string): void {
  copyFileSync(from, to);
  for (const beside of ["-wal", ".mark"]) {
    if (existsSync(from + beside)) copyFileSync(from + beside, to + beside);
  }
}
