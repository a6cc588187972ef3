/**
 * Ordinary clients alone and beside slow ones, in turn, at one Tollgate that runs all the while. The
 * ordinary and the slow ones belong to different tenants.
 */
import { type Clock, sleep } from "../../src/base/clock.ts";
import { chatEndpoint, chatRequest } from "../chat-request.ts";
import type { LoggedExchange } from "../exchange-log.ts";
import { cpuBetween, usageOf } from "../process-usage.ts";
import { startProgram } from "../programs.ts";
import { createObject, createRoomyToken, type TollgateAdmin } from "../setup-tollgate.ts";
import { startStand, type Stand } from "../stand.ts";
import type { CrowdCounts, CrowdPlan } from "./crowd.ts";
import type { BlockSeen } from "./judge.ts";
import { openFilesOf } from "./open-files.ts";
import type { PeerKind, SlowPeersOptions } from "./options.ts";

export type SlowPeersContext = {
  readonly stack: AsyncDisposableStack;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
};

/**
 * What is asked of the upstream. Slow readers get 128 KB: twice what the kernel takes for a reader
 * with a small window, so that Tollgate is left with the rest of it, and not more, because bringing
 * it there costs time for each of thousands.
 */
const upstreamModels = {
  plain: "sim-small?tokens=16",
  stream: "sim-small?tokens=10&token_delay_ms=10",
  slow: "sim-small?tokens=8&token_bytes=16384",
} as const;

/** How many may come in a second, so that coming is no overload. */
const comersPerSecond = 500;
const warmUpMsMax = 1_000;
const quietPollMs = 250;
const quietMsMax = 8_000;
/** Processors that Tollgate may keep busy when it is called quiet; slow peers cost a little. */
const quietCores = 0.2;
/** More than a slow sender sends in a day. */
const declaredBytes = 1_000_000;

export async function measureSlowPeers(
  options: SlowPeersOptions,
  context: SlowPeersContext,
): Promise<readonly BlockSeen[]> {
  const { stack, signal, note } = context;
  const stand = await startStand(stack, signal);
  const upstream = await startProgram(stand.context, {
    name: "upstream",
    file: "upstream/main.ts",
  });
  const crowd = await startProgram(stand.context, { name: "crowd", file: "slow-peers/main.ts" });
  const { ordinary, slow } = await configure(stand.admin, `${upstream.url.origin}/v1`);
  const lab = new Lab(stand, crowd.url, ordinary, options, context);
  note("warming up");
  await lab.offer(Math.min(warmUpMsMax, options.blockMs));
  const blocks: BlockSeen[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    for (const kind of options.kinds) {
      note(`round ${round + 1} of ${options.rounds}, alone`);
      blocks.push(await lab.block({ kind, round, isBeside: false }, undefined));
      note(`round ${round + 1} of ${options.rounds}, beside slow ${kind}`);
      blocks.push(
        await lab.block({ kind, round, isBeside: true }, crowdPlan(kind, stand, slow, options)),
      );
      signal.throwIfAborted();
    }
  }
  return blocks;
}

async function configure(admin: TollgateAdmin, baseUrl: string) {
  const provider = await createObject(admin, "providers", {
    name: "bench-upstream",
    dialect: "openai",
    base_url: baseUrl,
    credential: "sk-bench-upstream",
    allow_private_network: true,
  });
  const rates = { input_usd_per_million: "0.15", output_usd_per_million: "0.60" };
  for (const [name, model] of Object.entries(upstreamModels)) {
    await createObject(admin, "prices", { provider: provider.id, model, ...rates });
    const targets = [{ provider: provider.id, model }];
    await createObject(admin, "routes", { model: name, targets });
  }
  return {
    ordinary: await createRoomyToken(admin, ["plain", "stream"], "ordinary"),
    slow: await createRoomyToken(admin, ["slow"], "slow"),
  };
}

function crowdPlan(
  kind: PeerKind,
  { admin }: Stand,
  token: string,
  { peers }: SlowPeersOptions,
): CrowdPlan {
  const endpoint = chatEndpoint(admin.gateway);
  const head = [
    `POST ${endpoint.pathname} HTTP/1.1`,
    `host: ${endpoint.host}`,
    `authorization: Bearer ${token}`,
    "content-type: application/json",
  ].join("\r\n");
  const readers = chatRequest({ endpoint, token }, { model: "slow", stream: true, tokensMax: 512 });
  return {
    kind,
    host: endpoint.hostname,
    port: Number(endpoint.port),
    peers,
    rampMs: (peers * 1_000) / comersPerSecond,
    requests:
      kind === "readers"
        ? [new TextDecoder().decode(readers)]
        : [
            `${head}\r\ncontent-length: ${declaredBytes}\r\n\r\n`,
            `${head}\r\ntransfer-encoding: chunked\r\n\r\n`,
          ],
  };
}

