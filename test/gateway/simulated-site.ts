/**
 * The real gateway on simulated time, disk and network, with nobody in it yet: for tests that say to
 * the millisecond what comes when. Nothing of the real machine's speed is in what they see.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAdmin } from "../../src/admin/admin.ts";
import type { AdminVerdict } from "../../src/admin/refusal.ts";
import { assembleGateway } from "../../src/gateway/assemble.ts";
import type { Reply } from "../../src/gateway/exchange.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { handle } from "../../src/gateway/handle.ts";
import type { Send } from "../../src/gateway/transport.ts";
import { openStore } from "../../src/store/open.ts";
import { Dice } from "../sim/dice.ts";
import { DiskLink } from "../sim/disk-link.ts";
import { simulatedClock, simulatedRandom } from "../sim/parts.ts";
import { inSimulation } from "../sim/trap.ts";
import { World } from "../sim/world.ts";
import { CALM } from "../support/calm.ts";
import { CHAT_CALL } from "../support/chat-call.ts";

/** What the wall clock shows at the beginning. */
const WALL_MS = Date.UTC(2026, 4, 10, 12);
const OWNER = { isDead: false };
const KEY = new Uint8Array(32).fill(7);

/** A whole answer of one token. */
export const PLAIN_ANSWER = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-test",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "hello" } }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

/** What the gateway's calls go to. */
export interface Network {
  readonly send: Send;
}

type Parts = { readonly gateway: Gateway; readonly admin: ReturnType<typeof createAdmin> };

export class SimulatedSite<N extends Network = Network> {
  readonly world: World;
  readonly network: N;
  readonly gateway: Gateway;
  readonly admin: Parts["admin"];
  readonly #failures: unknown[];

  constructor(world: World, network: N, { gateway, admin }: Parts, failures: unknown[]) {
    this.world = world;
    this.network = network;
    this.gateway = gateway;
    this.admin = admin;
    this.#failures = failures;
  }

  /** Lets the next thing happen; false when nothing is left. Throws what `follow`ed work threw. */
  step(): boolean {
    const [failure] = this.#failures;
    if (failure !== undefined) throw failure;
    return this.world.step();
  }

  /** Has work go on while time passes. */
  follow(work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#failures.push(error));
  }

  /** What work comes to, once time has passed as far as it needs. */
  settled<T>(work: () => Promise<T>): T {
    return settledIn(this.world, work);
  }

  until(isReached: () => boolean): void {
    while (!isReached()) if (!this.step()) throw new Error("it never comes to that");
  }
}

/** `diskTravelMs`: how long a message to or from the disk takes; drawn where it is not given. */
export function onSimulatedTime<N extends Network, T>(
  networkOf: (world: World) => N,
  story: (site: SimulatedSite<N>) => T,
  diskTravelMs?: number,
): T {
  const dataDir = mkdtempSync(join(tmpdir(), "tollgate-simulated-"));
  const world = new World(WALL_MS, false);
  try {
    return inSimulation(
      (step) => void world.schedule(0, OWNER, step),
      () => {
        const network = networkOf(world);
        const failures: unknown[] = [];
        const parts = settledIn(world, () =>
          build(world, network.send, dataDir, failures, diskTravelMs),
        );
        return story(new SimulatedSite(world, network, parts, failures));
      },
    );
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function build(
  world: World,
  send: Send,
  dataDir: string,
  failures: unknown[],
  travelMs: number | undefined,
): Promise<Parts> {
  const clock = simulatedClock(world, OWNER);
  const random = simulatedRandom(world, 1, 1, () => undefined);
  const disk = { takeFault: () => null, mayAct: () => true, wrote: () => undefined };
  const timed = travelMs === undefined ? disk : { ...disk, travelMs };
  const store = await openStore({
    dataDir,
    clock,
    connect: (events) => new DiskLink(world, OWNER, new Dice("disk"), timed, events),
  });
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (event: string, fields?: object) => {
      failures.push(new Error(`${event} ${JSON.stringify(fields)}`));
    },
  };
  const gateway = await assembleGateway({
    clock,
    random,
    log,
    store,
    tokenPepper: KEY,
    unseal: (sealed) => sealed,
    version: "simulated",
    origins: { check: () => null },
    send,
    load: CALM,
    tokenCounter: { count: () => Promise.resolve(null), stop: () => undefined },
  });
  const { directory, jobs } = gateway;
  const keys = { tokenPepper: KEY, credentialKey: KEY };
  return { gateway, admin: createAdmin({ store, directory, jobs, clock, random, ...keys }) };
}

function settledIn<T>(world: World, work: () => Promise<T>): T {
  const ends: ({ readonly value: T } | { readonly error: unknown })[] = [];
  work().then(
    (value) => ends.push({ value }),
    (error: unknown) => ends.push({ error }),
  );
  for (;;) {
    const [end] = ends;
    if (end !== undefined) {
      if ("error" in end) throw end.error;
      return end.value;
    }
    if (!world.step()) throw new Error("it never comes to an end");
  }
}

export function made<T>(verdict: AdminVerdict<T>): T {
  if (!verdict.allowed) throw new Error(JSON.stringify(verdict.refusal));
  return verdict.value;
}

/** One client's request, as the HTTP layer hands it over. */
export function ask(
  gateway: Gateway,
  asked: {
    readonly token: string;
    readonly body: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  },
): Promise<Reply> {
  const { token, headers, signal } = asked;
  const body = new TextEncoder().encode(asked.body);
  return handle(gateway, {
    ...CHAT_CALL,
    headers: new Headers({ authorization: `Bearer ${token}`, ...headers }),
    declaredBytes: body.byteLength,
    signal: signal ?? new AbortController().signal,
    onEnd: () => undefined,
    readBody: () => Promise.resolve(body),
  });
}
