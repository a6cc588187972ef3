/** Shapes of what operators do with a budget's money, and of its past and its likely future. */
import { type Static, Type } from "@sinclair/typebox";
import {
  Id,
  nullable,
  oneOf,
  Paging,
  strict,
  Time,
  TimeInput,
  Usd,
  UsdInput,
  Whole,
} from "./members.ts";
import { BudgetScope, EndUserId } from "./scope.ts";

/** Ten years. */
const TOP_UP_MINUTES_MAX = 5_256_000;

const EndUser = Type.Optional(EndUserId);

export const BudgetReset = strict(
  { end_user: EndUser },
  { description: "Whose account to reset, where the budget is a default for each end user." },
);
export type BudgetReset = Static<typeof BudgetReset>;

export const BudgetTopUp = strict(
  {
    amount_usd: UsdInput("What to add to the cap, more than 0."),
    expires_at: Type.Optional(TimeInput("When the cap is as before; with the window without it.")),
    duration_minutes: Type.Optional(
      Whole(1, TOP_UP_MINUTES_MAX, "Instead of `expires_at`: how long from now."),
    ),
    note: Type.Optional(
      Type.String({ maxLength: 500, description: "Why, for people; Tollgate does not read it." }),
    ),
    end_user: EndUser,
  },
  { description: "A temporary addition to a budget's cap.", "x-read-only": ["kind", "starts_at"] },
);
export type BudgetTopUp = Static<typeof BudgetTopUp>;

export const Credit = Type.Object(
  {
    id: Id("credit"),
    budget_id: Id("budget"),
    kind: oneOf(["top_up", "reset"], {
      description: "top_up raises the cap; reset takes back what was posted before it.",
    }),
    amount_usd: Usd("How much."),
    end_user: nullable(Type.String({ description: "Whose account; null: the budget's only one." })),
    starts_at: Time("Since when it counts."),
    expires_at: nullable(Time("Until when it counts; null: for ever.")),
    in_force: Type.Boolean({ description: "Whether it counts now." }),
    note: nullable(Type.String()),
    created_at: Time("When it was made."),
    version: Type.Integer(),
  },
  { description: "What an operator added to a budget for a while. Usage is never touched by it." },
);
export type Credit = Static<typeof Credit>;

export const CreditFilter = strict({ ...Paging }, { description: "Which page of credits." });
export type CreditFilter = Static<typeof CreditFilter>;

export const HistoryFilter = strict(
  {
    ...Paging,
    end_user: EndUser,
    from: Type.Optional(
      TimeInput("Windows that ended after this time; when the budget was created by default."),
    ),
    to: Type.Optional(TimeInput("Windows that began before this time; now by default.")),
  },
  { description: "Which past windows to list." },
);
export type HistoryFilter = Static<typeof HistoryFilter>;

export const PastWindow = Type.Object(
  {
    started_at: Time("When it began."),
    ended_at: Time("When it ended."),
    amount_usd: nullable(Usd("The cap as it is now, without top-ups; null: unlimited.")),
    posted_usd: Usd("Spent in it, resets or not."),
  },
  { description: "A window that has ended." },
);
export type PastWindow = Static<typeof PastWindow>;

export const Projection = Type.Object(
  {
    at: Time("Of this moment."),
    since: Time("When the running window began, or was last reset."),
    window_ends_at: nullable(Time("When the running window ends; null: never.")),
    amount_usd: nullable(Usd("The cap with its top-ups; null: unlimited.")),
    posted_usd: Usd("Spent since then."),
    projected_usd: nullable(
      Usd(
        "Spent by the window's end when it goes on like this; null: the window never ends, or less than a fiftieth of it has passed.",
      ),
    ),
    cap_reached_at: nullable(
      Time(
        "When the cap is reached when it goes on like this, or this moment when it has been; null: not in this window, or not known as above.",
      ),
    ),
  },
  { description: "Where a budget's running window is heading." },
);
export type Projection = Static<typeof Projection>;

export const AlertFilter = strict(
  { ...Paging, budget_id: Type.Optional(Id("budget")) },
  { description: "Which alerts to list." },
);
export type AlertFilter = Static<typeof AlertFilter>;

export const Alert = Type.Object(
  {
    budget_id: Id("budget"),
    scope: BudgetScope,
    threshold: Type.Number({ description: "The fraction of the cap that was passed." }),
    amount_usd: Usd("The cap with its top-ups, as of then."),
    posted_usd: Usd("Spent in the window, as of then."),
    window_started_at: Time("When the window began."),
    created_at: Time("When it was passed."),
  },
  { description: "A budget's window passed a threshold: once for each." },
);
export type Alert = Static<typeof Alert>;
