/**
 * What a ledger has told before it was killed, against what lies in its file: an oracle that shares
 * no code with the product. An acknowledged hold or posting has to be there, an announced one may
 * be, and anything else is invented.
 */
import type { AttemptSeen, LedgerSeen } from "./ledger.ts";

type Told = {
  readonly requestId: string;
  readonly tokenId: string;
  readonly heldNanoUsd: number;
  /** The life of the ledger in which it was asked for. */
  readonly life: number;
  isHeld: boolean;
  posting: { readonly kind: string; readonly amountNanoUsd: number } | null;
  isPosted: boolean;
};

export class LedgerTold {
  readonly #attempts = new Map<string, Told>();
  #life = 0;
  /** The last life whose recovery was complete; every earlier attempt has ended. */
  #recoveredLife = 0;
  /** What recovery said that it ended; null as long as it has not said so. */
  expired: number | null = null;
  heldCount = 0;
  postedCount = 0;

  /** A process is started on the directory. */
  begin(): void {
    this.#life += 1;
    this.expired = null;
  }

  /** One line of the process of the life that began last. */
  hear(line: string): void {
    const [verb, id = "", ...rest] = line.split(" ");
    if (verb === "opened") {
      this.expired = Number(id);
      this.#recoveredLife = this.#life;
    } else if (verb === "asks") {
      const [requestId = "", tokenId = "", amount] = rest;
      const told = { requestId, tokenId, heldNanoUsd: Number(amount), life: this.#life };
      this.#attempts.set(id, { ...told, isHeld: false, posting: null, isPosted: false });
    } else if (verb === "held") {
      this.#of(id).isHeld = true;
      this.heldCount += 1;
    } else if (verb === "posts") {
      const [kind = "", amount] = rest;
      this.#of(id).posting = { kind, amountNanoUsd: Number(amount) };
    } else if (verb === "posted") {
      this.#of(id).isPosted = true;
      this.postedCount += 1;
    }
  }

  /** Everything in which the file contradicts what was told; empty when nothing does. */
  breachesIn({ attempts, requestIds }: LedgerSeen): string[] {
    const breaches: string[] = [];
    const seen = Map.groupBy(attempts, ({ id }) => id);
    for (const id of seen.keys()) {
      if (!this.#attempts.has(id)) breaches.push(`nobody asked for ${id}`);
    }
    for (const [id, told] of this.#attempts) {
      const [attempt, ...again] = seen.get(id) ?? [];
      if (again.length > 0) breaches.push(`${id} is held ${again.length + 1} times`);
      if (attempt !== undefined) {
        const wrongs = this.#wrongsOf(attempt, told, requestIds);
        breaches.push(...wrongs.map((wrong) => `${id}: ${wrong}`));
      } else if (told.isHeld) {
        breaches.push(`${id} was acknowledged and is lost`);
      }
    }
    return breaches;
  }

  #wrongsOf(attempt: AttemptSeen, told: Told, requestIds: ReadonlySet<string>): string[] {
    const { heldNanoUsd, requestId, tokenId, postings } = attempt;
    const wrongs: string[] = [];
    const isAsTold =
      heldNanoUsd === told.heldNanoUsd && requestId === told.requestId && tokenId === told.tokenId;
    if (!isAsTold) wrongs.push("is held otherwise than asked");
    const [posting] = postings;
    if (posting === undefined) {
      if (told.isPosted) wrongs.push("its acknowledged posting is lost");
      if (told.life < this.#recoveredLife) wrongs.push("is open after recovery");
      return wrongs;
    }
    const { kind, amountNanoUsd, estimated } = posting;
    const isTheTold = kind === told.posting?.kind && amountNanoUsd === told.posting.amountNanoUsd;
    const isExpiry =
      kind === "expire" &&
      amountNanoUsd === heldNanoUsd &&
      estimated === 1 &&
      requestIds.has(requestId) &&
      told.life < this.#life;
    if (!isTheTold && (told.isPosted || !isExpiry)) {
      wrongs.push(`told ${JSON.stringify(told.posting)}, posted ${JSON.stringify(posting)}`);
    }
    return wrongs;
  }

  #of(id: string): Told {
    const told = this.#attempts.get(id);
    if (told === undefined) throw new Error(`the ledger told of ${id} before it asked for it`);
    return told;
  }
}
