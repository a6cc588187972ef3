/** Files that providers keep, as the OpenAPI document describes them. */
import type { DocumentDecoration } from "elysia";
import { askedHeaders, client, EXCHANGE_HEADERS, exchangeRefusals, headersOf } from "./describe.ts";
import {
  answered,
  idParameter,
  listed,
  modelHeader,
  keptRefusals,
  queryParameter,
} from "./describe-kept.ts";

const text = { type: "string" as const };
const object = { type: "object" as const };

const FILE_ID = "file-abc123";
const FILE = {
  id: FILE_ID,
  object: "file",
  bytes: 120_000,
  created_at: 1_763_631_000,
  filename: "notes.pdf",
  purpose: "user_data",
  status: "processed",
};

const id = idParameter("file", FILE_ID);

export const fileCreateDetail: DocumentDecoration = {
  ...client("create_file", "Upload a file"),
  description:
    "The provider that serves the model in `x-tollgate-model` keeps it; without that header the only one that keeps files. One with the purpose `batch` holds requests, one a line, which are checked at once, all for one model and path: it goes to who serves that model. Costs nothing.",
  parameters: [...askedHeaders(), modelHeader("file")],
  requestBody: {
    required: true,
    content: {
      "multipart/form-data": {
        schema: {
          ...object,
          required: ["file", "purpose"],
          properties: {
            file: {
              ...text,
              format: "binary",
              description: "It is never held in memory as a whole.",
            },
            purpose: { ...text, description: "As `user_data`, `vision`, `assistants` or `batch`." },
          },
        },
      },
    },
  },
  responses: { 200: answered("The file as its provider keeps it.", FILE), ...exchangeRefusals() },
};

export const fileListDetail: DocumentDecoration = {
  ...client("list_files", "List the files of the tenant"),
  description:
    "From Tollgate's own book, newest first: what was uploaded through it, as it was told then.",
  parameters: [
    queryParameter("after", "Id of the last file that came."),
    queryParameter("limit", "How many at most."),
    queryParameter("order", "`asc` or `desc`."),
    queryParameter("purpose", "Only those of this purpose, among the next 10,000."),
  ],
  responses: listed(FILE),
};

export const fileDetail: DocumentDecoration = {
  ...client("get_file", "Show a file"),
  description: "Asked of the provider that keeps it; costs nothing.",
  parameters: [id],
  responses: { 200: answered("The file as it is now.", FILE), ...keptRefusals() },
};

export const fileDeleteDetail: DocumentDecoration = {
  ...client("delete_file", "Delete a file"),
  parameters: [id],
  responses: {
    200: answered("Its provider has deleted it, and Tollgate has forgotten it.", {
      id: FILE_ID,
      object: "file",
      deleted: true,
    }),
    ...keptRefusals(),
  },
};

export const fileContentDetail: DocumentDecoration = {
  ...client("get_file_content", "Download a file"),
  description: "Relayed as it comes, whatever its length.",
  parameters: [id],
  responses: {
    200: {
      description: "Its bytes.",
      headers: headersOf(EXCHANGE_HEADERS),
      content: { "application/octet-stream": { schema: { ...text, format: "binary" } } },
    },
    ...keptRefusals(),
  },
};
