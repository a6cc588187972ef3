/** Jobs as operators see them: why money is held, and ending what will never be heard of again. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createAdmin } from "../../../src/admin/admin.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { formatUsd } from "../../../src/base/units.ts";
import type { Store } from "../../../src/store/contract.ts";
import { clockInHand, type ClockInHand, letPass } from "../../gateway/jobs/jobs-stage.ts";
import {
  type Recorded,
  type RecordedUpstream,
  startRecordedUpstream,
} from "../../conformance/recorded-upstream.ts";
import { response } from "../../conformance/responses-answers.ts";
import {
  type Answer,
  CREDENTIAL_KEY,
  startTestAdmin,
  type TestAdmin,
  TOKEN_PEPPER,
} from "../../support/admin.ts";
import { refusalOf } from "../../support/refusal.ts";
import { make, makeProvider, makeTenant } from "../../support/things.ts";
import { until } from "../../support/until.ts";

const MODEL = "slow-model";
const MINUTE_MS = 60_000;
const BATCH = { id: "batch_1", object: "batch", status: "in_progress", input_file_id: "file-in" };

let clock: ClockInHand;
let upstream: RecordedUpstream;
let api: TestAdmin;
let tenantId = "";
let tokenId = "";
let token = "";
let providerId = "";
let responses = 0;
/** What a job's provider says of it. */
let now: Recorded;

const background = (id: string, status: string, more: object = { usage: null }): string =>
  JSON.stringify(response([], { id, status, background: true, ...more }));

/** What it tells of 42 tokens, at a thousandth of a dollar each. */
const USED = { usage: { input_tokens: 30, output_tokens: 12, total_tokens: 42 } };

beforeEach(async () => {
  responses = 0;
  clock = clockInHand();
  upstream = await startRecordedUpstream();
  now = { pieces: [background("resp_1", "in_progress")] };
  upstream.answer(({ method, path }) => {
    if (path === "/v1/files") return { pieces: ['{"id":"file-in","object":"file"}'] };
    if (path === "/v1/batches") return { pieces: [JSON.stringify(BATCH)] };
    if (path.startsWith("/v1/batches")) return { pieces: [JSON.stringify(BATCH)] };
    if (method === "GET") return now;
    responses += 1;
    return { pieces: [background(`resp_${responses}`, "queued")] };
  });
  api = await startTestAdmin({ clock });
  const base = { base_url: `${upstream.url}/v1`, allow_private_network: true };
  providerId = (await makeProvider(api, { ...base, name: "recorded", credential: "secret" })).id;
  await make(api, "/prices", {
    provider: "recorded",
    model: MODEL,
    input_usd_per_million: "1000",
    output_usd_per_million: "1000",
    batch_multiplier: 0.5,
    output_tokens_max: 100,
    confirm_unusual: true,
  });
  await make(api, "/routes", { model: MODEL, targets: [{ provider: "recorded", model: MODEL }] });
  tenantId = (await makeTenant(api)).id;
  ({ id: tokenId, token } = await issue(tenantId));
});
afterEach(async () => {
  await api.stop();
  await upstream.stop();
});

async function issue(tenant: string): Promise<{ readonly id: string; readonly token: string }> {
  const made = await api.call("POST", "/tokens", { body: { tenant_id: tenant, name: "Prod" } });
  return { id: String(made.member("id")), token: String(made.member("token")) };
}

async function ask(path: string, body: object, as = token): Promise<void> {
  const isForm = body instanceof FormData;
  const answer = await api.app.handle(
    new Request(`http://localhost${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${as}`,
        ...(!isForm && { "content-type": "application/json" }),
      },
      body: isForm ? body : JSON.stringify(body),
    }),
  );
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
}

const beginResponse = (as = token) =>
  ask("/v1/responses", { model: MODEL, input: "Hi", background: true }, as);

async function beginBatch(): Promise<void> {
  const body = { model: MODEL, max_tokens: 10, messages: [{ role: "user", content: "Hi" }] };
  const line = { method: "POST", url: "/v1/chat/completions", body };
  const lines = ["one", "two"].map((id) => JSON.stringify({ custom_id: id, ...line }));
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", new File([lines.join("\n")], "in.jsonl"));
  await ask("/v1/files", form);
  const made = { input_file_id: "file-in", endpoint: line.url, completion_window: "24h" };
  await ask("/v1/batches", made);
}

type Shown = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly held_usd: string;
  readonly begun_at: string;
};

