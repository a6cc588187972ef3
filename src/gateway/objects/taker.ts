/**
 * Who is to keep what is of no model, where the client named none either: the one provider that keeps such
 * things. Which of several would be a guess that later requests could not be served by.
 */
import { allow, refuse, type Verdict } from "../../base/verdict.ts";
import type { ClientRequest } from "../../dialects/contract.ts";
import type { Principal } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { FREE_PRICE } from "../prices/price.ts";
import type { Resolved } from "../resolve.ts";

const HOW = "say with the header x-tollgate-model for which model it is";

export function onlyTaker(
  { directory }: Pick<Gateway, "directory">,
  { token }: Principal,
  { surface }: ClientRequest,
): Verdict<Resolved> {
  if (token.allowedModels !== null) {
    return refuse("invalid_request", `This access token is for certain models: ${HOW}.`, {
      param: "x-tollgate-model",
    });
  }
  // A file for batches is for the model of its lines, and never comes here.
  const takers = [...directory.providers()].filter(
    ({ row, surfaces, quirks }) =>
      row.enabled && !row.simulated && surfaces.has(surface) && !quirks.keepsBatchFilesOnly,
  );
  const [provider, second] = takers;
  if (provider === undefined) {
    const message = `No provider is asked for ${surface} that are for no model: ${HOW}.`;
    return refuse("model_not_found", message, { param: "x-tollgate-model" });
  }
  if (second !== undefined) {
    return refuse("invalid_request", `Several providers could keep it: ${HOW}.`, {
      param: "x-tollgate-model",
    });
  }
  const lanes = provider.lanesFor("");
  return allow({
    route: "",
    routeId: null,
    strategy: "priority",
    terms: {},
    candidates: lanes.map((lane) => {
      return { provider, lane, target: null, model: "", price: FREE_PRICE };
    }),
    fallbacks: { context_window: [], content_filter: [] },
    shadows: [],
    disabled: [],
    unpriced: [],
  });
}
