/** `tollgate simulator`: the simulated provider in the foreground, until it is told to end. */
import { startUpstream } from "../../../bench/upstream/server.ts";
import type { Terminal } from "../terminal.ts";
import type { SimulatorOptions } from "../usage.ts";

/** Serves until `ended` resolves; 1 when it cannot start. */
export async function simulate(
  options: SimulatorOptions,
  { out, err }: Terminal,
  ended: Promise<unknown>,
): Promise<number> {
  const { host, port, script } = options;
  let upstream: Awaited<ReturnType<typeof startUpstream>>;
  try {
    upstream = await startUpstream({ hostname: host, port, script });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    err.line(`${err.styled("red", "error:")} the simulator cannot start: ${reason}`);
    return 1;
  }
  out.line(`Simulated provider listening on ${upstream.url}`);
  await ended;
  await upstream.stop();
  return 0;
}