async function list(query = ""): Promise<readonly Shown[]> {
  return Object(await api.call("GET", `/jobs${query}`)).body.data;
}

/** The only one that is open. */
async function only(): Promise<Shown> {
  const [job, ...others] = await list();
  if (job === undefined || others.length > 0) throw new Error("one job is open");
  return job;
}

const pass = (ms: number) => letPass(ms, clock, api.gateway);
const end = (id: string, body: object = {}): Promise<Answer> =>
  api.call("POST", `/jobs/${id}/end`, { body });

/** What the ledger has of the request that began a job, and what its row says. */
async function booked(job: Shown) {
  await api.store.flush();
  const { body } = await api.call("GET", `/requests/${String(job["request_id"])}`);
  const { ledger, attempts, cost_usd: cost, estimated } = Object(body);
  const entries = ledger.map((one: Shown) => [one["kind"], one["amount_usd"], one["estimated"]]);
  const [attempt] = attempts;
  return { entries, outcome: attempt.outcome, cost, estimated };
}

const ATTEMPT = expect.stringMatching(/^att_[0-9a-f]{32}$/);

/** But for the time of the next look, which is a distance in time and may differ by a millisecond. */
function steady(job: Shown | undefined): object {
  return { ...job, next_look_at: expect.any(String) };
}

/** When it was begun, and when it is looked at and given up, as far as a test can know. */
function timesOf(job: Shown | undefined, waitMs: number): object {
  const begunAtMs = Date.parse(job?.begun_at ?? "");
  expect(Math.abs(begunAtMs - clock.nowMs())).toBeLessThan(MINUTE_MS);
  const nextMs = Date.parse(String(job?.["next_look_at"])) - begunAtMs;
  expect([nextMs >= waitMs, nextMs < waitMs + MINUTE_MS]).toEqual([true, true]);
  const { next_look_at, begun_at } = Object(job);
  const givenUp = new Date(begunAtMs + LIMITS.jobFollowedMs).toISOString();
  return { next_look_at, begun_at, given_up_at: givenUp };
}

/** What the look after that time came to, and the next one's distance in tens of seconds. */
async function seenAfter(afterMs: number): Promise<readonly unknown[]> {
  await pass(afterMs);
  const { last_look: look, next_look_at: next } = await only();
  const { at, ...said } = Object(look);
  expect(Math.abs(Date.parse(at) - clock.nowMs())).toBeLessThan(10_000);
  return [said, Math.round((Date.parse(String(next)) - clock.nowMs()) / 10_000)];
}

async function metrics(): Promise<readonly string[]> {
  const lines = (await api.gateway.metrics.render()).split("\n");
  return lines.filter((line) => line.startsWith("tollgate_jobs_"));
}

