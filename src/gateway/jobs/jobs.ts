/**
 * The jobs under way: each is asked for from time to time, the sooner the younger it is, and settled when it
 * has ended. They are the ledger's open attempts that outlive requests and restarts.
 *
 * Invariant: every job is settled once: when its provider has told what it cost, when an operator ends it, or
 * after a bound of time at what is held for it.
 */
import type { Clock } from "../../base/clock.ts";
import { GatewayError } from "../../base/error.ts";
import { LIMITS } from "../../base/limits.ts";
import type { JobKind } from "../../base/object-kind.ts";
import type { NanoUsd } from "../../base/units.ts";
import type { Log } from "../../telemetry/log.ts";
import type { JobStore } from "../../store/jobs-contract.ts";
import { isUnheard, jobOf, rowOf, unknownEnd, type Job, type JobEnd, type Look } from "./job.ts";
import type { JobsAdmin, OpenJob } from "./jobs-admin.ts";
import { KeyedCounts } from "./keyed-counts.ts";
import { type Silence, tellUnheard } from "./unheard.ts";

export type JobsParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: JobStore;
  /** May providers be asked now? */
  readonly isAllowed: () => boolean;
  readonly look: (job: Job) => Promise<Look>;
  readonly settle: (job: Job, end: JobEnd) => void;
  /** Told of a job that an earlier process has begun. */
  readonly onFound: (job: Job) => void;
};

type Followed = {
  readonly job: Job;
  /** False: a crash would charge what is held. */
  isNoted: boolean;
  /** True: only its end is still to be noted. */
  isSettled: boolean;
  isBusy: boolean;
  /** It is to be looked at again soon after the look that is under way. */
  isHurried: boolean;
  /** However often its client asks for it: its answers may be large. */
  soonestAtMs: number;
  waitMs: number;
  /** Monotonic: a wall clock that is set back must not put off what is due. */
  nextAtMs: number;
  unknownLooks: number;
  /** Monotonic, of the first of them. */
  unknownSinceMs: number;
  lastLook: OpenJob["lastLook"];
} & Silence;

/** Before the first look, and the longest time between two; each is twice the one before. */
const WAITS: Readonly<Record<JobKind, { readonly firstMs: number; readonly mostMs: number }>> = {
  batch: { firstMs: 15_000, mostMs: 10 * 60_000 },
  response: { firstMs: 2_000, mostMs: 60_000 },
};

export class Jobs implements JobsAdmin {
  readonly #parts: JobsParts;
  readonly #followed = new Map<string, Followed>();
  readonly #timer: { readonly cancel: () => void };
  /** How many of each tenant's are followed, where there are any. */
  readonly #ofTenant = new KeyedCounts();
  #looks = 0;
  /** Of one provider and kind, where there are any. */
  readonly #looksAt = new KeyedCounts();

