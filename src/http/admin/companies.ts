/** `/api/v1/companies`. */
import { Elysia } from "elysia";
import type { Admin } from "../../admin/admin.ts";
import { allow } from "../../admin/refusal.ts";
import { noBody } from "./body.ts";
import { answerOf } from "./describe.ts";
import { pageExample } from "./examples.ts";
import { type AdminHttp, operation } from "./operation.ts";
import { NO_QUERY } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"CompanyPage">["data"][number] = {
  id: "azure",
  name: "Azure OpenAI",
  dialect: "openai",
  base_url: "https://{resource}.openai.azure.com/openai/v1",
  parameters: [{ name: "resource", description: "Name of the Azure resource.", default: null }],
  authentication: { kind: "header", name: "api-key", scope: null },
  needs_credential: true,
  local: false,
  surfaces: ["chat", "embeddings"],
  quirks: {
    output_cap_member: "max_completion_tokens",
    repeats_text: false,
    ends_with_finish: false,
    tells_usage_unasked: false,
    keeps_batch_files_only: false,
    thinks_beyond_limit: false,
    sound_seconds_least: 0,
  },
  reference: "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/latest",
  reference_seen_on: "2026-11-29",
};

export function companyRoutes(http: AdminHttp, admin: Admin) {
  const list = operation(
    http,
    {
      id: "list_companies",
      tag: "companies",
      summary: "List the companies that Tollgate knows",
      description:
        "A provider that names one as its `company` needs its credential, its parameters where it has any, and nothing else. All of them come on one page.",
      idOf: null,
      query: NO_QUERY,
      body: noBody,
      answer: answerOf(200, "CompanyPage", "Every company.", pageExample(example)),
      refusals: [],
    },
    () => Promise.resolve(allow(admin.companies())),
  );
  return new Elysia({ prefix: "/companies" }).get("", list.handle, list.hooks);
}
