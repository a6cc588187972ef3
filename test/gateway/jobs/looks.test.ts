/** Which jobs are looked at and when: none waits for those of another provider, or for a clock to be right. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { lookAt } from "../../../src/gateway/jobs/look.ts";
import { verifyLedger } from "../../../src/store/verify.ts";
import { lastAttempts } from "../../conformance/ledger-rows.ts";
import {
  type Recorded,
  type RecordedUpstream,
  type Seen,
  startRecordedUpstream,
} from "../../conformance/recorded-upstream.ts";
import { message, response } from "../../conformance/responses-answers.ts";
import { until } from "../../support/until.ts";
import { JobsStage, MODEL } from "./jobs-stage.ts";

const PATH = "/v1/responses";
const OTHER = "other-model";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const USED = { input_tokens: 30, output_tokens: 12, total_tokens: 42 };

function told(id: string, status: string): string {
  const usage = status === "completed" ? USED : null;
  return JSON.stringify(
    response([message("Hi", "msg_1")], { id, status, background: true, usage }),
  );
}

let stage: JobsStage;
let other: RecordedUpstream;
/** How a provider answers who asks for a response. */
let shown: (id: string) => Recorded;

beforeEach(async () => {
  stage = await JobsStage.start();
  other = await startRecordedUpstream();
  shown = (id) => ({ pieces: [told(id, "in_progress")] });
  let made = 0;
  const begun = (prefix: string) => (): Recorded => {
    made += 1;
    return { pieces: [told(`resp_${prefix}${made}`, "queued")] };
  };
  const answer = (prefix: string, show: (id: string) => Recorded) => (seen: Seen) =>
    seen.method === "POST" ? begun(prefix)() : show(seen.path.slice(`${PATH}/`.length));
  stage.upstream.answer(answer("a", (id) => shown(id)));
  other.answer(answer("b", (id) => ({ pieces: [told(id, "completed")] })));
  const { tollgate } = stage;
  const { id } = await tollgate.addProvider({ name: "other", baseUrl: `${other.url}/v1` });
  await tollgate.addPrice(id, OTHER, { outputTokensMax: 1_000 });
  await tollgate.addRoute(OTHER, [{ providerId: id, model: OTHER, weight: 1, priority: 0 }]);
});
afterEach(async () => {
  await stage.stop();
  await other.stop();
});

async function create(model = MODEL): Promise<string> {
  const made = await stage.ask("POST", PATH, { model, input: "Hi", background: true });
  expect(made.status).toBe(200);
  return JSON.parse(made.text).id;
}

function looksAt({ seen }: Pick<RecordedUpstream, "seen">): string[] {
  return seen
    .filter(({ method }) => method === "GET")
    .map(({ path }) => path.slice(PATH.length + 1));
}

