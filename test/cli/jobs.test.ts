/** `tollgate jobs` against a real gateway: what is open, and ending it. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { jobs } from "../../src/cli/commands/jobs.ts";
import type { JobsAsked } from "../../src/cli/usage-jobs.ts";
import { formatUsd } from "../../src/base/units.ts";
import { type RecordedUpstream, startRecordedUpstream } from "../conformance/recorded-upstream.ts";
import { clockInHand } from "../gateway/jobs/jobs-stage.ts";
import { response } from "../conformance/responses-answers.ts";
import { make, makeProvider, makeTenant } from "../support/things.ts";
import { type Reachable, record, startReachable } from "./support.ts";

const MODEL = "slow-model";

let gateway: Reachable;
let upstream: RecordedUpstream;
let tenantId = "";
let token = "";

beforeAll(async () => {
  upstream = await startRecordedUpstream();
  const told = { id: "resp_1", status: "in_progress", background: true, usage: null };
  upstream.answer({ pieces: [JSON.stringify(response([], told))] });
  gateway = await startReachable({ clock: clockInHand() });
  const { api } = gateway;
  const base = { base_url: `${upstream.url}/v1`, allow_private_network: true };
  await makeProvider(api, { ...base, name: "recorded", credential: "secret" });
  await make(api, "/prices", {
    provider: "recorded",
    model: MODEL,
    input_usd_per_million: "1",
    output_usd_per_million: "1",
    output_tokens_max: 100,
  });
  await make(api, "/routes", { model: MODEL, targets: [{ provider: "recorded", model: MODEL }] });
  tenantId = (await makeTenant(api)).id;
  const made = await api.call("POST", "/tokens", { body: { tenant_id: tenantId, name: "Prod" } });
  token = String(made.member("token"));
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});
beforeEach(async () => {
  for (const { job } of open()) await gateway.api.gateway.jobs.end(job.attemptId, 0);
});

const open = () => gateway.api.gateway.jobs.openJobs();

async function begin(): Promise<{
  readonly id: string;
  readonly held: string;
  readonly at: string;
}> {
  const reply = await fetch(`${gateway.url}/v1/responses`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: MODEL, input: "Hi", background: true }),
  });
  expect(reply.status).toBe(200);
  const job = open().at(-1)?.job;
  if (job === undefined) throw new Error("a job was begun");
  const at = new Date(job.heldAtMs).toISOString();
  return { id: job.attemptId, held: formatUsd(job.heldNanoUsd), at };
}

type List = Extract<JobsAsked, { do: "list" }>;
type End = Extract<JobsAsked, { do: "end" }>;

async function run(asked: List | End) {
  const { terminal, out, err } = record();
  const exit = await jobs(gateway.config, asked, terminal);
  return { exit, out: out(), err: err() };
}

const HERE = { url: null, json: false };
const list = (more: Partial<List> = {}) =>
  run({ ...HERE, do: "list", tenant: null, provider: null, kind: null, ...more });
const end = (id: string, more: Partial<End> = {}) =>
  run({ ...HERE, do: "end", id, amountUsd: null, note: null, ...more });

test("list tells of each open job what is held for it, and of none where there is none", async () => {
  expect(await list()).toEqual({ exit: 0, out: "Nothing is held for jobs.\n", err: "" });
  const { id, held, at } = await begin();
  const { out, ...rest } = await list();
  expect(rest).toEqual({ exit: 0, err: "" });
  const [heading, row, ...others] = out.split("\n").map((line) => line.split(/ {2,}/));
  expect(heading).toEqual([
    "JOB",
    "KIND",
    "PROVIDER",
    "MODEL",
    "TENANT",
    "HELD",
    "BEGUN",
    "LAST LOOK",
  ]);
  expect(row).toEqual([id, "response", "recorded", MODEL, tenantId, held, at, "-"]);
  expect(others).toEqual([[""]]);
});

test("list goes by tenant, provider and kind, and shows programs the whole of it", async () => {
  const { id } = await begin();
  const nothing = { exit: 0, out: "Nothing is held for jobs.\n", err: "" };
  expect(await list({ tenant: "ten_0" })).toEqual(nothing);
  expect(await list({ provider: "other & more" })).toEqual(nothing);
  expect(await list({ kind: "batch" })).toEqual(nothing);
  const all = { tenant: tenantId, provider: "recorded", kind: "response" };
  const { out } = await list({ ...all, json: true });
  const shown = JSON.parse(out);
  const { body } = await gateway.api.call("GET", `/jobs/${id}`);
  expect(shown).toEqual([{ ...Object(body), next_look_at: expect.any(String) }]);
  expect(await list({ kind: "dream" })).toEqual({
    exit: 1,
    out: "",
    err: 'error: kind must be one of "batch", "response"\n',
  });
});

test("end charges what is held, or what is said, and says which", async () => {
  const first = await begin();
  expect(await end(first.id)).toEqual({
    exit: 0,
    out: `${first.id} has ended: it cost ${first.held} of the ${first.held} US dollars that were held for it.\n`,
    err: "",
  });
  const second = await begin();
  const told = await end(second.id, { amountUsd: "0.00001", note: "lost", json: true });
  expect(JSON.parse(told.out)).toMatchObject({ id: second.id, cost_usd: "0.00001" });
  expect(open()).toEqual([]);
  expect(gateway.api.logLines.some((line) => line.includes('"note":"lost"'))).toBe(true);
});

test("end of what is not open fails with the gateway's own sentence", async () => {
  expect(await end("att_0")).toEqual({
    exit: 1,
    out: "",
    err: "error: There is no open job att_0\n",
  });
});

test("without an admin token nothing is asked", async () => {
  const { terminal, err } = record();
  const config = { ...gateway.config, adminToken: null };
  const asked = { ...HERE, do: "end", id: "att_0", amountUsd: null, note: null } as const;
  expect(await jobs(config, asked, terminal)).toBe(2);
  expect(err()).toStartWith("error: the admin token is needed");
});
