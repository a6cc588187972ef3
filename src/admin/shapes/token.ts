/** Shapes of access tokens. Only creation and rotation ever show the access token itself. */
import { type Static, Type } from "@sinclair/typebox";
import { PriorityClass } from "./service.ts";
import {
  Id,
  Metadata,
  ModelName,
  Name,
  nullable,
  oneOf,
  Paging,
  strict,
  Time,
  TimeInput,
  Versioned,
  Whole,
} from "./members.ts";

const READ_ONLY = ["hint", "status", "request_count", "last_used_at", "token"] as const;

const TEN_YEARS_MINUTES = 10 * 366 * 24 * 60;
const WEEK_S = 7 * 24 * 3_600;

const members = {
  project_id: Type.Optional(nullable(Id("project, in the same tenant"))),
  expires_at: Type.Optional(
    nullable(TimeInput("When it stops working; null: never. Not with `duration_minutes`.")),
  ),
  duration_minutes: Type.Optional(
    Whole(1, TEN_YEARS_MINUTES, "Minutes from now until it expires. Not with `expires_at`."),
  ),
  max_requests: Type.Optional(
    nullable(
      Whole(0, 1_000_000_000_000, "Requests it may make in its life; null: any number, 0: none."),
    ),
  ),
  allowed_models: Type.Optional(
    nullable(
      Type.Array(ModelName, {
        maxItems: 500,
        description: "Model names it may call; null: every model, an empty list: none.",
      }),
    ),
  ),
  priority_class: Type.Optional(nullable(PriorityClass)),
  metadata: Type.Optional(Metadata),
};

export const TokenInput = strict(
  { tenant_id: Id("tenant it belongs to"), name: Name, ...members },
  { description: "An access token to issue.", "x-read-only": READ_ONLY },
);
export type TokenInput = Static<typeof TokenInput>;

export const TokenChange = strict(
  { name: Type.Optional(Name), ...members },
  {
    description: "What to change of an access token; null clears a member that may be null.",
    "x-read-only": READ_ONLY,
    "x-fixed": ["tenant_id"],
  },
);
export type TokenChange = Static<typeof TokenChange>;

export const TokenRotation = strict(
  {
    grace_seconds: Type.Optional(
      Whole(0, WEEK_S, "How long the old one goes on working beside the new; 0 by default."),
    ),
  },
  { description: "How to rotate an access token." },
);
export type TokenRotation = Static<typeof TokenRotation>;

export const TokenFilter = strict(
  {
    ...Paging,
    tenant_id: Type.Optional(Id("tenant")),
    project_id: Type.Optional(Id("project")),
    name: Type.Optional(Name),
  },
  { description: "Which access tokens to list." },
);
export type TokenFilter = Static<typeof TokenFilter>;

const shown = {
  id: Id("access token"),
  tenant_id: Id("tenant it belongs to"),
  project_id: nullable(Id("project it belongs to; null: none")),
  name: Name,
  hint: Type.String({ description: "Its last four characters, to recognise it by." }),
  status: oneOf(["active", "expired", "revoked"], { description: "Whether it works now." }),
  expires_at: nullable(Time("When it stops working; null: never.")),
  max_requests: nullable(Type.Integer({ description: "Requests it may make; null: any number." })),
  allowed_models: nullable(
    Type.Array(Type.String(), { description: "Model names it may call; null: every model." }),
  ),
  priority_class: nullable(PriorityClass),
  request_count: Type.Integer({ description: "Requests it has made." }),
  last_used_at: nullable(Time("When it was last used; null: never.")),
  metadata: Metadata,
  ...Versioned,
};

export const Token = Type.Object(shown, { description: "An access token, without its text." });
export type Token = Static<typeof Token>;

export const IssuedToken = Type.Object(
  {
    ...shown,
    token: Type.String({
      description: "The access token. Shown this once; Tollgate keeps only a keyed hash.",
    }),
  },
  { description: "An access token together with its text." },
);
export type IssuedToken = Static<typeof IssuedToken>;
