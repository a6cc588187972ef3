/**
 * Whether a provider's address may be called and answers at all, asked before money is held. Names
 * are resolved and every address is checked against the provider's own rule, so that a name which
 * begins to point inside is caught; a cold address must accept a connection within the connect clock.
 *
 * Bun's fetch resolves the name once more. Both look-ups share its cache of 30 s, which is also how
 * long an answer counts here.
 */
import { lookup } from "node:dns/promises";
import { addressProblem } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";

/** How long an origin that answered counts as reachable without a probe. */
const WARM_MS = 30_000;

export type OriginProblem = {
  /** Taking no connection is another failure than not saying so in time. */
  readonly kind: "connect" | "timeout_connect" | "address_refused";
  readonly detail: string;
};

/** An address, and the rule by which it may be called. */
export type Origin = {
  readonly baseUrl: string;
  readonly allowPrivateNetwork: boolean;
  readonly timeoutsMs: { readonly connect: number };
};

export interface Origins {
  /** null when the origin may be called; at once when it is warm. */
  readonly check: (provider: Origin) => OriginProblem | null | Promise<OriginProblem | null>;
}

export function createOrigins(clock: Clock): Origins {
  const warmUntilMs = new Map<string, number>();
  /** One probe at a time for each origin, whoever asks. */
  const probing = new Map<string, Promise<OriginProblem | null>>();
  const probe = async (provider: Origin, key: string): Promise<OriginProblem | null> => {
    try {
      const problem = await probeInTime(clock, provider);
      if (problem === null) warmUntilMs.set(key, clock.monotonicMs() + WARM_MS);
      return problem;
    } finally {
      probing.delete(key);
    }
  };
  const probeOnce = (provider: Origin, key: string): Promise<OriginProblem | null> => {
    const running = probing.get(key) ?? probe(provider, key);
    probing.set(key, running);
    return running;
  };
  return {
    check: (provider) => {
      // An edit of the rule or the address makes the origin cold again.
      const key = `${provider.baseUrl} ${provider.allowPrivateNetwork}`;
      const isWarm = (warmUntilMs.get(key) ?? 0) > clock.monotonicMs();
      return isWarm ? null : probeOnce(provider, key);
    },
  };
}

/** Look-up and connection within one connect clock. */
async function probeInTime(clock: Clock, provider: Origin): Promise<OriginProblem | null> {
  const url = new URL(provider.baseUrl);
  const late = Promise.withResolvers<OriginProblem>();
  const timer = clock.after(provider.timeoutsMs.connect, () =>
    late.resolve({ kind: "timeout_connect", detail: `no connection to ${url.host} in time` }),
  );
  const probe = async (): Promise<OriginProblem | null> =>
    (await refusedAddress(url, provider)) ?? (await refusedConnection(url));
  try {
    return await Promise.race([probe(), late.promise]);
  } finally {
    timer.cancel();
  }
}

async function refusedAddress(url: URL, provider: Origin): Promise<OriginProblem | null> {
  const host = bareHost(url);
  try {
    const addresses = await lookup(host, { all: true });
    for (const { address } of addresses) {
      const problem = addressProblem(address, provider.allowPrivateNetwork);
      if (problem !== null) return { kind: "address_refused", detail: `${host}: ${problem}` };
    }
    return null;
  } catch (error) {
    return { kind: "connect", detail: `cannot resolve ${host}: ${String(error)}` };
  }
}

/** Opens and closes one connection; the only way to time connecting apart from answering. */
async function refusedConnection(url: URL): Promise<OriginProblem | null> {
  const port = Number(url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port);
  try {
    const socket = await Bun.connect({
      hostname: bareHost(url),
      port,
      socket: { data: () => undefined },
    });
    socket.end();
    return null;
  } catch (error) {
    return { kind: "connect", detail: `cannot connect to ${url.host}: ${String(error)}` };
  }
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}
