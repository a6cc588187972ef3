/** Shapes of usage: requests, model tokens and cost, added up by any grouping. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, strict, Time, TimeInput, Usd } from "./members.ts";

export const USAGE_GROUPS = ["tenant", "project", "token", "model", "provider", "day"] as const;

export const UsageFilter = strict(
  {
    group_by: Type.Optional(
      Type.String({
        maxLength: 100,
        pattern: `^(?:${USAGE_GROUPS.join("|")})(?:,(?:${USAGE_GROUPS.join("|")}))*$`,
        "x-must": `be one or more of ${USAGE_GROUPS.join(", ")}, separated by commas`,
        description: `What to group by: any of ${USAGE_GROUPS.join(", ")}, separated by commas. One sum without it.`,
      }),
    ),
    from: Type.Optional(TimeInput("From the UTC day of this time on; this month by default.")),
    to: Type.Optional(TimeInput("To the end of the UTC day before this time; now by default.")),
    tenant_id: Type.Optional(Id("tenant")),
    project_id: Type.Optional(Id("project")),
    token_id: Type.Optional(Id("access token")),
  },
  { description: "Which usage to add up." },
);
export type UsageFilter = Static<typeof UsageFilter>;

const GroupId = (of: string) => Type.Optional(Type.Union([Id(of), Type.Null()]));
const GroupName = (of: string) =>
  Type.Optional(
    Type.Union([Type.String(), Type.Null()], { description: `Name of the ${of}; null: removed.` }),
  );

export const UsageRow = Type.Object(
  {
    tenant_id: GroupId("tenant"),
    tenant_name: GroupName("tenant"),
    project_id: GroupId("project; null: none"),
    project_name: GroupName("project"),
    token_id: GroupId("access token"),
    token_name: GroupName("access token"),
    provider_id: GroupId("provider"),
    provider: GroupName("provider"),
    model: Type.Optional(Type.String({ description: "The upstream's name of the model." })),
    day: Type.Optional(Type.String({ description: "UTC day, such as 2026-01-31." })),
    requests: Type.Integer({ description: "Requests that were sent to a provider." }),
    attempts: Type.Integer({ description: "Upstream calls, retries included." }),
    input_tokens: Type.Integer(),
    output_tokens: Type.Integer(),
    cached_input_tokens: Type.Integer({ description: "Part of the input tokens." }),
    reasoning_tokens: Type.Integer({ description: "Part of the output tokens." }),
    cost_usd: Usd("What they cost."),
  },
  { description: "Only the members that were grouped by, and the sums." },
);
export type UsageRow = Static<typeof UsageRow>;

export const Usage = Type.Object(
  {
    from: Time("Start of the first day that counts."),
    to: Time("End of the last day that counts."),
    data: Type.Array(UsageRow),
  },
  { description: "Usage per group." },
);
export type Usage = Static<typeof Usage>;