describe("jobs", () => {
  test("of a provider that never answers keep none of another's waiting", async () => {
    const count = LIMITS.jobLooksAtOnceMax + 1;
    for (let made = 0; made < count; made += 1) await create();
    shown = () => ({ pieces: [], end: "hang" });
    stage.begin(MINUTE_MS);
    const id = await create(OTHER);
    stage.begin(MINUTE_MS);
    await until(() => looksAt(other).length > 0);
    expect(looksAt(other)).toEqual([id]);
    expect(looksAt(stage.upstream).length).toBe(LIMITS.jobLooksOfProviderMax);
    stage.upstream.cutOff();
    shown = (one) => ({ pieces: [told(one, "completed")] });
    await stage.pass(MINUTE_MS);
    await stage.pass(MINUTE_MS);
    expect(await stage.tollgate.store.knownJobs()).toEqual([]);
  });

  test("that are many are all looked at, each once, before any is looked at again", async () => {
    const ids: string[] = [];
    for (let made = 0; made < 2 * LIMITS.jobLooksAtOnceMax; made += 1) ids.push(await create());
    await stage.pass(MINUTE_MS);
    expect(looksAt(stage.upstream).toSorted()).toEqual(ids.toSorted());
    stage.upstream.forget();
    await stage.pass(MINUTE_MS);
    expect(looksAt(stage.upstream).toSorted()).toEqual(ids.toSorted());
  });

  test.each([
    ["back", -6 * HOUR_MS],
    ["forward", 6 * HOUR_MS],
  ])("are looked at in time though the clock was set %s by hours", async (_, byMs) => {
    await create();
    stage.setClock(byMs);
    await stage.pass(MINUTE_MS);
    shown = (id) => ({ pieces: [told(id, "completed")] });
    await stage.pass(MINUTE_MS);
    await stage.tollgate.store.flush();
    const ends = (await lastAttempts(stage.tollgate)).map((one) => {
      return [one.amountNanoUsd, one.outcome, one.estimated];
    });
    expect(ends).toEqual([[42, "ok", false]]);
    const report = verifyLedger(`${stage.tollgate.dataDir}/tollgate.db`);
    expect(report).toMatchObject({ open: 0, differenceCount: 0 });
  });

  test("that end while they are looked at are looked at again soon for who saw it", async () => {
    await stage.addBudget(1_000_000);
    const id = await create();
    const late = Promise.withResolvers<void>();
    shown = (one) => ({ pieces: [told(one, "in_progress")], after: late.promise });
    stage.begin(MINUTE_MS);
    await until(() => looksAt(stage.upstream).length === 1);
    shown = (one) => ({ pieces: [told(one, "completed")] });
    await stage.ask("GET", `${PATH}/${id}`);
    late.resolve();
    await until(() => stage.tollgate.gateway.jobs.looks === 0);
    await stage.pass(2_000);
    expect(looksAt(stage.upstream).length).toBe(3);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 42, heldNanoUsd: 0 });
  });

  test("are not asked for any more once the way out has begun, also by a look that goes on", async () => {
    await create();
    const { gateway } = stage.tollgate;
    const [open] = gateway.jobs.openJobs();
    if (open === undefined) throw new Error("the job is followed");
    stage.upstream.forget();
    const drained = gateway.lifecycle.drain(MINUTE_MS);
    expect(await lookAt(gateway, open.job)).toEqual({ unheard: "draining" });
    await drained;
    expect(stage.upstream.seen).toEqual([]);
  });

  test.each([429, 401, 402, 503])(
    "whose provider answers %i to us keep no client from its model",
    async (code) => {
      await create();
      const retry = { "retry-after": "3600" };
      const refused = { status: code, headers: retry, pieces: ['{"error":{"message":"no"}}'] };
      const said = { role: "assistant", content: "Ho" };
      const choices = [{ index: 0, finish_reason: "stop", message: said }];
      const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
      const answered = { id: "c", object: "chat.completion", choices, usage };
      stage.upstream.answer(({ method }) =>
        method === "GET" ? refused : { pieces: [JSON.stringify(answered)] },
      );
      for (let look = 0; look < 8; look += 1) await stage.pass(MINUTE_MS);
      const messages = [{ role: "user", content: "Hi" }];
      const reply = await stage.ask("POST", "/v1/chat/completions", { model: MODEL, messages });
      expect([reply.status, JSON.parse(reply.text)]).toEqual([200, answered]);
      expect(looksAt(stage.upstream).length).toBeGreaterThan(0);
    },
  );
});

test("a tenant with as many jobs as it may have begins no further one, and others do", async () => {
  const { tenantId, tollgate, upstream } = stage;
  const { gateway } = tollgate;
  await create();
  const [job] = gateway.jobs.openJobs().map((open) => open.job);
  if (job === undefined) throw new Error("a job is open");
  const further = Array.from({ length: LIMITS.jobsOfTenantMax - 1 }, (_, place) =>
    gateway.jobs.begin({ ...job, attemptId: `att_${place}` }),
  );
  await Promise.all(further);
  upstream.forget();
  const body = { model: MODEL, input: "Hi", background: true };
  const refused = await stage.ask("POST", PATH, body);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "60"]);
  expect(JSON.parse(refused.text).error.code).toBe("gateway_overloaded");
  expect(upstream.seen.length).toBe(0);
  expect(gateway.jobs.hasRoomFor(tenantId)).toBe(false);
  stage.token = (await tollgate.addToken((await tollgate.addTenant()).id)).token;
  expect((await stage.ask("POST", PATH, body)).status).toBe(200);
});
