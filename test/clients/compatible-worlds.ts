/**
 * Where clients of companies that speak OpenAI's language can be pointed: such a company itself, and
 * Tollgate in front of it, where a provider is its row of the catalogue and nothing else. A client must
 * not see the difference, and what it costs is booked to the nano-dollar.
 */
import { afterAll, beforeEach } from "bun:test";
import { companyById } from "../../src/providers/companies.ts";
import type { PriceRow, ProviderRow } from "../../src/store/contract.ts";
import { CREDENTIAL } from "../conformance/stage.ts";
import { type RecordedUpstream, startRecordedUpstream } from "../conformance/recorded-upstream.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { expectAtRest } from "./worlds.ts";

export type CompatibleWorld = {
  readonly name: "directly" | "through Tollgate";
  readonly baseUrlOf: (company: string) => string;
  readonly apiKey: string;
  /** What clients call a company's model by. */
  readonly nameOf: (model: string) => string;
  readonly upstream: RecordedUpstream;
};

/** A model of a company, and what it costs. */
export type Served = {
  readonly id: string;
  readonly model: string;
  readonly price: Partial<PriceRow>;
};

export type CompatibleWorlds = {
  readonly tollgate: TestGateway;
  readonly tenantId: string;
  /** For `describe.each`. */
  readonly each: readonly (readonly [CompatibleWorld["name"], CompatibleWorld])[];
};

/** Started once per test file; at its end nothing is held, and what was spent is what the requests cost. */
export async function compatibleWorldsForFile(
  served: readonly Served[],
): Promise<CompatibleWorlds> {
  const upstream = await startRecordedUpstream();
  const tollgate = await startTestGateway();
  const tenantId = (await tollgate.addTenant()).id;
  const { token } = await tollgate.addToken(tenantId);
  const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 5_000_000_000_000 });
  const providers = new Map<string, ProviderRow>();
  for (const { id, model, price } of served) {
    const provider = providers.get(id) ?? (await addCompany(tollgate, upstream, id));
    providers.set(id, provider);
    await tollgate.addPrice(provider.id, model, { outputPicoUsd: 0, ...price });
    const target = { providerId: provider.id, model, weight: 1, priority: 0 };
    await tollgate.addRoute(publicName(model), [target]);
  }
  beforeEach(async () => {
    upstream.forget();
    // Fresh breakers and no cooldown: failures of one test say nothing about the next.
    for (const provider of providers.values()) await freshProvider(tollgate, provider);
  });
  afterAll(async () => {
    await expectAtRest(tollgate, tenantId);
    await tollgate.stop();
    await upstream.stop();
  });
  const direct: CompatibleWorld = {
    name: "directly",
    baseUrlOf: (company) => `${upstream.url}${pathOf(company)}`,
    apiKey: CREDENTIAL,
    nameOf: (model) => model,
    upstream,
  };
  const through: CompatibleWorld = {
    name: "through Tollgate",
    baseUrlOf: () => `${tollgate.url}/v1`,
    apiKey: token,
    nameOf: publicName,
    upstream,
  };
  return { tollgate, tenantId, each: [direct, through].map((world) => [world.name, world]) };
}

async function addCompany(
  tollgate: TestGateway,
  upstream: RecordedUpstream,
  company: string,
): Promise<ProviderRow> {
  return tollgate.addProvider({
    name: company,
    baseUrl: `${upstream.url}${pathOf(company)}`,
    credentialSealed: CREDENTIAL,
    terms: { company },
  });
}

/** Where its API begins on its host. */
function pathOf(company: string): string {
  const { pathname } = new URL(companyById(company)?.baseUrl ?? "");
  return pathname === "/" ? "" : pathname;
}

function publicName(model: string): string {
  return `public-${model}`;
}
