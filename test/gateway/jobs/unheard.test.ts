/** Jobs that nobody hears of: operators are told, once in a while, and nothing is held for ever. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { Jobs } from "../../../src/gateway/jobs/jobs.ts";
import { response } from "../../conformance/responses-answers.ts";
import { clockInHand, JobsStage, letPass, MODEL } from "./jobs-stage.ts";

const MINUTE_MS = 60_000;
const FAR_MS = 15 * MINUTE_MS;

let stage: JobsStage;
let ids = 0;

function running(): string {
  ids += 1;
  const more = { id: `resp_${ids}`, status: "in_progress", background: true, usage: null };
  return JSON.stringify(response([], more));
}

beforeEach(async () => {
  stage = await JobsStage.start();
  stage.upstream.answer(() => ({ pieces: [running()] }));
});
afterEach(() => stage.stop());

async function begin(): Promise<void> {
  const asked = { model: MODEL, input: "Hi", background: true };
  expect((await stage.ask("POST", "/v1/responses", asked)).status).toBe(200);
}

async function setEnabled(enabled: boolean): Promise<void> {
  const { providerId, tollgate } = stage;
  const written = await tollgate.store.update("providers", providerId, { enabled }, null);
  if (!written.ok) throw new Error(written.detail);
  await tollgate.gateway.directory.changed("providers", providerId, written.row);
}

function warnings(): readonly unknown[] {
  return stage.tollgate.logLines
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter(({ event }) => event === "jobs.unheard")
    .map(({ level, providerId, why, jobs, heldNanoUsd }) => {
      return { level, providerId, why, jobs, heldNanoUsd };
    });
}

function held(): number {
  const open = stage.tollgate.gateway.jobs.openJobs();
  return open.reduce((sum, { job }) => sum + job.heldNanoUsd, 0);
}

describe("jobs that cannot be asked for", () => {
  test("are told of once for their provider, when that lasts, and again after an hour", async () => {
    await begin();
    await begin();
    await setEnabled(false);
    await stage.pass(MINUTE_MS);
    expect(warnings()).toEqual([]);
    await stage.pass(FAR_MS);
    const { providerId } = stage;
    const told = { level: "warn", providerId, why: "provider_disabled", jobs: 2 };
    const first = { ...told, heldNanoUsd: held() };
    expect(warnings()).toEqual([first]);
    for (let passes = 0; passes < 3; passes += 1) await stage.pass(FAR_MS);
    expect(warnings()).toEqual([first]);
    await stage.pass(FAR_MS);
    expect(warnings()).toEqual([first, first]);
  });

  test("are not told of any more once they are heard of, until that lasts again", async () => {
    await begin();
    await setEnabled(false);
    await stage.pass(MINUTE_MS);
    await setEnabled(true);
    await stage.pass(FAR_MS);
    await setEnabled(false);
    await stage.pass(FAR_MS);
    expect(warnings()).toEqual([]);
    await stage.pass(FAR_MS);
    expect(warnings().length).toBe(1);
  });

  test("because their credential is refused are told of with that", async () => {
    await begin();
    const refused = {
      status: 401,
      pieces: ['{"error":{"message":"no","code":"invalid_api_key"}}'],
    };
    stage.upstream.answer(refused);
    await stage.pass(MINUTE_MS);
    const [open] = stage.tollgate.gateway.jobs.openJobs();
    expect(open?.lastLook).toMatchObject({ said: "unheard", why: "status_401" });
    await stage.pass(FAR_MS);
    expect(warnings()).toMatchObject([{ jobs: 1, why: "status_401" }]);
  });
});

test("a job at which our own look breaks costs what is held for it in the end, like every other", async () => {
  await begin();
  const { gateway } = stage.tollgate;
  const [open] = gateway.jobs.openJobs();
  if (open === undefined) throw new Error("a job was begun");
  const clock = clockInHand();
  const log = { ...gateway.log, error: (event: string) => void logged.push(event) };
  const logged: string[] = [];
  const settled: unknown[] = [];
  const jobs = new Jobs({
    clock,
    log,
    store: stage.tollgate.store,
    isAllowed: () => true,
    look: () => Promise.reject(new Error("a bug of ours")),
    settle: ({ attemptId }, { outcome, costNanoUsd }) =>
      settled.push([attemptId, outcome, costNanoUsd]),
    onFound: () => undefined,
  });
  await jobs.load();
  await letPass(MINUTE_MS, clock, { ...gateway, jobs });
  expect(logged).toEqual(["job.look.failed"]);
  expect(jobs.openJobs()[0]?.lastLook).toMatchObject({ said: "unheard", why: "internal_error" });
  await letPass(LIMITS.jobFollowedMs, clock, { ...gateway, jobs });
  const { attemptId, heldNanoUsd } = open.job;
  expect(settled).toEqual([[attemptId, "job_unheard", heldNanoUsd]]);
  jobs.stop();
});
