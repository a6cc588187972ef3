/** `tollgate migrate`: brings the database to this version's schema and recovers it, then ends. */
import { systemClock } from "../../base/clock.ts";
import { GatewayError } from "../../base/error.ts";
import type { Config } from "../../config/config.ts";
import { openStore } from "../../store/open.ts";
import type { Terminal } from "../terminal.ts";

/** 0 when the database is ready, 1 when it is not. */
export async function migrate({ dataDir }: Config, { out, err }: Terminal): Promise<number> {
  try {
    const store = await openStore({ dataDir, clock: systemClock });
    await store.close();
    out.line(`The database in ${dataDir} is ready.`);
    return 0;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    err.line(`${err.styled("red", "error:")} ${error.message}`);
    return 1;
  }
}
