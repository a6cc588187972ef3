/** Shapes of limits: requests and model tokens per minute, and requests at once. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, nullable, Paging, strict, Versioned, Whole } from "./members.ts";
import { Scope, ScopeFilter } from "./scope.ts";

const READ_ONLY = ["tenant_id", "current"] as const;

const RATE_MAX = 1_000_000_000;

const bounds = {
  requests_per_minute: Type.Optional(
    nullable(Whole(1, RATE_MAX, "Requests per minute; null: not limited.")),
  ),
  tokens_per_minute: Type.Optional(
    nullable(Whole(1, RATE_MAX, "Model tokens per minute, held up front; null: not limited.")),
  ),
  max_concurrent: Type.Optional(
    nullable(Whole(1, RATE_MAX, "Requests at once; null: not limited.")),
  ),
  burst: Type.Optional(
    nullable(
      Whole(1, RATE_MAX, "Requests that may come at once after a quiet time; null: a minute's."),
    ),
  ),
};

export const LimitInput = strict(
  { scope: Scope, ...bounds },
  { description: "A limit to create, with at least one bound.", "x-read-only": READ_ONLY },
);
export type LimitInput = Static<typeof LimitInput>;

export const LimitChange = strict(bounds, {
  description: "What to change of a limit; null clears a bound, and at least one has to stay.",
  "x-read-only": READ_ONLY,
  "x-fixed": ["scope"],
});
export type LimitChange = Static<typeof LimitChange>;

export const LimitFilter = strict(
  { ...Paging, ...ScopeFilter },
  { description: "Which limits to list." },
);
export type LimitFilter = Static<typeof LimitFilter>;

const Bound = (description: string) => nullable(Type.Integer({ description }));

export const Limit = Type.Object(
  {
    id: Id("limit"),
    tenant_id: Id("tenant that the scope lies in"),
    scope: Scope,
    requests_per_minute: Bound("Requests per minute; null: not limited."),
    tokens_per_minute: Bound("Model tokens per minute; null: not limited."),
    max_concurrent: Bound("Requests at once; null: not limited."),
    burst: Bound("Requests at once after a quiet time; null: a minute's."),
    current: Type.Object(
      {
        requests_remaining: Bound("Requests that would pass now; null: not limited."),
        tokens_remaining: Bound("Model tokens that would pass now; null: not limited."),
        in_flight: Type.Integer({ description: "Requests running now." }),
      },
      { description: "The fill now." },
    ),
    ...Versioned,
  },
  { description: "A limit and its fill." },
);
export type Limit = Static<typeof Limit>;