/** One Tollgate, the ordinary clients, and the process of the slow ones. */
class Lab {
  readonly #stand: Stand;
  readonly #crowd: URL;
  readonly #token: string;
  readonly #options: SlowPeersOptions;
  readonly #context: SlowPeersContext;

  constructor(
    stand: Stand,
    crowd: URL,
    token: string,
    options: SlowPeersOptions,
    context: SlowPeersContext,
  ) {
    this.#stand = stand;
    this.#crowd = crowd;
    this.#token = token;
    this.#options = options;
    this.#context = context;
  }

  /** Ordinary clients for a while, beside a crowd if there is a plan for one. */
  async block(
    is: Pick<BlockSeen, "kind" | "round" | "isBeside">,
    plan: CrowdPlan | undefined,
  ): Promise<BlockSeen> {
    if (plan !== undefined) {
      await this.#ask("POST", "come", plan);
      if (plan.kind === "readers") await this.#answered(plan.peers);
    }
    await this.#quiet();
    const exchanges = await this.offer(this.#options.blockMs);
    const { gatewayPid } = this.#stand;
    const residentBytes = usageOf(gatewayPid)?.residentBytes;
    const openFiles = openFilesOf(gatewayPid);
    let crowd: CrowdCounts | undefined;
    if (plan !== undefined) {
      // The shape is ours on both sides.
      crowd = (await this.#ask("GET", "counts")) as CrowdCounts;
      await this.#ask("POST", "leave", {});
    }
    return { ...is, ...exchanges, residentBytes, openFiles, crowd };
  }

  async offer(durationMs: number): Promise<{
    readonly plain: readonly LoggedExchange[];
    readonly streams: readonly LoggedExchange[];
  }> {
    const { plainPerSecond, streamsPerSecond } = this.#options;
    const one = async (model: "plain" | "stream", ratePerSecond: number) => {
      const { exchanges } = await this.#stand.generator.offer({
        gateway: this.#stand.admin.gateway.href,
        token: this.#token,
        model,
        stream: model === "stream",
        tokensMax: 64,
        steps: [
          {
            plan: { kind: "open", ratePerSecond, gaps: "exponential", inFlightMax: 1_000 },
            durationMs,
          },
        ],
      });
      return exchanges;
    };
    const [plain, streams] = await Promise.all([
      one("plain", plainPerSecond),
      one("stream", streamsPerSecond),
    ]);
    return { plain, streams };
  }

  /** Until every reader has the begin of its answer; each looks once a second. */
  async #answered(peers: number): Promise<void> {
    const { clock, signal } = this.#context;
    const untilMs = clock.monotonicMs() + quietMsMax;
    while (clock.monotonicMs() < untilMs) {
      const { statuses } = (await this.#ask("GET", "counts")) as CrowdCounts;
      if (Object.values(statuses).reduce((sum, count) => sum + count, 0) >= peers) return;
      await sleep(clock, quietPollMs, signal);
      signal.throwIfAborted();
    }
  }

  /** Until what came before is digested: buffers filled, left streams settled. */
  async #quiet(): Promise<void> {
    const { clock, signal } = this.#context;
    const untilMs = clock.monotonicMs() + quietMsMax;
    while (clock.monotonicMs() < untilMs) {
      const before = usageOf(this.#stand.gatewayPid);
      await sleep(clock, quietPollMs, signal);
      signal.throwIfAborted();
      const usedMs = cpuBetween(before, usageOf(this.#stand.gatewayPid));
      if (usedMs === undefined || usedMs <= quietPollMs * quietCores) return;
    }
  }

  async #ask(method: "GET" | "POST", path: string, body?: object): Promise<unknown> {
    const answer = await fetch(new URL(`/${path}`, this.#crowd), {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: this.#context.signal,
    });
    if (!answer.ok) throw new Error(`the slow peers failed: ${await answer.text()}`);
    return await answer.json();
  }
}
