/** `tollgate ledger`: its length and heads, accepting a frozen one, and proving it untouched. */
import type { Config } from "../../config/config.ts";
import type { Shape } from "../../http/admin/schemas.ts";
import { createAdminClient } from "../admin-client.ts";
import { writeJson } from "../table.ts";
import type { Output, Terminal } from "../terminal.ts";
import type { LedgerAsked } from "../usage-operate.ts";
import { verify } from "./ledger-verify.ts";

const [DONE, FAILED, MISUSED] = [0, 1, 2] as const;

/** 0 done, 1 refused, out of reach or not as it should be, 2 without what is needed to ask. */
export async function ledger(
  config: Pick<Config, "host" | "port" | "adminToken" | "dataDir">,
  asked: LedgerAsked,
  terminal: Terminal,
): Promise<number> {
  const { out, err } = terminal;
  const complain = (problem: string): void => err.line(`${err.styled("red", "error:")} ${problem}`);
  if (asked.do === "verify") return verify(config.dataDir, asked, terminal);
  const client = createAdminClient(config, asked.url);
  if (!client.ok) {
    complain(client.problem);
    return MISUSED;
  }
  const told =
    asked.do === "status"
      ? await client.value.call("GET", "/ledger", undefined, "Ledger")
      : await client.value.call("POST", "/ledger/accept", undefined, "Ledger");
  if (!told.ok) {
    complain(told.problem);
    return FAILED;
  }
  if (asked.json) writeJson(out, told.value);
  else tell(out, told.value);
  return DONE;
}

function tell(out: Output, state: Shape<"Ledger">): void {
  out.line(`attempts  ${state.attempts}, ending in ${state.attempts_head}`);
  out.line(`postings  ${state.postings}, ending in ${state.postings_head}`);
  const { frozen } = state;
  if (frozen === null) {
    out.line(out.styled("green", "Hard budgets admit by it."));
    return;
  }
  out.line(
    out.styled("red", `Frozen since ${frozen.since}: hard budgets refuse until \`ledger accept\`.`),
  );
  out.line(frozen.detail);
}
