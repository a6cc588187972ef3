/** Shapes of jobs: what providers go on with after they have answered, while it is open. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, Note, nullable, oneOf, Paging, strict, Time, Usd, UsdInput } from "./members.ts";

const Kind = oneOf(["batch", "response"], {
  description: "response: one that is made in the background.",
});

export const JobFilter = strict(
  {
    ...Paging,
    tenant_id: Type.Optional(Id("tenant")),
    provider: Type.Optional(Type.String({ maxLength: 64, description: "Name of the provider." })),
    kind: Type.Optional(Kind),
  },
  { description: "Which jobs to list." },
);
export type JobFilter = Static<typeof JobFilter>;

const LastLook = Type.Object(
  {
    at: Time("When it was over."),
    said: oneOf(["running", "unheard", "unknown"], {
      description:
        "running: its provider works on it; unknown: its provider says that there is no such thing, or that it has ended and nothing of its answers; unheard: it could not be asked for, or its provider did not say.",
    }),
    why: nullable(
      Type.String({
        description:
          "Of what is unheard: a word like those of `tried` in the request log, or provider_removed, provider_disabled, no_credential, not_understood.",
      }),
    ),
  },
  { description: "What Tollgate was told when it last asked; null: it has not asked yet." },
);

export const Job = Type.Object(
  {
    id: Id("attempt, which stays open until the job has ended"),
    request_id: Id("request that began it"),
    kind: Kind,
    object_id: Type.String({ description: "Its provider's own id of it." }),
    tenant_id: Id("tenant"),
    project_id: nullable(Id("project; null: none")),
    token_id: Id("access token"),
    end_user: nullable(Type.String({ description: "Whom the client asked for; null: not told." })),
    route: Type.String({ description: "Model name that the client asked for." }),
    model: Type.String({ description: "The upstream's name of the model." }),
    provider_id: Id("provider"),
    provider: Type.String({ description: "Name of the provider, or its id when it is removed." }),
    lines: nullable(Type.Integer({ description: "Requests in a batch; null: it is none." })),
    held_usd: Usd("What is held for it."),
    begun_at: Time("When it was held for."),
    last_look: nullable(LastLook),
    next_look_at: nullable(Time("When it is looked at next; null: it is being looked at.")),
    given_up_at: Time("When it costs what is held for it, unless it has ended before."),
  },
  { description: "A batch or a background response that has not ended." },
);
export type Job = Static<typeof Job>;

export const JobEnding = strict(
  {
    amount_usd: Type.Optional(
      UsdInput("What it cost, from 0 to what is held for it; all of that without it."),
    ),
    note: Type.Optional(Note),
  },
  { description: "How to end a job." },
);
export type JobEnding = Static<typeof JobEnding>;

export const EndedJob = Type.Object(
  {
    id: Id("attempt"),
    request_id: Id("request that began it"),
    held_usd: Usd("What was held for it."),
    cost_usd: Usd("What it cost."),
  },
  { description: "A job that an operator has ended." },
);
export type EndedJob = Static<typeof EndedJob>;
