/** What a tenant or an access token asks for where a request does not: strategy and priority class. */
import type { TenantRow } from "../store/contract.ts";

type ServiceTerms = TenantRow["terms"];

/** Members as the API names them; null clears. */
type ServiceMembers = {
  readonly strategy?: ServiceTerms["strategy"] | null;
  readonly priority_class?: ServiceTerms["priorityClass"] | null;
};

/** The terms after an edit; undefined when it names none of them. */
export function serviceTerms(
  current: ServiceTerms,
  { strategy, priority_class: priorityClass }: ServiceMembers,
): ServiceTerms | undefined {
  if (strategy === undefined && priorityClass === undefined) return undefined;
  const kept = {
    strategy: strategy === undefined ? current.strategy : strategy,
    priorityClass: priorityClass === undefined ? current.priorityClass : priorityClass,
  };
  return {
    ...(kept.strategy && { strategy: kept.strategy }),
    ...(kept.priorityClass && { priorityClass: kept.priorityClass }),
  };
}
