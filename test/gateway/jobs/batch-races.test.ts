/** What happens beside a batch, and odd answers about it: it is charged once all the same, and no cap is passed. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { readKept } from "../../../src/gateway/jobs/ask-keeper.ts";
import { verifyLedger } from "../../../src/store/verify.ts";
import type { ProviderRow, TenantRow } from "../../../src/store/contract.ts";
import type { Recorded, Seen } from "../../conformance/recorded-upstream.ts";
import { until } from "../../support/until.ts";
import { CREDENTIAL, JobsStage, MODEL } from "./jobs-stage.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const CHAT = "/v1/chat/completions";
const LIMIT = 100;
const USED = { prompt_tokens: 11, completion_tokens: 4, total_tokens: 15 };
const COST_NANO_USD = 15;

let stage: JobsStage;
let status: string;
let begun: number;
let content: Recorded;
/** The answer of its one line. */
let line: string;

function isRead({ path }: Seen): boolean {
  return path.endsWith("/content");
}

function answered({ method, path }: Seen): Recorded {
  const [, , noun, id, what] = path.split("/");
  if (noun === "files" && what === "content") return content;
  if (noun === "files" && method === "DELETE") {
    return { pieces: [JSON.stringify({ id, object: "file", deleted: true })] };
  }
  if (noun === "files") return { pieces: ['{"id":"file-in","object":"file"}'] };
  if (id === undefined) begun += 1;
  const output_file_id = status === "completed" ? `file-out-${id}` : null;
  const stands = id === undefined ? { status: "validating" } : { status, output_file_id };
  return { pieces: [JSON.stringify({ id: id ?? `batch_${begun}`, object: "batch", ...stands })] };
}

beforeEach(async () => {
  status = "in_progress";
  begun = 0;
  const body = { id: "chatcmpl-1", object: "chat.completion", choices: [], usage: USED };
  const response = { status_code: 200, request_id: "r", body };
  line = JSON.stringify({ custom_id: "1", response, error: null });
  content = { pieces: [line] };
  stage = await JobsStage.start();
  stage.upstream.answer(answered);
});
afterEach(() => stage.stop());

const BODY = { model: MODEL, max_tokens: LIMIT, messages: [{ role: "user", content: "Hi" }] };
const HELD_NANO_USD = JSON.stringify(BODY).length + LIMIT;

async function upload(): Promise<void> {
  const form = new FormData();
  form.set("purpose", "batch");
  const asked = JSON.stringify({ custom_id: "1", method: "POST", url: CHAT, body: BODY });
  form.set("file", new File([asked], "in.jsonl"));
  const headers = { authorization: `Bearer ${stage.token}` };
  const init = { method: "POST", headers, body: form };
  expect((await fetch(`${stage.tollgate.url}/v1/files`, init)).status).toBe(200);
}

const ASKED = { input_file_id: "file-in", endpoint: CHAT, completion_window: "24h" };

async function create(): Promise<number> {
  return (await stage.ask("POST", "/v1/batches", ASKED)).status;
}

/** What every job came to that the ledger knows of. */
async function posted() {
  const { store, dataDir } = stage.tollgate;
  await store.flush();
  const { open, differenceCount } = verifyLedger(`${dataDir}/tollgate.db`);
  const { rows } = await store.requestPage({}, { limit: 200, cursor: null });
  const costs = rows.map(({ costNanoUsd }) => costNanoUsd).filter((cost) => cost > 0);
  return { open, differenceCount, costs };
}

const ONCE = { open: 0, differenceCount: 0, costs: [COST_NANO_USD] };

async function runOut(): Promise<void> {
  status = "completed";
  await stage.pass(20 * MINUTE_MS);
  // What is posted is noted at the next look.
  await stage.pass(MINUTE_MS);
}

