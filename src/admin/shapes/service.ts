/** Shapes of how requests are served: the strategy that orders targets, and who goes first. */
import { oneOf } from "./members.ts";

export const Strategy = oneOf(
  ["priority", "weighted", "fastest", "cheapest", "reliable", "least_busy"],
  {
    description:
      "How targets are ordered: priority by the operator's numbers; weighted by chance; fastest by the time to the first token; cheapest by what this request would cost; reliable by failures; least_busy by attempts under way.",
  },
);

export const PriorityClass = oneOf(["interactive", "default", "batch"], {
  description:
    "Who goes first when not everybody can be served. A request may lower it by `x-tollgate-priority`.",
});
