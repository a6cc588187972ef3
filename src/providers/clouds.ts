/**
 * Clouds, whose addresses name a resource, a region or a project, and who authenticate in ways of their
 * own. Where one serves several languages or takes several credentials, each is a row.
 */
import { anthropicApi, company, type Company, type Parameter } from "./company.ts";

const AZURE_RESOURCE: Parameter = {
  name: "resource",
  description: "Name of the Azure resource, the first part of its host name.",
  standard: null,
};
const AZURE_API_VERSION: Parameter = {
  name: "api_version",
  description: "The `api-version` that requests ask for.",
  // The first that is no preview and takes `stream_options` (griptape issue 1640, 2025-02).
  standard: "2024-10-21",
};
const AWS_REGION: Parameter = {
  name: "region",
  description: "AWS region, such as us-east-1.",
  standard: null,
};
const DATABRICKS_WORKSPACE: Parameter = {
  name: "workspace",
  description: "The workspace, the first part of its host name.",
  standard: null,
};
const SNOWFLAKE_ACCOUNT: Parameter = {
  name: "account",
  description: "Identifier of the Snowflake account, the first part of its host name.",
  standard: null,
};
const GOOGLE_PROJECT: Parameter = {
  name: "project",
  description: "Id of the Google Cloud project.",
  standard: null,
};
const GOOGLE_REGION: Parameter = {
  name: "region",
  description: "Google Cloud region, such as europe-west1.",
  standard: null,
};

const AWS = { kind: "aws_sigv4", service: "bedrock" } as const;
const AZURE_KEY = { kind: "header", name: "api-key" } as const;
const AZURE_ENTRA = {
  kind: "azure_entra",
  scope: "https://cognitiveservices.azure.com/.default",
} as const;
const GOOGLE = {
  kind: "google_service_account",
  scope: "https://www.googleapis.com/auth/cloud-platform",
} as const;

/** Vertex AI embeds by a method of its own. */
const OF_GEMINI = ["generate_content", "stream_generate_content", "count_content_tokens"] as const;

/**
 * `stream_options` is an unknown member there and answers 400 (continuedev/continue issue 12936, 2026-07).
 * Answers report usage; where a stream does not, it is counted.
 */
const DATABRICKS = {
  parameters: [DATABRICKS_WORKSPACE],
  surfaces: ["chat", "embeddings", "responses"],
  quirks: { tellsUsageUnasked: true },
} as const;

/** The models are OpenAI's, so that what is said of its output limit holds here too. */
const OF_OPENAI = { outputCapMember: "max_completion_tokens" } as const;

const VERTEX =
  "https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}";
const VERTEX_GLOBAL = "https://aiplatform.googleapis.com/v1/projects/{project}/locations/global";

