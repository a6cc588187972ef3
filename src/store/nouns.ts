/** The table of each noun that operators configure. */
import {
  budgets,
  limits,
  prices,
  projects,
  providers,
  routes,
  tenants,
  tokens,
} from "../../drizzle/schema.ts";
import type { Noun } from "./contract.ts";

export const NOUN_TABLES = {
  tenants,
  projects,
  tokens,
  providers,
  routes,
  prices,
  budgets,
  limits,
} as const satisfies Record<Noun, unknown>;
