/** In which priority class an exchange is served: what its tenant gives it, or what it asks for below that. */
import {
  lowerClass,
  PRIORITY_CLASSES,
  priorityClassOf,
  type PriorityClass,
} from "../../base/priority.ts";
import { allow, refuse, type Verdict } from "../../base/verdict.ts";
import type { Principal } from "../exchange.ts";

const HEADER = "x-tollgate-priority";

/** A header may lower what the access token, else its tenant, was given; it never raises it. */
export function priorityClassFor(
  { token, tenant }: Pick<Principal, "token" | "tenant">,
  headers: Headers,
): Verdict<PriorityClass> {
  const given = token.terms.priorityClass ?? tenant.terms.priorityClass ?? "default";
  const named = headers.get(HEADER);
  if (named === null) return allow(given);
  const asked = priorityClassOf(named);
  if (asked !== null) return allow(lowerClass(given, asked));
  const message = `${HEADER} must be one of ${PRIORITY_CLASSES.join(", ")}.`;
  return refuse("invalid_request", message, { param: HEADER });
}
