/**
 * Where a request to be explained is asked. A body does not tell: an input alone is one of several
 * surfaces, and messages are of two wire languages.
 */
import { allow, refuse, type Verdict } from "../../base/verdict.ts";
import { codecOf } from "../../dialects/catalogue.ts";
import { accessOf, type Surface, SURFACE_NAMES } from "../../dialects/surfaces.ts";
import type { ExplainAsk } from "./explained.ts";

/** Whose bodies can be shown as JSON, say all that is asked for, and are of a model that a route can be for. */
const EXPLAINED = SURFACE_NAMES.filter((surface) => {
  const { form, modelInHeader, ofFile } = codecOf(surface);
  const isSaid = form === undefined && ofFile === undefined && modelInHeader !== true;
  return accessOf(surface) === "exchange" && isSaid;
});

/** Refuses with `invalid_request` what is not among them. */
export function surfaceAsked({ surface, body }: ExplainAsk): Verdict<Surface> {
  if (surface === null) return allow(surfaceUnsaid(body));
  const known = EXPLAINED.find((one) => one === surface);
  if (known !== undefined) return allow(known);
  const quoted = JSON.stringify(surface);
  const message = `surface cannot be ${quoted}: it must be one of ${EXPLAINED.join(", ")}.`;
  return refuse("invalid_request", message, { param: "surface" });
}

/** Requests for embeddings were explained before a surface could be named, by what chats never have. */
function surfaceUnsaid(body: ExplainAsk["body"]): Surface {
  return body["input"] !== undefined && body["messages"] === undefined ? "embeddings" : "chat";
}