describe("a batch", () => {
  test("of a hundred that are begun at once is begun only as often as its budget has room", async () => {
    await upload();
    await stage.addBudget(3 * HELD_NANO_USD + HELD_NANO_USD - 1);
    const statuses = await Promise.all(Array.from({ length: 100 }, create));
    expect([begun, statuses.filter((one) => one === 200).length]).toEqual([3, 3]);
    expect(statuses.filter((one) => one === 429).length).toBe(97);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd: 3 * HELD_NANO_USD });
    await runOut();
    expect(await stage.budget()).toEqual({ postedNanoUsd: 3 * COST_NANO_USD, heldNanoUsd: 0 });
  });

  test("costs its window that admitted it, and nothing is held in the next one", async () => {
    await upload();
    await stage.addBudget(1_000);
    expect(await create()).toBe(200);
    status = "in_progress";
    await stage.pass(DAY_MS + MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd: 0 });
    await runOut();
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd: 0 });
    expect(await posted()).toEqual(ONCE);
  });

  test("whose answers stop coming is given up as a client would be, and read again", async () => {
    await upload();
    await stage.addBudget(1_000);
    expect(await create()).toBe(200);
    status = "completed";
    const whole = content;
    content = { pieces: ['{"custom_id":'], end: "hang" };
    stage.begin(MINUTE_MS);
    await until(() => stage.upstream.seen.at(-1)?.path.endsWith("/content") === true);
    const { jobs } = stage.tollgate.gateway;
    await until(() => {
      stage.sweep(1_000);
      return jobs.looks === 0;
    });
    expect(jobs.openJobs()[0]?.lastLook).toMatchObject({ said: "unheard", why: "timeout_idle" });
    content = whole;
    await runOut();
    expect(await posted()).toEqual(ONCE);
  });

  test("whose answers take longer than its provider's requests may is read all the same", async () => {
    const clocks = { connect: 5_000, first_byte: 60 * MINUTE_MS, first_token: 60 * MINUTE_MS };
    const timeoutsMs = { ...clocks, idle: 60 * MINUTE_MS, total: MINUTE_MS };
    await stage.stop();
    stage = await JobsStage.start({}, { timeoutsMs });
    stage.upstream.answer(answered);
    await upload();
    expect(await create()).toBe(200);
    status = "completed";
    const late = Promise.withResolvers<void>();
    content = { pieces: [line.slice(0, 9), late.promise, line.slice(9)] };
    stage.begin(MINUTE_MS);
    await until(() => stage.upstream.seen.some(isRead));
    stage.sweep(10 * MINUTE_MS);
    late.resolve();
    await until(() => stage.tollgate.gateway.jobs.looks === 0);
    expect(await posted()).toEqual(ONCE);
    expect(stage.upstream.seen.filter(isRead).length).toBe(1);
  });

  test("that is cancelled just when it has ended, and whose files are deleted, is charged once", async () => {
    await upload();
    await stage.addBudget(1_000);
    expect(await create()).toBe(200);
    status = "completed";
    const late = Promise.withResolvers<void>();
    content = { ...content, pieces: [late.promise, ...content.pieces] };
    stage.begin(MINUTE_MS);
    const asks = [
      stage.ask("POST", "/v1/batches/batch_1/cancel"),
      stage.ask("GET", "/v1/batches/batch_1"),
      stage.ask("DELETE", "/v1/files/file-in"),
    ];
    const done = await Promise.all(asks);
    expect(done.map((reply) => reply.status)).toEqual([200, 200, 200]);
    expect((await stage.ask("DELETE", "/v1/files/file-out-batch_1")).status).toBe(200);
    late.resolve();
    await runOut();
    expect(await stage.budget()).toEqual({ postedNanoUsd: COST_NANO_USD, heldNanoUsd: 0 });
    expect(await posted()).toEqual(ONCE);
  });

  test("whose tenant is suspended, and whose access token is revoked, is charged all the same", async () => {
    await upload();
    await stage.addBudget(1_000);
    expect(await create()).toBe(200);
    const { tollgate, tenantId, tokenId } = stage;
    const { directory } = tollgate.gateway;
    const tenant: TenantRow | null = await tollgate.store.get("tenants", tenantId);
    if (tenant === null) throw new Error("there is a tenant");
    await directory.changed("tenants", tenantId, { ...tenant, status: "suspended" });
    const token = await tollgate.store.get("tokens", tokenId);
    if (token === null) throw new Error("there is a token");
    await directory.changed("tokens", tokenId, { ...token, revokedAtMs: 1 });
    await runOut();
    expect(await stage.budget()).toEqual({ postedNanoUsd: COST_NANO_USD, heldNanoUsd: 0 });
    expect(await posted()).toEqual(ONCE);
  });

  test("whose tenant is deleted is posted all the same, and no error is logged", async () => {
    await upload();
    await stage.addBudget(1_000);
    expect(await create()).toBe(200);
    await stage.tollgate.gateway.directory.changed("tenants", stage.tenantId, null);
    await runOut();
    expect(await posted()).toEqual(ONCE);
    const errors = stage.tollgate.logLines.filter((one) => one.includes('"level":"error"'));
    expect(errors).toEqual([]);
  });

  test("waits for a provider that is disabled, and is asked for with the credential that it has then", async () => {
    await upload();
    await stage.addBudget(1_000);
    expect(await create()).toBe(200);
    const { tollgate, providerId, upstream } = stage;
    const { directory } = tollgate.gateway;
    const provider: ProviderRow | null = await tollgate.store.get("providers", providerId);
    if (provider === null) throw new Error("there is a provider");
    await directory.changed("providers", providerId, { ...provider, enabled: false });
    upstream.forget();
    await stage.pass(MINUTE_MS);
    expect(upstream.seen).toEqual([]);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd: HELD_NANO_USD });
    await directory.changed("providers", providerId, { ...provider, credentialSealed: "rotated" });
    await runOut();
    expect(await stage.budget()).toEqual({ postedNanoUsd: COST_NANO_USD, heldNanoUsd: 0 });
    const credentials = new Set(upstream.seen.map(({ headers }) => headers["authorization"]));
    expect([...credentials]).toEqual(["Bearer rotated"]);
    expect(CREDENTIAL).not.toBe("rotated");
  });

  test("whose budget is lowered, topped up and rebuilt meanwhile is charged once", async () => {
    await upload();
    const budget = await stage.addBudget(1_000);
    expect(await create()).toBe(200);
    const { directory } = stage.tollgate.gateway;
    for (const amountNanoUsd of [1, 5_000, 300]) {
      await directory.changed("budgets", budget.id, { ...budget, amountNanoUsd });
      expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd: HELD_NANO_USD });
    }
    await runOut();
    expect(await stage.budget()).toEqual({ postedNanoUsd: COST_NANO_USD, heldNanoUsd: 0 });
    expect(await posted()).toEqual(ONCE);
  });

  test.each(["global", "provider", "route", "token"] as const)(
    "is held in the budget of its %s over a restart, and given back once",
    async (scopeType) => {
      await upload();
      const { tollgate, providerId, routeId, tenantId, tokenId } = stage;
      const scopeId = { global: "*", provider: providerId, route: routeId, token: tokenId }[
        scopeType
      ];
      const owner = scopeType === "token" ? tenantId : null;
      const amountNanoUsd = 2 * HELD_NANO_USD - 1;
      await tollgate.addBudget({
        scopeType,
        scopeId,
        tenantId: owner,
        amountNanoUsd,
        window: "total",
      });
      expect([await create(), await create()]).toEqual([200, 429]);
      await stage.restart();
      expect(await create()).toBe(429);
      await runOut();
      expect([await create(), await create()]).toEqual([200, 429]);
      await runOut();
      expect(await posted()).toEqual({ ...ONCE, costs: [COST_NANO_USD, COST_NANO_USD] });
    },
  );

  test("whose id its provider gave to another tenant's as well is charged to each once", async () => {
    await upload();
    const first = stage.token;
    const other = await stage.tollgate.addToken((await stage.tollgate.addTenant()).id);
    expect(await create()).toBe(200);
    begun = 0;
    stage.token = other.token;
    // Whatever the file's id: of the same provider it is nobody's now, so the other one has its own.
    stage.upstream.answer((seen) =>
      seen.path === "/v1/files"
        ? { pieces: ['{"id":"file-other","object":"file"}'] }
        : answered(seen),
    );
    await upload();
    const mine = { ...ASKED, input_file_id: "file-other" };
    expect((await stage.ask("POST", "/v1/batches", mine)).status).toBe(200);
    expect((await stage.ask("GET", "/v1/batches/batch_1")).status).toBe(404);
    stage.token = first;
    expect((await stage.ask("GET", "/v1/batches/batch_1")).status).toBe(404);
    await runOut();
    expect(await posted()).toEqual({ ...ONCE, costs: [COST_NANO_USD, COST_NANO_USD] });
  });

  test.each([
    ["is empty", ""],
    ["is an error", '{"error":{"message":"try later"}}'],
  ])("whose file of answers %s is never free", async (_, text) => {
    await upload();
    await stage.addBudget(1_000);
    expect(await create()).toBe(200);
    status = "completed";
    content = { pieces: [text] };
    for (let look = 0; look < LIMITS.jobUnknownLooksMax; look += 1)
      await stage.pass(20 * MINUTE_MS);
    const { heldNanoUsd, postedNanoUsd } = await stage.budget();
    expect([heldNanoUsd, postedNanoUsd > 0]).toEqual([0, true]);
  });

  test("is not read again and again for a client who asks for it all the time", async () => {
    await stage.addBudget(1_000);
    await upload();
    expect(await create()).toBe(200);
    await stage.pass(MINUTE_MS);
    status = "completed";
    const whole = content;
    content = { ...whole, end: "cut" };
    for (let asked = 0; asked < 20; asked += 1) {
      expect((await stage.ask("GET", "/v1/batches/batch_1")).status).toBe(200);
    }
    await stage.pass(0);
    expect(stage.upstream.seen.filter(isRead).length).toBe(0);
    await stage.pass(15_000);
    expect(stage.upstream.seen.filter(isRead).length).toBe(1);
    content = whole;
    await stage.pass(MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: COST_NANO_USD, heldNanoUsd: 0 });
  });

  test("has its answers read in small pieces, others having their turn in between", async () => {
    await upload();
    expect(await create()).toBe(200);
    const text = `${line}\n`.repeat(4_000);
    content = { pieces: [text] };
    const [open] = stage.tollgate.gateway.jobs.openJobs();
    if (open === undefined) throw new Error("the batch is followed");
    const pieces: Uint8Array[] = [];
    let turns = 0;
    let crowded = 0;
    const read = await readKept(stage.tollgate.gateway, open.job, "file-out", async (piece) => {
      if (turns < pieces.length) crowded += 1;
      pieces.push(Uint8Array.from(piece));
      setImmediate(() => void (turns += 1));
    });
    expect([read, new TextDecoder().decode(Buffer.concat(pieces)) === text]).toEqual([true, true]);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(16 * 1024);
    expect(crowded).toBe(0);
  });
});
