/** A terminal that keeps what is written, and a gateway that commands can reach. */
import { createTerminal, type Terminal } from "../../src/cli/terminal.ts";
import { listen } from "../../src/http/listen.ts";
import { ADMIN_TOKEN, startTestAdmin, type TestAdmin } from "../support/admin.ts";

export type Recorded = {
  readonly terminal: Terminal;
  readonly out: () => string;
  readonly err: () => string;
};

export function record(): Recorded {
  let out = "";
  let err = "";
  const terminal = createTerminal(
    { write: (text) => (out += text) },
    { write: (text) => (err += text) },
    false,
  );
  return { terminal, out: () => out, err: () => err };
}

export type Reachable = {
  readonly api: TestAdmin;
  readonly url: string;
  /** What a configuration says that matters to commands which call the gateway. */
  readonly config: { readonly host: string; readonly port: number; readonly adminToken: string };
  readonly stop: () => Promise<void>;
};

export async function startReachable(
  options: Parameters<typeof startTestAdmin>[0] = {},
): Promise<Reachable> {
  const api = await startTestAdmin(options);
  const server = listen(api.app, { hostname: "127.0.0.1", port: 0 });
  return {
    api,
    url: server.url,
    config: { host: "0.0.0.0", port: server.port, adminToken: ADMIN_TOKEN },
    stop: async () => {
      await server.stop(true);
      await api.stop();
    },
  };
}
