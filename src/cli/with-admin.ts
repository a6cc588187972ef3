/** A command that asks the admin API: what goes wrong is told in one line, and by the exit code. */
import type { Config } from "../config/config.ts";
import { type AdminClient, createAdminClient, type Told } from "./admin-client.ts";
import type { Terminal } from "./terminal.ts";

const [DONE, FAILED, MISUSED] = [0, 1, 2] as const;

/** 0 done, 1 refused or out of reach, 2 without an admin token or a usable address. */
export async function withAdmin(
  config: Pick<Config, "host" | "port" | "adminToken">,
  url: string | null,
  { err }: Pick<Terminal, "err">,
  run: (client: AdminClient) => Promise<Told<unknown>>,
): Promise<number> {
  const client = createAdminClient(config, url);
  const told = client.ok ? await run(client.value) : client;
  if (told.ok) return DONE;
  err.line(`${err.styled("red", "error:")} ${told.problem}`);
  return client.ok ? FAILED : MISUSED;
}
