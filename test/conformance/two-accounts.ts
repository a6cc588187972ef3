/** A provider with two accounts that keeps what each made apart, and a tenant that has made nothing. */
import type { ProviderRow } from "../../src/store/contract.ts";
import type { Seen } from "./recorded-upstream.ts";
import { type Stage, UPSTREAM_MODEL } from "./stage.ts";

/** Public name of the model whose route goes to either account. */
export const TWO_ACCOUNTS = "two-accounts";

export async function addTwoAccounts({
  tollgate,
  upstream,
}: Pick<Stage, "tollgate" | "upstream">): Promise<{
  readonly double: ProviderRow;
  /** An access token of another tenant. */
  readonly stranger: string;
}> {
  const double = await tollgate.addProvider({
    name: "double",
    baseUrl: `${upstream.url}/v1`,
    credentialSealed: "account-1",
    terms: { moreCredentialsSealed: ["account-2"] },
  });
  await tollgate.addPrice(double.id, UPSTREAM_MODEL, { inputPicoUsd: 1_000_000 });
  const target = { providerId: double.id, model: UPSTREAM_MODEL, weight: 1, priority: 0 };
  await tollgate.addRoute(TWO_ACCOUNTS, [target]);
  const stranger = (await tollgate.addToken((await tollgate.addTenant()).id)).token;
  return { double, stranger };
}

/** Which of the two a request was made with. */
export function accountOf(seen: Seen | null | undefined): string | undefined {
  return seen?.headers["authorization"];
}
