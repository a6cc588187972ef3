/** `/api/v1/ledger`. */
import { Elysia } from "elysia";
import type { Admin } from "../../admin/admin.ts";
import { noBody } from "./body.ts";
import { answerOf } from "./describe.ts";
import { type AdminHttp, operation } from "./operation.ts";
import { NO_QUERY } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Ledger"> = {
  attempts: 48_211,
  postings: 48_209,
  attempts_head: "5f2d6c0e9b1a47f3a8c4e6d0b2f19375c1e80a4b6d9237f5e0ac81b34d6f2970",
  postings_head: "a91c04e7d8356fb2097e41c5ba6d38f2e57091cbd4a82f6390e1d7c5b8a4f306",
  frozen: null,
};

export function ledgerRoutes(http: AdminHttp, { ledger }: Admin) {
  const common = { tag: "ledger", idOf: null, query: NO_QUERY, body: noBody };
  const state = operation(
    http,
    {
      ...common,
      id: "get_ledger",
      summary: "Show the ledger as a whole",
      description:
        "Its length and the last links of its chains. Keep those elsewhere: `tollgate ledger verify --heads` compares.",
      answer: answerOf(200, "Ledger", "The ledger.", example),
      refusals: [400],
    },
    () => ledger.state(),
  );
  const accept = operation(
    http,
    {
      ...common,
      id: "accept_ledger",
      summary: "Accept a ledger that is older than its spend",
      description:
        "After an old backup was restored hard budgets refuse, because what was spent since is not in it. Accepting lets them work with what the ledger holds; 409 when there is nothing to accept.",
      answer: answerOf(200, "Ledger", "The ledger, no longer frozen.", example),
      refusals: [400, 409],
    },
    () => ledger.accept(),
  );
  return new Elysia({ prefix: "/ledger" })
    .get("", state.handle, state.hooks)
    .post("/accept", accept.handle, accept.hooks);
}
