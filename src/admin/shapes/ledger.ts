/** Shapes of the ledger as a whole. */
import { type Static, Type } from "@sinclair/typebox";
import { nullable, Time } from "./members.ts";

const Head = (of: string) =>
  Type.String({
    description: `Last link of the chain of ${of}, in hexadecimal; kept elsewhere, it proves that nothing was cut off.`,
  });

export const Ledger = Type.Object(
  {
    attempts: Type.Integer({ description: "Upstream calls, each written before it was made." }),
    postings: Type.Integer({ description: "What became of them." }),
    attempts_head: Head("attempts"),
    postings_head: Head("postings"),
    frozen: nullable(
      Type.Object(
        {
          detail: Type.String({ description: "A sentence for people." }),
          since: Time("When it was found."),
        },
        {
          description:
            "Why hard budgets refuse: the ledger is older than what was spent since, as after restoring a backup. null: it is not.",
        },
      ),
    ),
  },
  { description: "The ledger." },
);
export type Ledger = Static<typeof Ledger>;

/** The heads alone, as operators keep them elsewhere. */
export const LedgerHeads = Type.Pick(Ledger, [
  "attempts",
  "postings",
  "attempts_head",
  "postings_head",
]);
