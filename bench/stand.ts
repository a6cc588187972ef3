/**
 * A fresh Tollgate and a load generator, each a process of its own, for a workload that configures
 * the rest itself. Everything that is started here ends with the stack that is given.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Generator, startGenerator } from "./generator/remote.ts";
import { Processes } from "./processes.ts";
import type { CpuShares, ProgramContext } from "./programs.ts";
import type { TollgateAdmin } from "./setup-tollgate.ts";
import { startTollgate } from "./subjects.ts";

export type Stand = {
  readonly admin: TollgateAdmin;
  readonly gatewayPid: number;
  readonly generator: Generator;
  /** For starting more processes beside these. */
  readonly context: ProgramContext;
};

/** `shares`: processors for Tollgate and for the rest; undefined: all run anywhere. */
export async function startStand(
  stack: AsyncDisposableStack,
  signal: AbortSignal,
  shares?: CpuShares,
): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), "tollgate-bench-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const processes = new Processes(folder);
  stack.defer(() => processes.stop());
  const context = { processes, folder, signal };
  const { adminToken, running } = await startTollgate(context, shares?.subject);
  const generator = await startGenerator(context, shares?.rest);
  const admin = { gateway: running.url, adminToken, signal };
  return { admin, gatewayPid: running.pid, generator, context };
}
