/** What the store is asked about what providers keep for tenants. */
import type * as schema from "../../drizzle/schema.ts";

export type ObjectRow = typeof schema.objects.$inferSelect;

/** One that was made just now; the store counts it. */
export type NewObject = Omit<ObjectRow, "number">;

export type ObjectRef = Pick<ObjectRow, "tenantId" | "id">;

export type ObjectStep =
  | { readonly do: "note"; readonly object: NewObject }
  | ({ readonly do: "forget" } & ObjectRef);
