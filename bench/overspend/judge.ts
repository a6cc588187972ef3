/**
 * Who overspent, and by how much: pure arithmetic over what the upstream received. Rounds with the
 * same access token share its room; calls that got through use it up, the rest is overshoot.
 */
import type { NanoUsd } from "../../src/base/units.ts";

/** What one round showed. */
export type RoundSeen = {
  /** Which of the access tokens, from 0. */
  readonly tokenIndex: number;
  readonly stream: boolean;
  readonly spreadMs: number;
  readonly calls: number;
  /** Calls that reached the upstream, by its own count. */
  readonly through: number;
  /** What these cost; undefined without a price. */
  readonly spentNanoUsd: NanoUsd | undefined;
  /** Clients' view: how the calls ended, most frequent first. */
  readonly ends: readonly { readonly label: string; readonly count: number }[];
  readonly answered: number;
  readonly refused: number;
  readonly failed: number;
};

/** A round, and what it made of its access token's room. */
export type RoundJudged = RoundSeen & {
  /** Calls that the access token still had room for when the round began. */
  readonly roomLeft: number;
  readonly overshootCalls: number;
  readonly overshootNanoUsd: NanoUsd | undefined;
};

export type Judgement = {
  readonly rounds: readonly RoundJudged[];
  readonly through: number;
  /** Of any access token over all its rounds. */
  readonly worstOvershootCalls: number;
  readonly worstOvershootNanoUsd: NanoUsd | undefined;
  /** What a call costs at most; undefined without a price or without calls. */
  readonly callNanoUsd: NanoUsd | undefined;
};

/** `room`: calls that each access token has room for; `callNanoUsd`: what such a call costs. */
export function judge(
  rounds: readonly RoundSeen[],
  room: number,
  callNanoUsd: NanoUsd | undefined,
): Judgement {
  const accounts = new Map<number, Account>();
  const judged = rounds.map((round) => {
    const before = accounts.get(round.tokenIndex) ?? { through: 0, spentNanoUsd: 0 };
    const after = {
      through: before.through + round.through,
      spentNanoUsd: before.spentNanoUsd + (round.spentNanoUsd ?? 0),
    };
    accounts.set(round.tokenIndex, after);
    const roomLeft = Math.max(0, room - before.through);
    return {
      ...round,
      roomLeft,
      overshootCalls: Math.max(0, round.through - roomLeft),
      overshootNanoUsd:
        callNanoUsd === undefined
          ? undefined
          : dollarsOver(after, room * callNanoUsd) - dollarsOver(before, room * callNanoUsd),
    };
  });
  const all = [...accounts.values()];
  return {
    rounds: judged,
    through: all.reduce((sum, { through }) => sum + through, 0),
    worstOvershootCalls: Math.max(0, ...all.map(({ through }) => through - room)),
    worstOvershootNanoUsd:
      callNanoUsd === undefined
        ? undefined
        : Math.max(0, ...all.map((account) => dollarsOver(account, room * callNanoUsd))),
    callNanoUsd,
  };
}

type Account = { readonly through: number; readonly spentNanoUsd: NanoUsd };

function dollarsOver({ spentNanoUsd }: Account, roomNanoUsd: NanoUsd): NanoUsd {
  return Math.max(0, spentNanoUsd - roomNanoUsd);
}
