/** Shapes of budgets: money per window. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, nullable, oneOf, Paging, strict, Time, Usd, UsdInput, Versioned } from "./members.ts";
import { Scope, ScopeFilter } from "./scope.ts";

const READ_ONLY = [
  "tenant_id",
  "posted_usd",
  "held_usd",
  "remaining_usd",
  "window_started_at",
  "window_ends_at",
] as const;

const Amount = nullable(UsdInput('Cap of one window; null: unlimited, "0": nothing priced.'));

const Window = oneOf(["day", "month", "total"], {
  description: "Calendar window in the budget's time zone; total never starts anew.",
  planned: ["hour", "week"],
});

const TimeZone = Type.String({
  minLength: 1,
  maxLength: 64,
  "x-must": "be an IANA time zone such as UTC or Europe/Berlin",
  description: "IANA time zone of the window's calendar; UTC by default.",
});

const Mode = oneOf(["hard", "soft"], {
  description: "hard refuses what may pass the cap, soft only counts; hard by default.",
});

const Threshold = Type.Number({
  exclusiveMinimum: 0,
  maximum: 1,
  "x-must": "be a fraction above 0 and up to 1, such as 0.8",
});

const AlertThresholds = Type.Array(Threshold, {
  maxItems: 20,
  "x-must": "be a list of at most 20 fractions above 0 and up to 1, such as [0.5, 0.8]",
  description: "Fractions of the cap at which to alert; none by default.",
});

export const BudgetInput = strict(
  {
    scope: Scope,
    amount_usd: Amount,
    window: Window,
    time_zone: Type.Optional(TimeZone),
    mode: Type.Optional(Mode),
    alert_thresholds: Type.Optional(AlertThresholds),
  },
  {
    description: "A budget to create. Spend of the running window so far counts.",
    "x-read-only": READ_ONLY,
  },
);
export type BudgetInput = Static<typeof BudgetInput>;

export const BudgetChange = strict(
  {
    amount_usd: Type.Optional(Amount),
    window: Type.Optional(Window),
    time_zone: Type.Optional(TimeZone),
    mode: Type.Optional(Mode),
    alert_thresholds: Type.Optional(AlertThresholds),
  },
  {
    description: "What to change of a budget; usage is never touched.",
    "x-read-only": READ_ONLY,
    "x-fixed": ["scope"],
  },
);
export type BudgetChange = Static<typeof BudgetChange>;

export const BudgetFilter = strict(
  { ...Paging, ...ScopeFilter },
  { description: "Which budgets to list." },
);
export type BudgetFilter = Static<typeof BudgetFilter>;

export const Budget = Type.Object(
  {
    id: Id("budget"),
    tenant_id: Id("tenant that the scope lies in"),
    scope: Scope,
    amount_usd: nullable(Usd("Cap of one window; null: unlimited.")),
    window: Window,
    time_zone: TimeZone,
    mode: Mode,
    alert_thresholds: Type.Array(Type.Number()),
    posted_usd: Usd("Spent in the running window."),
    held_usd: Usd("Held for requests in flight."),
    remaining_usd: nullable(
      Usd("Cap less spent less held; negative where a soft budget was passed; null: unlimited."),
    ),
    window_started_at: Time("When the running window began."),
    window_ends_at: nullable(Time("When the running window ends; null: never.")),
    ...Versioned,
  },
  { description: "A budget and its running window." },
);
export type Budget = Static<typeof Budget>;
