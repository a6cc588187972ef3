/** Providers by name or id as operators write them, and names for the ids that rows hold. */
import type { NamedNoun, ProviderRow, Store } from "../store/contract.ts";

/** By id or by name; null when there is no such provider. */
export async function providerNamed(store: Store, reference: string): Promise<ProviderRow | null> {
  if (reference.startsWith("prv_")) return store.get("providers", reference);
  const page = await store.page("providers", { name: reference }, { limit: 1, cursor: null });
  return page.rows[0] ?? null;
}

/** Names by id; what was removed since is not in it. */
export async function namesOf(
  store: Store,
  noun: NamedNoun,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, string>> {
  const asked = new Set(ids);
  return asked.size === 0 ? new Map() : store.names(noun, [...asked]);
}
