/** What the store is asked about what providers keep for tenants. */
import type * as schema from "../../drizzle/schema.ts";

export type ObjectRow = typeof schema.objects.$inferSelect;

/** One that was made just now; the store counts it. */
export type NewObject = Omit<ObjectRow, "number">;

/** A page of what a tenant has of one kind, in the order in which it was made. */
export type ObjectQuery = Pick<ObjectRow, "tenantId" | "kind"> & {
  /** Behind this one, in the order asked for; null: from its begin. */
  readonly afterId: string | null;
  readonly isOldestFirst: boolean;
  /** Value of the member `purpose` in their details; null: any. */
  readonly purpose: string | null;
  readonly rowsMax: number;
  readonly nowMs: number;
};

export type ObjectRef = Pick<ObjectRow, "tenantId" | "id">;

export type ObjectStep =
  | { readonly do: "note"; readonly object: NewObject }
  | ({ readonly do: "forget" } & ObjectRef);
