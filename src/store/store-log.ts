/** What the store tells its opener: it has no log of its own. Event names begin with `store.`. */
import type { KeptOut } from "./protocol.ts";

/** Takes an event's name and its facts. */
export type StoreLog = (
  level: "info" | "warn" | "error",
  event: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

/** A repeated posting is expected after a thread died; everything else kept out is a bug of ours. */
export function logKeptOut(log: StoreLog, keptOut: readonly KeptOut[]): void {
  for (const { what, ...fields } of keptOut) {
    log(what === "posting_repeated" ? "warn" : "error", `store.${what}`, fields);
  }
}