  constructor(parts: JobsParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(LIMITS.jobLooksMs, () => this.#lookAtDue());
  }

  /** How many are looked at right now. */
  get looks(): number {
    return this.#looks;
  }

  /** Those that an earlier process has left. Rejects with GatewayError `ledger_unavailable`. */
  async load(): Promise<void> {
    const { clock, onFound, store } = this.#parts;
    for (const known of await store.knownJobs()) {
      const { isOpen, job } = jobOf(known);
      this.#follow({ job, isNoted: true, isSettled: !isOpen }, clock.monotonicMs());
      if (isOpen) onFound(job);
    }
  }

  /** False: the tenant has as many open as it may, or all tenants have. */
  hasRoomFor(tenantId: string): boolean {
    const isFull = this.#followed.size >= LIMITS.jobsOpenMax;
    return !isFull && this.#ofTenant.of(tenantId) < LIMITS.jobsOfTenantMax;
  }

  /** Its attempt is open and its provider has begun. Durable when it resolves, unless the disk refuses. */
  async begin(job: Job): Promise<void> {
    const { clock } = this.#parts;
    const firstAtMs = clock.monotonicMs() + WAITS[job.kind].firstMs;
    await this.#note(this.#follow({ job, isNoted: false, isSettled: false }, firstAtMs));
  }

  openJobs(): readonly OpenJob[] {
    const open = [...this.#followed.values()].filter(({ isSettled }) => !isSettled);
    return open.map((followed) => this.#shown(followed));
  }

  openJob(attemptId: string): OpenJob | null {
    const followed = this.#followed.get(attemptId);
    return followed === undefined || followed.isSettled ? null : this.#shown(followed);
  }

  async end(attemptId: string, costNanoUsd: NanoUsd, note?: string): Promise<boolean> {
    const followed = this.#followed.get(attemptId);
    if (followed === undefined || followed.isSettled) return false;
    const end = { ...unknownEnd(followed.job, "ended_by_operator"), costNanoUsd };
    this.#settle(followed, note === undefined ? end : { ...end, note });
    if (!(await this.#forget(followed))) throw new GatewayError("ledger_unavailable");
    return true;
  }

  /** Somebody was told that it has ended: it is looked at next, unless it just was. */
  hurry(providerId: string, objectId: string): void {
    const { clock } = this.#parts;
    for (const followed of this.#followed.values()) {
      const { job } = followed;
      if (job.objectId !== objectId || job.scopes.providerId !== providerId) continue;
      followed.isHurried = followed.isBusy;
      const { nextAtMs, soonestAtMs } = followed;
      followed.nextAtMs = Math.min(nextAtMs, Math.max(soonestAtMs, clock.monotonicMs()));
      this.#lookAtDue();
    }
  }

  #shown({ job, lastLook, isBusy, nextAtMs }: Followed): OpenJob {
    const { clock } = this.#parts;
    const nextLookAtMs = isBusy ? null : clock.nowMs() + nextAtMs - clock.monotonicMs();
    return { job, lastLook, nextLookAtMs, givenUpAtMs: givenUpAtMs(job) };
  }

  stop(): void {
    this.#timer.cancel();
  }

  #follow(begun: Pick<Followed, "job" | "isNoted" | "isSettled">, nextAtMs: number): Followed {
    const waitMs = WAITS[begun.job.kind].firstMs;
    const followed = {
      ...begun,
      unknownLooks: 0,
      unknownSinceMs: 0,
      lastLook: null,
      unheardSinceMs: null,
      toldAtMs: null,
      isBusy: false,
      isHurried: false,
      soonestAtMs: 0,
      waitMs,
      nextAtMs,
    };
    const { attemptId, scopes } = begun.job;
    this.#followed.set(attemptId, followed);
    this.#ofTenant.add(scopes.tenantId, 1);
    return followed;
  }

  async #note(followed: Followed): Promise<void> {
    const { log, store } = this.#parts;
    try {
      await store.noteJob(rowOf(followed.job));
      followed.isNoted = true;
    } catch (error) {
      log.warn("job.unnoted", { attemptId: followed.job.attemptId, error });
    }
  }

  /** Until every place is taken, or nothing is due whose provider has one left. */
  #lookAtDue(): void {
    const { clock, isAllowed } = this.#parts;
    while (isAllowed() && this.#looks < LIMITS.jobLooksAtOnceMax) {
      const followed = this.#mostOverdue(clock.monotonicMs());
      if (followed === null) return;
      this.#look(followed);
    }
  }

  #mostOverdue(nowMs: number): Followed | null {
    let most: Followed | null = null;
    for (const followed of this.#followed.values()) {
      if (followed.isBusy || followed.nextAtMs > nowMs) continue;
      if (most !== null && most.nextAtMs <= followed.nextAtMs) continue;
      if (this.#looksAt.of(placeOf(followed)) < LIMITS.jobLooksOfProviderMax) most = followed;
    }
    return most;
  }

  #look(followed: Followed): void {
    followed.isBusy = true;
    this.#looks += 1;
    const place = placeOf(followed);
    this.#looksAt.add(place, 1);
    void this.#step(followed).finally(() => {
      followed.isBusy = false;
      this.#looks -= 1;
      this.#looksAt.add(place, -1);
      this.#later(followed);
      this.#lookAtDue();
    });
  }

  #later(followed: Followed): void {
    const { firstMs, mostMs } = WAITS[followed.job.kind];
    const nowMs = this.#parts.clock.monotonicMs();
    followed.waitMs = Math.min(2 * followed.waitMs, mostMs);
    followed.soonestAtMs = nowMs + firstMs;
    followed.nextAtMs = followed.isHurried ? followed.soonestAtMs : nowMs + followed.waitMs;
    followed.isHurried = false;
  }

  /** Never rejects: what went wrong is tried again. */
  async #step(followed: Followed): Promise<void> {
    const { log } = this.#parts;
    try {
      if (!followed.isNoted) await this.#note(followed);
      if (!followed.isSettled) {
        const end = await this.#endOf(followed);
        if (end !== null) this.#settle(followed, end);
      }
      if (followed.isSettled) await this.#forget(followed);
    } catch (error) {
      log.error("job.step.failed", { attemptId: followed.job.attemptId, error });
    }
  }

  /** Does nothing where somebody else has settled it meanwhile. */
  #settle(followed: Followed, end: JobEnd): void {
    if (followed.isSettled) return;
    // Before anything else can look at it again.
    followed.isSettled = true;
    // Its posting is on the disk soon.
    followed.waitMs = LIMITS.jobLooksMs;
    followed.nextAtMs = this.#parts.clock.monotonicMs() + LIMITS.jobLooksMs;
    this.#parts.settle(followed.job, end);
  }

  /** null: it goes on. */
  async #endOf(followed: Followed): Promise<JobEnd | null> {
    const { clock, log } = this.#parts;
    const { job } = followed;
    const seen = await this.#seen(job);
    const atMs = clock.nowMs();
    if (isUnheard(seen)) {
      followed.lastLook = { atMs, said: "unheard", why: seen.unheard };
      const nowMs = clock.monotonicMs();
      followed.unheardSinceMs ??= nowMs;
      tellUnheard(log, followed, seen, this.#followed.values(), nowMs);
    } else if (seen === "running" || seen === "unknown") {
      followed.lastLook = { atMs, said: seen, why: null };
      followed.unheardSinceMs = null;
    } else {
      return seen;
    }
    if (this.#isGone(followed, seen === "unknown")) return unknownEnd(job, "job_gone");
    return atMs > givenUpAtMs(job) ? unknownEnd(job, "job_unheard") : null;
  }

  /** An address or a cache that is wrong for some minutes must not cost a tenant all that is held. */
  #isGone(followed: Followed, isUnknown: boolean): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    if (followed.unknownLooks === 0) followed.unknownSinceMs = nowMs;
    followed.unknownLooks = isUnknown ? followed.unknownLooks + 1 : 0;
    const isLong = nowMs - followed.unknownSinceMs >= LIMITS.jobUnknownMs;
    return isLong && followed.unknownLooks >= LIMITS.jobUnknownLooksMax;
  }

  /** What goes wrong with us must not keep it open for ever either. */
  async #seen(job: Job): Promise<Look> {
    try {
      return await this.#parts.look(job);
    } catch (error) {
      this.#parts.log.error("job.look.failed", { attemptId: job.attemptId, error });
      return { unheard: "internal_error" };
    }
  }

  /** False: its posting is not on the disk yet. */
  async #forget({ job: { attemptId, scopes } }: Followed): Promise<boolean> {
    const isPosted = await this.#parts.store.endJob(attemptId);
    if (isPosted && this.#followed.delete(attemptId)) this.#ofTenant.add(scopes.tenantId, -1);
    return isPosted;
  }
}

/** One provider's batches take no place from its responses, whose looks are short. */
function placeOf({ job: { kind, scopes } }: Followed): string {
  return `${kind} ${scopes.providerId}`;
}

/** From then on it costs what is held for it. */
function givenUpAtMs({ heldAtMs }: Job): number {
  return heldAtMs + LIMITS.jobFollowedMs;
}
