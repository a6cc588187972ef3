/** Batches of requests, as the OpenAPI document describes them. */
import type { DocumentDecoration } from "elysia";
import { askedHeaders, client } from "./describe.ts";
import { answered, idParameter, listed, keptRefusals, queryParameter } from "./describe-kept.ts";

const text = { type: "string" as const };
const object = { type: "object" as const };

const BATCH_ID = "batch_abc123";
const ASKED = {
  input_file_id: "file-abc123",
  endpoint: "/v1/chat/completions",
  completion_window: "24h",
};
const BATCH = {
  id: BATCH_ID,
  object: "batch",
  ...ASKED,
  status: "in_progress",
  output_file_id: null,
  error_file_id: null,
  created_at: 1_763_631_000,
  request_counts: { total: 100, completed: 12, failed: 0 },
};

const id = idParameter("batch", BATCH_ID);

export const batchCreateDetail: DocumentDecoration = {
  ...client("create_batch", "Have the requests of a file answered later"),
  description:
    "The file must have been uploaded with the purpose batch. Its provider answers within the window; the most that all lines can cost together is held until it has; then each answer is charged at the price of batches, whether or not anybody asks for it.",
  parameters: askedHeaders(),
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: {
          ...object,
          required: ["input_file_id", "endpoint", "completion_window"],
          properties: {
            input_file_id: { ...text, description: "Id of the file." },
            endpoint: { ...text, description: "Where all of its lines go." },
            completion_window: { ...text, description: "As `24h`." },
          },
        },
        example: ASKED,
      },
    },
  },
  responses: { 200: answered("The batch as it has begun.", BATCH), ...keptRefusals() },
};

export const batchListDetail: DocumentDecoration = {
  ...client("list_batches", "List the batches of the tenant"),
  description: "From Tollgate's own book, newest first: each as it was told last.",
  parameters: [
    queryParameter("after", "Id of the last batch that came."),
    queryParameter("limit", "How many at most: 20, or up to 100."),
  ],
  responses: listed(BATCH),
};

export const batchDetail: DocumentDecoration = {
  ...client("get_batch", "Show a batch"),
  description:
    "Asked of the provider that works on it; costs nothing. The files that came of it are the tenant's from then on.",
  parameters: [id],
  responses: {
    200: answered("The batch as it is now.", {
      ...BATCH,
      status: "completed",
      output_file_id: "file-def456",
      request_counts: { total: 100, completed: 100, failed: 0 },
    }),
    ...keptRefusals(),
  },
};

export const batchCancelDetail: DocumentDecoration = {
  ...client("cancel_batch", "Stop a batch"),
  description: "What has been answered until it stops is paid.",
  parameters: [id],
  responses: {
    200: answered("The batch as it is now.", { ...BATCH, status: "cancelling" }),
    ...keptRefusals(),
  },
};
