/**
 * Clients under way while a gateway is killed: plain and streaming requests with every kind of script,
 * among them failures, retries and clients that leave. Each names a model of its own, so that what the
 * simulated provider received and what the ledger holds can be told apart request by request.
 */

/** A repeatable source of chance; the same seed draws the same numbers. */
export type Dice = {
  /** From 0 up to, not including, `below`. */
  readonly whole: (below: number) => number;
  readonly oneOf: <T>(things: readonly [T, ...T[]]) => T;
};

/** Mulberry32: small, fast, and good enough to choose moments and scripts. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (below: number): number => Math.floor(unit() * below);
  return {
    whole,
    oneOf: (things) => things[whole(things.length)] ?? things[0],
  };
}

/** What the simulated provider is asked to do, in its script grammar, and how the client behaves. */
type Kind = {
  readonly script: string;
  readonly stream?: true;
  readonly leavesWithinMs?: number;
  /** Asked of a provider of its own, whose breaker and cooldown then stop nobody else. */
  readonly fails?: true;
};

export const PROVIDERS = ["steady", "shaky"] as const;

const KINDS: readonly [Kind, ...Kind[]] = [
  { script: "tokens=8" },
  { script: "tokens=8" },
  { script: "tokens=8&delay_ms=30" },
  { script: "tokens=8&omit_usage=1" },
  { script: "tokens=6&token_delay_ms=6", stream: true },
  { script: "tokens=6&token_delay_ms=6", stream: true },
  { script: "tokens=12", stream: true },
  { script: "tokens=12&omit_done=1", stream: true },
  { script: "tokens=12&omit_usage=1", stream: true },
  { script: "tokens=12&token_delay_ms=3&cut_at=900", stream: true },
  { script: "tokens=12&error_after=4", stream: true },
  { script: "status=429", fails: true },
  { script: "status=400" },
  { script: "tokens=8&status=500&fail_times=1", fails: true },
  { script: "tokens=8&connection_reset=1&fail_times=1", stream: true, fails: true },
  { script: "tokens=20&token_delay_ms=10", stream: true, leavesWithinMs: 120 },
  { script: "tokens=8&delay_ms=100", leavesWithinMs: 60 },
  { script: "hang=1", leavesWithinMs: 80 },
];

/** A client that was refused comes back after this. */
const REFUSED_PAUSE_MS = 5;

/** One request of one client. */
export type Sent = {
  /** Unique; part of the upstream model's name. */
  readonly mark: string;
  /** The client left, so that only what it was given is owed. */
  readonly leaves: boolean;
};

export type Load = {
  /** Resolves when every client has ended. */
  readonly stop: () => Promise<void>;
};

/** `count` clients, each with one request after the other; all are noted in `sent` before they go. */
export function startLoad(
  url: string,
  tokens: readonly [string, ...string[]],
  chance: Dice,
  sent: Sent[],
  count: number,
): Load {
  const stopping = new AbortController();
  const client = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const kind = chance.oneOf(KINDS);
      const mark = `m${sent.length}`;
      sent.push({ mark, leaves: kind.leavesWithinMs !== undefined });
      const provider = PROVIDERS[kind.fails === true ? 1 : 0];
      const body = {
        model: `${provider}/sim-small?key=${mark}&${kind.script}`,
        messages: [{ role: "user", content: "Count to seven, please, and then go on to eight." }],
        ...(kind.stream === true ? { stream: true } : {}),
        ...(chance.whole(2) === 0 ? { max_tokens: 64 } : {}),
      };
      const leaving = new AbortController();
      const { leavesWithinMs } = kind;
      const timer =
        leavesWithinMs === undefined
          ? undefined
          : setTimeout(() => leaving.abort(), chance.whole(leavesWithinMs));
      const status = await exchange(url, chance.oneOf(tokens), body, leaving.signal);
      clearTimeout(timer);
      // A process that was killed refuses connections at once; asking on would only burn time.
      if (status === null && !leaving.signal.aborted) return;
      if (status === 429 || status === 503) await Bun.sleep(REFUSED_PAUSE_MS);
    }
  };
  const clients = Array.from({ length: count }, client);
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(clients);
    },
  };
}

/** The answer's status; null when the connection broke, on whichever side. */
async function exchange(
  url: string,
  token: string,
  body: object,
  signal: AbortSignal,
): Promise<number | null> {
  try {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    // That the gateway dies under its clients is what this load is for.
    return null;
  }
}
