/** `tollgate backup`: a copy of the database as it is at one moment, also beside a running server. */
import { join, resolve } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { GatewayError } from "../../base/error.ts";
import type { Config } from "../../config/config.ts";
import { KEY_FILE } from "../../config/keys.ts";
import { backupDatabase } from "../../store/backup.ts";
import { DATABASE_FILE } from "../../store/open.ts";
import type { Terminal } from "../terminal.ts";
import type { BackupAsked } from "../usage-operate.ts";

/** 0 when the copy is there, 1 when it is not. */
export function backup(
  { dataDir }: Pick<Config, "dataDir">,
  { to }: BackupAsked,
  { out, err }: Terminal,
): Promise<number> {
  const file = resolve(to);
  try {
    backupDatabase(join(dataDir, DATABASE_FILE), file, systemClock.nowMs());
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    err.line(`${err.styled("red", "error:")} ${error.message}`);
    return Promise.resolve(1);
  }
  out.line(`The database is copied to ${file}.`);
  out.line(
    `Keep the encryption key beside it: without ${KEY_FILE} its credentials cannot be opened.`,
  );
  return Promise.resolve(0);
}
