/**
 * A gateway whose provider goes on with work after it has answered, and whose clock goes on when the test says
 * so: what is looked at now and then is looked at then.
 */
import { systemClock, type Clock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { SWEEP_MS } from "../../../src/gateway/watchdog.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import type { PriceRow, ProviderRow } from "../../../src/store/contract.ts";
import { tenantBudgets } from "../../../actors/tenant.ts";
import {
  type RecordedUpstream,
  startRecordedUpstream,
} from "../../conformance/recorded-upstream.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { until } from "../../support/until.ts";

export const MODEL = "slow-model";
export const CREDENTIAL = "provider-secret";

export type ClockInHand = Clock & {
  readonly leap: (ms: number) => void;
  /** What the wall clock says from now on, and nothing else. */
  readonly set: (byMs: number) => void;
  readonly tick: (periodMs: number) => void;
};

export function clockInHand(): ClockInHand {
  let leaptMs = 0;
  let wrongMs = 0;
  const due = new Map<() => void, number>();
  return {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + leaptMs + wrongMs,
    monotonicMs: () => systemClock.monotonicMs() + leaptMs,
    every: (periodMs, callback) => {
      due.set(callback, periodMs);
      return { cancel: () => void due.delete(callback) };
    },
    leap: (ms) => {
      leaptMs += ms;
    },
    set: (byMs) => {
      wrongMs += byMs;
    },
    tick: (periodMs) => {
      for (const [callback, period] of due) if (period === periodMs) callback();
    },
  };
}

function beginLooks(ms: number, clock: ClockInHand): void {
  clock.leap(ms);
  clock.tick(LIMITS.jobLooksMs);
}

/** Time goes on, and what is due is looked at; resolves when that is over. */
export async function letPass(
  ms: number,
  clock: ClockInHand,
  { jobs, lifecycle, store }: Pick<Gateway, "jobs" | "lifecycle" | "store">,
): Promise<void> {
  // Else a disk that writes just now seems to have been at it for all that time.
  await store.flush();
  beginLooks(ms, clock);
  await until(() => jobs.looks === 0 && lifecycle.inFlightCount() === 0);
}

export class JobsStage {
  readonly upstream: RecordedUpstream;
  readonly #clock: ClockInHand;
  tollgate: TestGateway;
  tenantId = "";
  tokenId = "";
  token = "";
  providerId = "";
  routeId = "";

  private constructor(upstream: RecordedUpstream, clock: ClockInHand, tollgate: TestGateway) {
    this.upstream = upstream;
    this.#clock = clock;
    this.tollgate = tollgate;
  }

  /** `price`: one nano-dollar for each token where it says nothing. */
  static async start(
    price: Partial<PriceRow> = {},
    company: Partial<ProviderRow> = {},
  ): Promise<JobsStage> {
    const clock = clockInHand();
    const upstream = await startRecordedUpstream();
    const stage = new JobsStage(upstream, clock, await startTestGateway({ clock }));
    const { tollgate } = stage;
    const provider = await tollgate.addProvider({
      name: "recorded",
      baseUrl: `${upstream.url}/v1`,
      credentialSealed: CREDENTIAL,
      ...company,
    });
    const each = { inputPicoUsd: 1_000, outputPicoUsd: 1_000, outputTokensMax: 1_000 };
    await tollgate.addPrice(provider.id, MODEL, { ...each, ...price });
    const target = { providerId: provider.id, model: MODEL, weight: 1, priority: 0 };
    stage.routeId = (await tollgate.addRoute(MODEL, [target])).id;
    stage.providerId = provider.id;
    stage.tenantId = (await tollgate.addTenant()).id;
    const { row, token } = await tollgate.addToken(stage.tenantId);
    stage.tokenId = row.id;
    stage.token = token;
    return stage;
  }

  addBudget(amountNanoUsd: number) {
    const { tenantId, tollgate } = this;
    return tollgate.addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId, amountNanoUsd });
  }

  async ask(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const reply = await fetch(`${this.tollgate.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: reply.status, headers: reply.headers, text: await reply.text() };
  }

  /** Time goes on, and looks at what is due begin. */
  begin(ms: number): void {
    beginLooks(ms, this.#clock);
  }

  /** Time goes on, and what waits for it is given up. */
  sweep(ms: number): void {
    this.#clock.leap(ms);
    this.#clock.tick(SWEEP_MS);
  }

  /** Somebody sets the wall clock forward, or back. */
  setClock(byMs: number): void {
    this.#clock.set(byMs);
  }

  pass(ms: number): Promise<void> {
    return letPass(ms, this.#clock, this.tollgate.gateway);
  }

  async restart(): Promise<void> {
    this.tollgate = await this.tollgate.restart();
  }

  /** Of the tenant's only budget. */
  async budget(): Promise<{ readonly postedNanoUsd: number; readonly heldNanoUsd: number }> {
    const { gateway } = this.tollgate;
    const { tenantId } = this;
    const handle = await gateway.directory.owners.ready({ type: "tenant", tenantId });
    const [state] = tenantBudgets(handle, this.#clock.nowMs());
    if (state === undefined) throw new Error("the tenant has a budget");
    const { postedNanoUsd, heldNanoUsd } = state;
    return { postedNanoUsd, heldNanoUsd };
  }

  async stop(): Promise<void> {
    await this.tollgate.stop();
    await this.upstream.stop();
  }
}
