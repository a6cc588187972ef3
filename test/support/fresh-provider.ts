/**
 * A provider with an actor that remembers nothing: no breaker, no cooldown, no slots. An edit keeps
 * the actor, so the provider is taken out and put in again.
 */
import type { ProviderRow } from "../../src/store/contract.ts";
import type { TestGateway } from "./gateway.ts";

export async function freshProvider(tollgate: TestGateway, row: ProviderRow): Promise<void> {
  const { directory } = tollgate.gateway;
  await directory.changed("providers", row.id, null);
  await directory.changed("providers", row.id, row);
}
