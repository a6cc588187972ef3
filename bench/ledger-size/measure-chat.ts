/**
 * Plain exchanges of one client, back to back, at the Tollgate with the long history and at the one
 * without, in turn, so that the machine's noise falls on both; and once more at the first one while
 * an operator reads from it without a pause.
 */
import { chatEndpoint, chatRequest } from "../chat-request.ts";
import { loadOptions } from "../context.ts";
import { plainExchange } from "../exchange.ts";
import { HttpClient } from "../http-client.ts";
import { failureCount, runLoad } from "../load.ts";
import { systemRandom } from "../../src/base/random.ts";
import { Distribution, type Summary } from "../statistics.ts";
import { inTurn } from "../subjects.ts";
import { readAdmin } from "../admin-read.ts";
import type { Effort } from "./options.ts";
import type { Configured, Stand, Surroundings } from "./stage.ts";

export type ChatEntry = { readonly name: ChatName; readonly latency: Summary };
export type ChatName = "empty" | "history" | "history, while read";

const WARM_UP_MS = 200;

type ChatContext = Surroundings & {
  readonly effort: Effort;
  /** What the operator reads. */
  readonly readPaths: readonly string[];
};

export async function measureChat(
  stands: { readonly empty: Stand; readonly history: Stand },
  { token, model }: Configured,
  { readPaths, effort, ...surroundings }: ChatContext,
): Promise<readonly ChatEntry[]> {
  const run = (name: ChatName, { admin }: Stand) => {
    const target = { endpoint: chatEndpoint(admin.gateway), token };
    const request = chatRequest(target, { model, stream: false, tokensMax: 64 });
    return { name, admin, request, client: new HttpClient(admin.gateway), all: new Distribution() };
  };
  const runs = [
    run("empty", stands.empty),
    run("history", stands.history),
    run("history, while read", stands.history),
  ];
  const context = { ...surroundings, random: systemRandom };
  const times = { durationMs: effort.sliceMs, warmUpMs: WARM_UP_MS };
  for (let round = 0; round < effort.chatRounds; round += 1) {
    for (const { name, admin, request, client, all } of inTurn(runs, round)) {
      const slice = { isOver: false };
      const reader = name === "history, while read" ? readOn(admin, readPaths, slice) : undefined;
      const options = loadOptions(context, { kind: "closed", clients: 1 }, times);
      const result = await runLoad(options, () => plainExchange(client, request));
      slice.isOver = true;
      await reader;
      surroundings.signal.throwIfAborted();
      if (result.succeeded === 0 || failureCount(result) > 0) {
        throw new Error(`${name}: exchanges failed: ${[...result.failures.keys()].join("; ")}`);
      }
      all.add(result.latency);
    }
  }
  for (const { client } of runs) client.close();
  return runs.map(({ name, all }) => ({ name, latency: all.summary() }));
}

/** Reads one path after the other until the slice is over. */
async function readOn(
  admin: Stand["admin"],
  paths: readonly string[],
  slice: { readonly isOver: boolean },
): Promise<void> {
  while (!slice.isOver) {
    for (const path of paths) await readAdmin(admin, path);
  }
}