export const CLOUDS: readonly Company[] = [
  company({
    id: "azure",
    displayName: "Azure OpenAI",
    baseUrl: "https://{resource}.openai.azure.com/openai/v1",
    parameters: [AZURE_RESOURCE],
    authentication: AZURE_KEY,
    surfaces: "all",
    quirks: OF_OPENAI,
    reference: "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/latest",
  }),
  company({
    id: "azure-entra",
    displayName: "Azure OpenAI with Microsoft Entra",
    baseUrl: "https://{resource}.openai.azure.com/openai/v1",
    parameters: [AZURE_RESOURCE],
    authentication: AZURE_ENTRA,
    surfaces: "all",
    quirks: OF_OPENAI,
    reference: "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/latest",
  }),
  company({
    id: "azure-deployments",
    displayName: "Azure OpenAI, deployments with an api-version",
    baseUrl: "https://{resource}.openai.azure.com/openai",
    parameters: [AZURE_RESOURCE, AZURE_API_VERSION],
    authentication: AZURE_KEY,
    surfaces: [
      "chat",
      "completions",
      "embeddings",
      "image_edits",
      "image_generations",
      "speech",
      "transcriptions",
      "translations",
    ],
    wire: "azure_deployments",
    quirks: OF_OPENAI,
    reference: "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference",
  }),
  company({
    id: "azure-anthropic",
    displayName: "Claude in Microsoft Foundry",
    dialect: "anthropic",
    baseUrl: "https://{resource}.services.ai.azure.com/anthropic/v1",
    parameters: [AZURE_RESOURCE],
    authentication: { kind: "header", name: "x-api-key" },
    surfaces: ["messages", "count_tokens"],
    reference: "https://docs.claude.com/en/docs/build-with-claude/claude-in-microsoft-foundry",
  }),
  company({
    id: "bedrock",
    displayName: "Claude on Amazon Bedrock",
    dialect: "anthropic",
    baseUrl: "https://bedrock-runtime.{region}.amazonaws.com",
    parameters: [AWS_REGION],
    authentication: AWS,
    surfaces: ["messages"],
    wire: "bedrock_invoke",
    reference:
      "https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html",
  }),
  company({
    id: "bedrock-messages",
    displayName: "Claude on Amazon Bedrock, Anthropic's API with an API key",
    dialect: "anthropic",
    baseUrl: "https://bedrock-runtime.{region}.amazonaws.com/anthropic/v1",
    parameters: [AWS_REGION],
    surfaces: ["messages"],
    reference: "https://docs.aws.amazon.com/bedrock/latest/userguide/inference-messages-api.html",
  }),
  company({
    id: "bedrock-openai",
    displayName: "Amazon Bedrock, OpenAI's API with an API key",
    baseUrl: "https://bedrock-runtime.{region}.amazonaws.com/openai/v1",
    parameters: [AWS_REGION],
    surfaces: ["chat", "responses"],
    reference:
      "https://docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions.html",
  }),
  company({
    id: "bedrock-mantle",
    displayName: "Amazon Bedrock Mantle, OpenAI's API with an API key",
    // A few models are at /openai/v1 instead (Bedrock's table of models, 2026-11).
    baseUrl: "https://bedrock-mantle.{region}.api.aws/v1",
    parameters: [AWS_REGION],
    surfaces: ["chat", "responses"],
    reference: "https://docs.aws.amazon.com/bedrock/latest/userguide/inference-responses-api.html",
  }),
  anthropicApi({
    id: "bedrock-mantle-messages",
    displayName: "Amazon Bedrock Mantle, Anthropic's API with an API key",
    baseUrl: "https://bedrock-mantle.{region}.api.aws/anthropic/v1",
    parameters: [AWS_REGION],
    reference: "https://docs.aws.amazon.com/bedrock/latest/userguide/inference-messages-api.html",
  }),
  company({
    id: "vertex",
    displayName: "Gemini on Vertex AI",
    dialect: "google",
    baseUrl: `${VERTEX}/publishers/google`,
    parameters: [GOOGLE_PROJECT, GOOGLE_REGION],
    authentication: GOOGLE,
    surfaces: OF_GEMINI,
    reference: "https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference",
  }),
  company({
    id: "vertex-global",
    displayName: "Gemini on Vertex AI, global endpoint",
    dialect: "google",
    baseUrl: `${VERTEX_GLOBAL}/publishers/google`,
    parameters: [GOOGLE_PROJECT],
    authentication: GOOGLE,
    surfaces: OF_GEMINI,
    reference: "https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference",
  }),
  company({
    id: "vertex-anthropic",
    displayName: "Claude on Vertex AI",
    dialect: "anthropic",
    baseUrl: `${VERTEX}/publishers/anthropic`,
    parameters: [GOOGLE_PROJECT, GOOGLE_REGION],
    authentication: GOOGLE,
    surfaces: ["messages", "count_tokens"],
    wire: "vertex_anthropic",
    reference: "https://docs.claude.com/en/api/claude-on-vertex-ai",
  }),
  company({
    id: "vertex-anthropic-global",
    displayName: "Claude on Vertex AI, global endpoint",
    dialect: "anthropic",
    baseUrl: `${VERTEX_GLOBAL}/publishers/anthropic`,
    parameters: [GOOGLE_PROJECT],
    authentication: GOOGLE,
    surfaces: ["messages", "count_tokens"],
    wire: "vertex_anthropic",
    reference: "https://docs.claude.com/en/api/claude-on-vertex-ai",
  }),
  company({
    id: "vertex-openai",
    displayName: "Vertex AI, OpenAI's API",
    baseUrl: `${VERTEX}/endpoints/openapi`,
    parameters: [GOOGLE_PROJECT, GOOGLE_REGION],
    authentication: GOOGLE,
    reference: "https://cloud.google.com/vertex-ai/generative-ai/docs/migrate/openai/overview",
  }),
  company({
    id: "vertex-openai-global",
    displayName: "Vertex AI, OpenAI's API, global endpoint",
    baseUrl: `${VERTEX_GLOBAL}/endpoints/openapi`,
    parameters: [GOOGLE_PROJECT],
    authentication: GOOGLE,
    reference: "https://cloud.google.com/vertex-ai/generative-ai/docs/migrate/openai/overview",
  }),
  company({
    ...DATABRICKS,
    id: "databricks",
    displayName: "Databricks on AWS",
    baseUrl: "https://{workspace}.cloud.databricks.com/serving-endpoints",
    reference: "https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis",
  }),
  company({
    ...DATABRICKS,
    id: "databricks-azure",
    displayName: "Azure Databricks",
    baseUrl: "https://{workspace}.azuredatabricks.net/serving-endpoints",
    reference:
      "https://learn.microsoft.com/en-us/azure/databricks/machine-learning/foundation-model-apis",
  }),
  anthropicApi({
    id: "databricks-anthropic",
    displayName: "Claude on Databricks on AWS",
    baseUrl: "https://{workspace}.cloud.databricks.com/serving-endpoints/anthropic/v1",
    parameters: [DATABRICKS_WORKSPACE],
    reference:
      "https://docs.databricks.com/aws/en/machine-learning/model-serving/query-anthropic-messages",
  }),
  company({
    id: "snowflake",
    displayName: "Snowflake Cortex",
    baseUrl: "https://{account}.snowflakecomputing.com/api/v2/cortex/v1",
    parameters: [SNOWFLAKE_ACCOUNT],
    // As LiteLLM sends it; the reference's own list was not seen (2026-11).
    quirks: { outputCapMember: "max_completion_tokens" },
    reference: "https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api",
  }),
  anthropicApi({
    id: "snowflake-anthropic",
    displayName: "Claude on Snowflake Cortex",
    baseUrl: "https://{account}.snowflakecomputing.com/api/v2/cortex/v1",
    parameters: [SNOWFLAKE_ACCOUNT],
    reference: "https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api",
  }),
];
