/** Shapes of budgets: money per window. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, nullable, oneOf, Paging, strict, Time, Usd, UsdInput, Versioned } from "./members.ts";
import { BudgetScope, BudgetScopeFilter, BudgetScopeInput, EndUserId } from "./scope.ts";

const READ_ONLY = [
  "tenant_id",
  "topped_up_usd",
  "posted_usd",
  "held_usd",
  "remaining_usd",
  "window_started_at",
  "window_ends_at",
] as const;

const Amount = nullable(UsdInput('Cap of one window; null: unlimited, "0": nothing priced.'));

const Window = oneOf(["hour", "day", "week", "month", "total"], {
  description: "Calendar window in the budget's time zone; total never starts anew.",
});

export const WEEKDAYS = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;

const WholeFrom = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, description }));

const Anchor = nullable(
  strict(
    {
      hour: WholeFrom(0, 23, "Hour of the local day; midnight without it."),
      weekday: Type.Optional(
        oneOf(WEEKDAYS, { description: "Of a week alone; monday without it." }),
      ),
      day_of_month: WholeFrom(
        1,
        31,
        "Of a month alone, which begins on its last day when it is shorter; 1 without it.",
      ),
    },
    {
      description:
        "Where a window begins: the hour of a day, week or month, the weekday of a week, the day of a month; null: at the calendar's own beginning.",
    },
  ),
);

const TimeZone = Type.String({
  minLength: 1,
  maxLength: 64,
  "x-must": "be an IANA time zone such as UTC or Europe/Berlin",
  description: "IANA time zone of the window's calendar; UTC by default.",
});

const Mode = oneOf(["hard", "soft"], {
  description: "hard refuses what may pass the cap, soft only counts; hard by default.",
});

const OnHoldReached = oneOf(["stop", "finish_and_bill"], {
  description:
    "What becomes of a stream whose metered cost reaches what was held for it: stop ends it as at an output limit, finish_and_bill lets it end by itself and posts its whole cost; stop by default.",
});

const Threshold = Type.Number({
  exclusiveMinimum: 0,
  maximum: 1,
  "x-must": "be a fraction above 0 and up to 1, such as 0.8",
});

const AlertThresholds = Type.Array(Threshold, {
  maxItems: 20,
  "x-must": "be a list of at most 20 fractions above 0 and up to 1, such as [0.5, 0.8]",
  description: "Fractions of the cap at which to alert, once per window; none by default.",
});

const settable = {
  anchor: Type.Optional(Anchor),
  time_zone: Type.Optional(TimeZone),
  mode: Type.Optional(Mode),
  on_hold_reached: Type.Optional(OnHoldReached),
  alert_thresholds: Type.Optional(AlertThresholds),
};

export const BudgetInput = strict(
  { scope: BudgetScopeInput, amount_usd: Amount, window: Window, ...settable },
  {
    description: "A budget to create. Spend of the running window so far counts.",
    "x-read-only": READ_ONLY,
  },
);
export type BudgetInput = Static<typeof BudgetInput>;

export const BudgetChange = strict(
  { amount_usd: Type.Optional(Amount), window: Type.Optional(Window), ...settable },
  {
    description:
      "What to change of a budget. Usage is never touched: what its scope spent in the window that runs after the edit counts. `anchor` is replaced as a whole.",
    "x-read-only": READ_ONLY,
    "x-fixed": ["scope"],
  },
);
export type BudgetChange = Static<typeof BudgetChange>;

export const BudgetFilter = strict(
  { ...Paging, ...BudgetScopeFilter },
  { description: "Which budgets to list." },
);
export type BudgetFilter = Static<typeof BudgetFilter>;

/** Whose account of a budget that is a default for each end user. */
export const AccountFilter = strict(
  {
    end_user: Type.Optional(EndUserId),
  },
  { description: "Whose account, where the budget is a default for each end user." },
);
export type AccountFilter = Static<typeof AccountFilter>;

const OfAccount = "; null: each end user has an account of their own, ask for one with `end_user`";

export const Budget = Type.Object(
  {
    id: Id("budget"),
    tenant_id: nullable(Id("tenant that the scope lies in; null: it spans tenants")),
    scope: BudgetScope,
    amount_usd: nullable(Usd("Cap of one window; null: unlimited.")),
    window: Window,
    anchor: Anchor,
    time_zone: TimeZone,
    mode: Mode,
    on_hold_reached: OnHoldReached,
    alert_thresholds: Type.Array(Type.Number()),
    topped_up_usd: nullable(Usd(`Added to the cap by top-ups in force${OfAccount}.`)),
    posted_usd: nullable(
      Usd(`Spent in the running window, less what resets took back${OfAccount}.`),
    ),
    held_usd: nullable(Usd(`Held for requests in flight${OfAccount}.`)),
    remaining_usd: nullable(
      Usd(
        "Cap and top-ups less spent less held; negative where a soft budget was passed; null: unlimited, or as above.",
      ),
    ),
    window_started_at: Time("When the running window began."),
    window_ends_at: nullable(Time("When the running window ends; null: never.")),
    ...Versioned,
  },
  { description: "A budget and its running window." },
);
export type Budget = Static<typeof Budget>;
