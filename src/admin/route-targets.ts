/** Targets of a route: as they come in, what of them could not be meant, as they are kept and shown. */
import type { RouteRow } from "../store/contract.ts";
import { type AdminRefused, refuse } from "./refusal.ts";
import type { Route, RouteInput } from "./shapes/route.ts";
import { named } from "./write.ts";

type RouteTarget = RouteRow["targets"][number];
type Condition = NonNullable<RouteTarget["when"]>;
type TargetInput = RouteInput["targets"][number];

/** What each member allows alone but together is for no request; null: nothing. */
export function refusalOfTargets(inputs: readonly TargetInput[]): AdminRefused | null {
  let canariesPercent = 0;
  for (const [place, { use = "serve", percent, when }] of inputs.entries()) {
    const { input_tokens_min: min = 0, input_tokens_max: max = Infinity } = when ?? {};
    if (min > max) {
      return refusal(place, "when.input_tokens_max", " must be at least input_tokens_min.");
    }
    if (!percent || use === "shadow") continue;
    if (use !== "serve") return refusal(place, "percent", " goes with use serve or shadow.");
    // Those with conditions may be for different requests.
    if (!when) canariesPercent += percent;
    if (canariesPercent > 100) {
      const sum = `: the canaries' shares may be 100 together, these are ${canariesPercent}.`;
      return refusal(place, "percent", sum);
    }
  }
  return null;
}

function refusal(place: number, member: string, says: string): AdminRefused {
  const name = `targets.${place}.${member}`;
  return refuse("invalid_request", name + says, `/${name.replaceAll(".", "/")}`);
}

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
