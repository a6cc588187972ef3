/** `/api/v1/jobs`: batches and background responses that have not ended. */
import { Elysia } from "elysia";
import type { Admin } from "../../admin/admin.ts";
import { JobFilter } from "../../admin/shapes/job.ts";
import { noBody, optionalBody } from "./body.ts";
import { answerOf } from "./describe.ts";
import { pageExample, PROJECT_ID, PROVIDER_ID, TENANT_ID, TOKEN_ID } from "./examples.ts";
import { type AdminHttp, operation } from "./operation.ts";
import { NO_QUERY } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Job"> = {
  id: "att_019ab3f156e98f27c698304152637485",
  request_id: "req_019ab3f145d87e16b587293041526374",
  kind: "batch",
  object_id: "batch_692ea1",
  tenant_id: TENANT_ID,
  project_id: PROJECT_ID,
  token_id: TOKEN_ID,
  end_user: null,
  route: "gpt-5-mini",
  model: "gpt-5-mini",
  provider_id: PROVIDER_ID,
  provider: "openai",
  lines: 1_200,
  held_usd: "3.8412",
  begun_at: "2026-11-20T09:31:02.114Z",
  last_look: {
    at: "2026-11-20T11:05:44.020Z",
    said: "unheard",
    why: "provider_disabled",
  },
  next_look_at: "2026-11-20T11:15:44.020Z",
  given_up_at: "2026-11-23T09:31:02.114Z",
};

const ended: Shape<"EndedJob"> = {
  id: example.id,
  request_id: example.request_id,
  held_usd: example.held_usd,
  cost_usd: "0.00",
};

export function jobRoutes(http: AdminHttp, { jobs }: Admin) {
  const idOf = { one: "job's attempt", example: example.id };
  const list = operation(
    http,
    {
      id: "list_jobs",
      tag: "jobs",
      summary: "List jobs that have not ended, newest first",
      description:
        "Money is held for each until its provider tells that it has ended; Tollgate asks from time to time, and shows what it was told last.",
      idOf: null,
      query: JobFilter,
      body: noBody,
      answer: answerOf(200, "JobPage", "A page of open jobs.", pageExample(example)),
      refusals: [400],
    },
    ({ query }) => jobs.list(query),
  );
  const get = operation(
    http,
    {
      id: "get_job",
      tag: "jobs",
      summary: "Show a job that has not ended",
      idOf,
      query: NO_QUERY,
      body: noBody,
      answer: answerOf(200, "Job", "The job.", example),
      refusals: [400, 404],
    },
    ({ id }) => jobs.get(id),
  );
  const end = operation(
    http,
    {
      id: "end_job",
      tag: "jobs",
      summary: "End a job that will never be heard of again",
      description:
        "It is charged all that is held for it, or less, as an estimate, and never asked for again; its provider is told nothing. 409 when it has ended meanwhile.",
      idOf,
      query: NO_QUERY,
      body: optionalBody("JobEnding", { amount_usd: "0.00", note: "The account was closed." }),
      answer: answerOf(200, "EndedJob", "What it cost.", ended),
      refusals: [400, 404, 409, 422],
    },
    ({ id, body }) => jobs.end(id, body),
  );
  return new Elysia({ prefix: "/jobs" })
    .get("", list.handle, list.hooks)
    .get("/:id", get.handle, get.hooks)
    .post("/:id/end", end.handle, end.hooks);
}
