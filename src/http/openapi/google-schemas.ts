/**
 * Shapes of the client API in Google's dialect for the document alone: enough to read and to try it out.
 * Members that are not listed are passed on as they are.
 */

type Json = Readonly<Record<string, unknown>>;

export type GoogleSchemaName =
  | "GenerateContentRequest"
  | "GenerateContentResponse"
  | "CountContentTokensRequest"
  | "ContentTokenCount"
  | "EmbedContentRequest"
  | "ContentEmbedding"
  | "BatchEmbedContentsRequest"
  | "ContentEmbeddings"
  | "GoogleModel"
  | "GoogleModelList"
  | "GoogleError";

const count = { type: "integer" };
const passedOn = "As in Google's API; members that are not listed are passed on as they are.";
const providersOwn = "The provider's own answer.";

function open(description: string, properties: Json, required: readonly string[] = []): Json {
  return { type: "object", required, additionalProperties: true, description, properties };
}

const content: Json = open("Parts of one turn.", {
  role: { type: "string", description: "`user` or `model`." },
  parts: { type: "array", items: { type: "object", additionalProperties: true } },
});
const contents: Json = { type: "array", items: content };
const usageMetadata: Json = open("Model tokens, as the provider counted them.", {
  promptTokenCount: count,
  candidatesTokenCount: count,
  thoughtsTokenCount: count,
  totalTokenCount: count,
});
const model = { type: "string", description: "The path's model, where it is repeated." };
const embedding: Json = open("One vector.", {
  values: { type: "array", items: { type: "number" } },
});
const embedded: Json = open(passedOn, { model, content }, ["content"]);

const named: Json = open("What can be called.", {
  name: { type: "string", description: "`models/` and the public name." },
  displayName: { type: "string" },
  supportedGenerationMethods: {
    type: "array",
    items: { type: "string" },
    description: "What can be asked here; which of it the model can, its provider says.",
  },
});

export const GOOGLE_SCHEMAS: Readonly<Record<GoogleSchemaName, Json>> = {
  GenerateContentRequest: open(
    passedOn,
    {
      contents,
      systemInstruction: content,
      tools: { type: "array", items: { type: "object", additionalProperties: true } },
      generationConfig: open("How it is generated.", {
        maxOutputTokens: {
          type: "integer",
          description: "Bounds the worst case that is held; without it the output may be capped.",
        },
        candidateCount: count,
        responseModalities: { type: "array", items: { type: "string" } },
      }),
    },
    ["contents"],
  ),
  GenerateContentResponse: open(providersOwn, {
    candidates: { type: "array", items: { type: "object", additionalProperties: true } },
    promptFeedback: { type: "object", additionalProperties: true },
    usageMetadata,
    modelVersion: { type: "string" },
    responseId: { type: "string" },
  }),
  CountContentTokensRequest: open(passedOn, {
    contents,
    generateContentRequest: { $ref: "#/components/schemas/GenerateContentRequest" },
  }),
  ContentTokenCount: open(providersOwn, { totalTokens: count }),
  EmbedContentRequest: embedded,
  ContentEmbedding: open(providersOwn, { embedding }),
  BatchEmbedContentsRequest: open(passedOn, { requests: { type: "array", items: embedded } }, [
    "requests",
  ]),
  ContentEmbeddings: open(providersOwn, { embeddings: { type: "array", items: embedding } }),
  GoogleModel: named,
  GoogleModelList: open("A page of them.", {
    models: { type: "array", items: named },
    nextPageToken: { type: "string", description: "Where the next page begins, if there is one." },
  }),
  GoogleError: open(
    "What went wrong, as Google's clients read it; streams that are arrays are refused by an array.",
    {
      error: open("google.rpc.Status.", {
        code: count,
        message: { type: "string" },
        status: { type: "string" },
        details: { type: "array", items: { type: "object", additionalProperties: true } },
      }),
    },
    ["error"],
  ),
};