describe("the list of jobs", () => {
  test("shows of each what is held for it, for whom, where, and what was heard of it, newest first", async () => {
    expect(await list()).toEqual([]);
    await beginBatch();
    await beginResponse();
    const { body } = await api.call("GET", "/jobs");
    const jobs: readonly Shown[] = Object(body).data;
    const known = {
      id: ATTEMPT,
      request_id: expect.stringMatching(/^req_[0-9a-f]{32}$/),
      tenant_id: tenantId,
      project_id: null,
      token_id: tokenId,
      end_user: null,
      route: MODEL,
      model: MODEL,
      provider_id: providerId,
      provider: "recorded",
      held_usd: expect.stringMatching(/^0\.\d+$/),
      last_look: null,
    };
    expect(body).toEqual({
      next_cursor: null,
      data: [
        {
          ...known,
          kind: "response",
          object_id: "resp_1",
          lines: null,
          ...timesOf(jobs[0], 2_000),
        },
        { ...known, kind: "batch", object_id: "batch_1", lines: 2, ...timesOf(jobs[1], 15_000) },
      ],
    });
    const [first] = jobs;
    expect((await api.call("GET", `/jobs/${first?.id}`)).body).toEqual(steady(first));
  });

  test("comes in pages, and of one tenant, provider or kind", async () => {
    const other = await makeTenant(api, { name: "Other" });
    await beginBatch();
    await beginResponse();
    await beginResponse((await issue(other.id)).token);
    const listed = await list();
    expect(listed.map((job) => job["object_id"])).toEqual(["resp_2", "resp_1", "batch_1"]);
    const all = listed.map((job) => ({ ...job, ...steady(job) }));

    const first = await api.call("GET", "/jobs?limit=2");
    expect(first.member("data")).toEqual(all.slice(0, 2));
    const cursor = String(first.member("next_cursor"));
    const second = await api.call("GET", `/jobs?limit=2&cursor=${cursor}`);
    expect(second.body).toEqual({ data: all.slice(2), next_cursor: null });
    expect(refusalOf(await api.call("GET", "/jobs?cursor=nonsense")).slice(0, 3)).toEqual([
      400,
      "invalid_request",
      "cursor",
    ]);

    expect(await list(`?tenant_id=${other.id}`)).toEqual(all.slice(0, 1));
    expect(await list("?kind=batch")).toEqual(all.slice(2));
    expect(await list("?provider=recorded&kind=response")).toEqual(all.slice(0, 2));
    expect(await list(`?provider=${providerId}`)).toEqual(all);
    expect(await list("?provider=nobody")).toEqual([]);
  });

  test("tells what the last look came to, and when the next one is", async () => {
    await beginResponse();
    expect(await seenAfter(MINUTE_MS)).toEqual([{ said: "running", why: null }, 0]);
    now = { status: 503, pieces: ["{}"] };
    expect(await seenAfter(MINUTE_MS)).toEqual([{ said: "unheard", why: "status_503" }, 1]);
    now = { pieces: ['{"status":"dreaming"}'] };
    expect(await seenAfter(MINUTE_MS)).toEqual([{ said: "unheard", why: "not_understood" }, 2]);
    now = { status: 404, pieces: ['{"error":{"message":"no such response"}}'] };
    expect(await seenAfter(MINUTE_MS)).toEqual([{ said: "unknown", why: null }, 3]);
    await api.call("PATCH", `/providers/${providerId}`, { body: { enabled: false } });
    expect(await seenAfter(MINUTE_MS)).toEqual([{ said: "unheard", why: "provider_disabled" }, 6]);
  });

  test("knows a job no more once it has ended, and says where to look then", async () => {
    await beginResponse();
    const job = await only();
    now = { pieces: [background("resp_1", "completed", USED)] };
    await pass(MINUTE_MS);
    expect(await list()).toEqual([]);
    expect(refusalOf(await api.call("GET", `/jobs/${job.id}`))).toEqual([
      404,
      "not_found",
      null,
      `There is no open job ${job.id}. It has ended meanwhile: the request ${String(job["request_id"])} tells what it cost.`,
    ]);
    expect(refusalOf(await api.call("GET", "/jobs/att_0"))).toEqual([
      404,
      "not_found",
      null,
      "There is no open job att_0.",
    ]);
  });

  test("is summed up in the metrics, whose counter tells how jobs have ended", async () => {
    await beginBatch();
    await beginResponse();
    await beginResponse();
    const [newest, second] = await list();
    const held = Number(newest?.held_usd) + Number(second?.held_usd);
    const labels = '{provider="recorded",kind="response"}';
    expect(await metrics()).toContain(`tollgate_jobs_open${labels} 2`);
    expect(await metrics()).toContain(`tollgate_jobs_held_usd${labels} ${held}`);
    expect(await metrics()).toContain('tollgate_jobs_open{provider="recorded",kind="batch"} 1');
    await end(newest?.id ?? "");
    expect(await metrics()).toContain(`tollgate_jobs_open${labels} 1`);
    expect(await metrics()).toContain(
      'tollgate_jobs_ended_total{provider="recorded",kind="response",outcome="ended_by_operator"} 1',
    );
  });
});

