/** The table of each noun that operators configure. */
import {
  budgets,
  credits,
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
  credits,
} as const satisfies Record<Noun, unknown>;
