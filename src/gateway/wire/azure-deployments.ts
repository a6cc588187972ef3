/**
 * Azure OpenAI before its v1 API: the deployment is in the path, and every request asks for a version
 * (learn.microsoft.com/azure/ai-foundry/openai/reference, 2026-11). Bodies are OpenAI's own.
 */
import { companyById } from "../../providers/companies.ts";
import { segment, type Wire } from "./wire.ts";

const STANDARD_VERSION =
  companyById("azure-deployments")?.parameters.find(({ name }) => name === "api_version")
    ?.standard ?? "";

export const azureDeployments: Wire = {
  put: ({ row, model, path, query, headers, body }) => {
    const version = row.terms.parameters?.["api_version"] ?? STANDARD_VERSION;
    const asked = new URLSearchParams(query);
    // Whatever version the client's own library was made for.
    asked.set("api-version", version);
    return {
      path: `/deployments/${segment(model)}${path}`,
      query: `?${asked.toString()}`,
      headers,
      body,
    };
  },
};