describe("a job that an operator ends", () => {
  test("costs what is held for it, once, and is never asked for again", async () => {
    const scope = { type: "tenant", id: tenantId };
    const budget = await make(api, "/budgets", { scope, window: "month", amount_usd: "5.00" });
    await beginResponse();
    const job = await only();
    const answer = await api.call("POST", `/jobs/${job.id}/end`);
    const { request_id, held_usd } = job;
    expect([answer.status, answer.body]).toEqual([
      200,
      { id: job.id, request_id, held_usd, cost_usd: held_usd },
    ]);
    expect(await booked(job)).toEqual({
      entries: [
        ["hold", held_usd, true],
        ["settle", held_usd, true],
      ],
      outcome: "ended_by_operator",
      cost: held_usd,
      estimated: true,
    });
    const { body } = await api.call("GET", `/budgets/${budget.id}`);
    expect(body).toMatchObject({ posted_usd: held_usd, held_usd: "0.00" });
    upstream.forget();
    await pass(10 * MINUTE_MS);
    expect([upstream.seen.length, await list(), await api.store.knownJobs()]).toEqual([0, [], []]);
  });

  test.each(["0", "0.000000001", 0.02])("costs %p where that is said, with a note", async (usd) => {
    await beginResponse();
    const job = await only();
    const answer = await end(job.id, { amount_usd: usd, note: "The account was closed." });
    const cost = formatUsd(Math.round(Number(usd) * 1e9));
    expect(answer.member("cost_usd")).toBe(cost);
    expect(await booked(job)).toMatchObject({ cost, estimated: true });
    const line = api.logLines.find((text) => text.includes('"job.ended"'));
    expect(JSON.parse(line ?? "{}")).toMatchObject({
      level: "warn",
      attemptId: job.id,
      requestId: job["request_id"],
      outcome: "ended_by_operator",
      note: "The account was closed.",
    });
  });

  test("costs no more than is held for it, and no amount that is none", async () => {
    await beginResponse();
    const { id, held_usd: held } = await only();
    const more = String(Number(held) + 0.001);
    expect(refusalOf(await end(id, { amount_usd: more }))).toEqual([
      422,
      "unprocessable",
      "/amount_usd",
      `amount_usd must be at most what is held for the job: ${held}.`,
    ]);
    for (const amount of ["-1", "much", "0.0000000001"]) {
      expect(refusalOf(await end(id, { amount_usd: amount }))).toEqual([
        400,
        "invalid_request",
        "/amount_usd",
        'amount_usd must be an amount in US dollars with at most 9 decimals, such as "5.00".',
      ]);
    }
    expect(refusalOf(await end(id, { note: "two\nlines" })).slice(0, 3)).toEqual([
      400,
      "invalid_request",
      "/note",
    ]);
    expect((await only()).id).toBe(id);
    expect((await end(id, { amount_usd: held })).status).toBe(200);
  });

  test("while it is looked at has one posting, the operator's, whatever the look tells then", async () => {
    await beginResponse();
    const job = await only();
    const { promise: told, resolve: tell } = Promise.withResolvers<void>();
    now = { after: told, pieces: [background("resp_1", "completed", USED)] };
    const looked = pass(MINUTE_MS);
    await until(() => upstream.inFlight() === 1);
    expect(await only()).toMatchObject({ next_look_at: null });
    expect((await end(job.id, { amount_usd: "0.01" })).status).toBe(200);
    tell();
    await looked;
    await pass(10 * MINUTE_MS);
    expect(await booked(job)).toMatchObject({
      entries: [
        ["hold", job.held_usd, true],
        ["settle", "0.01", true],
      ],
      cost: "0.01",
    });
    expect([await list(), await api.store.knownJobs()]).toEqual([[], []]);
    expect(api.logLines.filter((line) => line.includes('"job.ended"')).length).toBe(1);
  });

  test("by two at once, or after it has ended, is ended once; the others are told where to look", async () => {
    await beginResponse();
    const job = await only();
    const answers = await Promise.all([end(job.id), end(job.id, { amount_usd: "0" })]);
    expect(answers.map(({ status }) => status)).toEqual([200, 409]);
    const refusal = [
      409,
      "conflict",
      null,
      `It has ended meanwhile: the request ${String(job["request_id"])} tells what it cost.`,
    ];
    expect(answers.slice(1).map(refusalOf)).toEqual([refusal]);
    expect(refusalOf(await end(job.id))).toEqual(refusal);
    expect((await booked(job)).cost).toBe(job.held_usd);
    expect(refusalOf(await end("att_0"))).toEqual([
      404,
      "not_found",
      null,
      "There is no open job att_0.",
    ]);
  });

  test("is not ended while the ledger takes nothing", async () => {
    await beginResponse();
    const job = await only();
    const { gateway, store } = api;
    const { clock: time, directory, jobs, random } = gateway;
    const broken: Store = { ...store, health: () => ({ ok: false, detail: "the disk is full" }) };
    const keys = { tokenPepper: TOKEN_PEPPER, credentialKey: CREDENTIAL_KEY };
    const admin = createAdmin({ store: broken, directory, jobs, clock: time, random, ...keys });
    const failure = await admin.jobs.end(job.id, {}).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ledger_unavailable", cause: "the disk is full" });
    expect(await api.call("GET", `/jobs/${job.id}`)).toMatchObject({ body: steady(job) });
  });
});
