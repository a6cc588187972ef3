/** `tollgate ledger`: its length and heads, accepting a frozen one, and proving it untouched. */
import type { Config } from "../../config/config.ts";
import type { Shape } from "../../http/admin/schemas.ts";
import { writeJson } from "../table.ts";
import type { Output, Terminal } from "../terminal.ts";
import type { LedgerAsked } from "../usage-operate.ts";
import { withAdmin } from "../with-admin.ts";
import { verify } from "./ledger-verify.ts";

/** 0 done, 1 refused, out of reach or not as it should be, 2 without what is needed to ask. */
export async function ledger(
  config: Pick<Config, "host" | "port" | "adminToken" | "dataDir">,
  asked: LedgerAsked,
  terminal: Terminal,
): Promise<number> {
  if (asked.do === "verify") return verify(config.dataDir, asked, terminal);
  const { out } = terminal;
  return await withAdmin(config, asked.url, terminal, async (client) => {
    const told =
      asked.do === "status"
        ? await client.call("GET", "/ledger", undefined, "Ledger")
        : await client.call("POST", "/ledger/accept", undefined, "Ledger");
    if (!told.ok) return told;
    if (asked.json) writeJson(out, told.value);
    else tell(out, told.value);
    return told;
  });
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
