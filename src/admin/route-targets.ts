/** One target of a route: as it comes in, as it is kept, as it is shown. */
import type { RouteRow } from "../store/contract.ts";
import type { Route, RouteInput } from "./shapes/route.ts";
import { named } from "./write.ts";

type RouteTarget = RouteRow["targets"][number];
type Condition = NonNullable<RouteTarget["when"]>;
type TargetInput = RouteInput["targets"][number];

export function readTarget(providerId: string, input: TargetInput): RouteTarget {
  const { use, percent, when, continues } = input;
  return {
    providerId,
    model: input.model,
    weight: input.weight ?? 1,
    priority: input.priority ?? 0,
    ...(use !== undefined && use !== "serve" && { use }),
    ...(percent && { percent }),
    ...(when && { when: readCondition(when) }),
    ...(continues && { continues }),
  };
}

function readCondition(input: NonNullable<TargetInput["when"]>): Condition {
  const { header } = input;
  return named<Condition>({
    tags: input.tags,
    header: header && { name: header.name.toLowerCase(), value: header.value },
    inputTokensMin: input.input_tokens_min,
    inputTokensMax: input.input_tokens_max,
    modalities: input.modalities,
    tools: input.tools,
  });
}

export function showTarget(provider: string, target: RouteTarget): Route["targets"][number] {
  const { model, weight, priority, use = "serve", percent, when, continues } = target;
  return {
    provider,
    model,
    weight,
    priority,
    use,
    percent: percent ?? null,
    when: when === undefined ? null : showCondition(when),
    continues: continues ?? null,
  };
}

function showCondition(when: Condition): NonNullable<Route["targets"][number]["when"]> {
  const { tags, header, inputTokensMin, inputTokensMax, modalities, tools } = when;
  return {
    ...(tags && { tags: [...tags] }),
    ...(header && { header: { ...header } }),
    ...(inputTokensMin !== undefined && { input_tokens_min: inputTokensMin }),
    ...(inputTokensMax !== undefined && { input_tokens_max: inputTokensMax }),
    ...(modalities && { modalities: [...modalities] }),
    ...(tools !== undefined && { tools }),
  };
}
