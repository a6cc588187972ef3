/** Every wire by its name in the catalogue of companies: the only place where such a name becomes code. */
import { companyById } from "../../providers/companies.ts";
import type { WireName } from "../../providers/company.ts";
import type { ProviderRow } from "../../store/contract.ts";
import { azureDeployments } from "./azure-deployments.ts";
import { bedrockInvoke } from "./bedrock-invoke.ts";
import { vertexAnthropic } from "./vertex-anthropic.ts";
import type { Wire } from "./wire.ts";

const WIRES: Readonly<Record<WireName, Wire>> = {
  azure_deployments: azureDeployments,
  bedrock_invoke: bedrockInvoke,
  vertex_anthropic: vertexAnthropic,
};

/** null: requests are put as their dialect puts them. */
export function wireOf({ terms: { company } }: ProviderRow): Wire | null {
  const name = company === undefined ? null : (companyById(company)?.wire ?? null);
  return name === null ? null : WIRES[name];
}
