/**
 * A token that is got for a credential and kept while it lives. Whoever needs one while none is there waits
 * for the one request that is under way; one that will soon expire goes on being used while another is got.
 */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import type { CredentialProblem, Prepared } from "./presenter.ts";

/** A token and how long it lives, or why there is none. */
export type TokenAnswer =
  | { readonly ok: true; readonly token: string; readonly livesMs: number }
  | { readonly ok: false; readonly problem: CredentialProblem };

type Held = {
  readonly text: string;
  readonly gotAtMs: number;
  readonly renewAtMs: number;
  readonly endsAtMs: number;
};

/** Tokens that requests under way may have been sent with; each lives longer than they do. */
const LATELY = 4;

export class FetchedToken {
  readonly #clock: Clock;
  readonly #get: () => Promise<TokenAnswer>;
  #held: Held | null = null;
  /** The newest first. */
  #lately: readonly string[] = [];
  #underWay: Promise<CredentialProblem | null> | null = null;

  constructor(clock: Clock, get: () => Promise<TokenAnswer>) {
    this.#clock = clock;
    this.#get = get;
  }

  /** null at once while a token can be used. */
  prepare(): Prepared {
    const nowMs = this.#clock.monotonicMs();
    const held = this.#held;
    if (held === null || nowMs >= held.endsAtMs) return this.#renew();
    // Its failure is nobody's yet: the token that is there still serves.
    if (nowMs >= held.renewAtMs) void this.#renew();
    return null;
  }

  /** Empty where none was ever got. One that has ended meanwhile is better than none. */
  text(): string {
    return this.#held?.text ?? "";
  }

  /** The last ones, whichever of them a provider may repeat. */
  secrets(): readonly string[] {
    return this.#lately;
  }

  /** The one that was there at that time is not used again; whoever got another since keeps it. */
  refused(sentAtMs: number): void {
    const held = this.#held;
    if (held !== null && held.gotAtMs <= sentAtMs) this.#held = { ...held, endsAtMs: sentAtMs };
  }

  #renew(): Promise<CredentialProblem | null> {
    this.#underWay ??= this.#once();
    return this.#underWay;
  }

  /** Whoever waits for nothing would otherwise end the process. */
  async #answer(): Promise<TokenAnswer> {
    try {
      return await this.#get();
    } catch (error) {
      const name = error instanceof Error ? error.name : "failure";
      return { ok: false, problem: { kind: "credential_unavailable", detail: `own ${name}` } };
    }
  }

  async #once(): Promise<CredentialProblem | null> {
    const answer = await this.#answer();
    const nowMs = this.#clock.monotonicMs();
    this.#underWay = null;
    if (answer.ok) {
      this.#held = heldFrom(answer.token, answer.livesMs, nowMs);
      this.#lately = [answer.token, ...this.#lately].slice(0, LATELY);
      return null;
    }
    const held = this.#held;
    // Whoever gives tokens is not asked again at once, while there is one.
    if (held !== null) {
      this.#held = { ...held, renewAtMs: nowMs + LIMITS.tokenRetryMs };
    }
    return answer.problem;
  }
}

/** It must outlive its way to the provider, and half its life is enough where that is short. */
function heldFrom(text: string, livesMs: number, nowMs: number): Held {
  const spareMs = Math.min(LIMITS.tokenSpareMs, livesMs / 10);
  const aheadMs = Math.min(LIMITS.tokenRenewAheadMs, livesMs / 2);
  const endMs = nowMs + livesMs;
  return { text, gotAtMs: nowMs, renewAtMs: endMs - aheadMs, endsAtMs: endMs - spareMs };
}
