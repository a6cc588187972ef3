/**
 * `kill -9` while clients begin batches and background responses, and their provider ends them. Guaranteed after
 * every death: whatever a client was told of is followed and costs what its provider then tells, once; what
 * may have been begun unheard costs what was held; no cap is passed, nothing stays held, and the ledger is whole.
 */
import { expect, test } from "bun:test";
import { until } from "../support/until.ts";
import { type Child, MAIN, Stage } from "./harness.ts";
import { startWorker, type Work, type Worker } from "./job-worker.ts";
import {
  type AttemptSeen,
  breachesIn,
  type LedgerSeen,
  nanoOf,
  owedByScope,
  readLedger,
} from "./ledger.ts";
import { dice, type Dice } from "./load.ts";
import {
  type Access,
  addAccess,
  addBudget,
  addProvider,
  budgetsAt,
  NANO_PER_TOKEN,
} from "./operator.ts";

const CYCLES = 10;
const CYCLES_PER_EARLY_DEATH = 4;
const CLIENTS = 8;
/** Room for some of the load only. */
const TIGHT_USD = "0.04";
const LINE_TOKENS_MAX = 64;
const TEST_MS_MAX = 120_000;

/** What a complete answer told its client of. */
type Told = { readonly id: string; readonly mark: string };

type World = {
  readonly stage: Stage;
  readonly dataDir: string;
  readonly worker: Worker;
  readonly chance: Dice;
  readonly told: Told[];
  marks: number;
  /** How often the cap was in the way. */
  refused: number;
};

function modelOf(mark: string): string {
  return `steady/sim-small?key=${mark}`;
}

async function furnish(url: string, { worker }: World): Promise<readonly [Access, Access]> {
  await addProvider(url, "steady", worker.url);
  const [ample, tight] = [await addAccess(url, "acme"), await addAccess(url, "umbrella")];
  await addBudget(url, { type: "tenant", id: ample.tenantId }, "1000.00");
  await addBudget(url, { type: "tenant", id: tight.tenantId }, TIGHT_USD);
  return [ample, tight];
}

/** null: the gateway died under it. */
async function ask(
  url: string,
  { token }: Access,
  method: string,
  path: string,
  body?: object | FormData,
): Promise<{ readonly status: number; readonly id: string } | null> {
  const json = body === undefined || body instanceof FormData ? null : JSON.stringify(body);
  const type = json === null ? {} : { "content-type": "application/json" };
  try {
    const answer = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...type },
      ...(body === undefined ? {} : { body: json ?? (body as FormData) }),
    });
    const text = await answer.text();
    return { status: answer.status, id: /"id":"([a-z]+_\d+)"/.exec(text)?.[1] ?? "" };
  } catch {
    return null;
  }
}

function batchFile(mark: string, lines: number): FormData {
  const form = new FormData();
  form.set("purpose", "batch");
  const messages = [{ role: "user", content: "Hi" }];
  const body = { model: modelOf(mark), max_tokens: LINE_TOKENS_MAX, messages };
  const line = { method: "POST", url: "/v1/chat/completions", body };
  const texts = Array.from({ length: lines }, (_, place) =>
    JSON.stringify({ custom_id: `${place}`, ...line }),
  );
  form.set("file", new File([texts.join("\n")], "in.jsonl"));
  return form;
}

/** One client: begins jobs, asks for them, and ends some, until the gateway is gone. */
async function client(url: string, accesses: readonly [Access, Access], world: World) {
  const { chance, told } = world;
  for (;;) {
    const access = chance.oneOf(accesses);
    world.marks += 1;
    const mark = `m${world.marks}`;
    let path = "responses";
    let body: object = {
      model: modelOf(mark),
      input: "Hi",
      background: true,
      max_output_tokens: LINE_TOKENS_MAX,
    };
    if (chance.whole(2) === 0) {
      const file = await ask(url, access, "POST", "files", batchFile(mark, 1 + chance.whole(4)));
      if (file === null) return;
      path = "batches";
      body = { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" };
    }
    const begun = await ask(url, access, "POST", path, body);
    if (begun === null) return;
    if (begun.status !== 200) {
      world.refused += Number(begun.status === 429);
      await Bun.sleep(5);
      continue;
    }
    told.push({ id: begun.id, mark });
    if (chance.whole(3) === 0) {
      const end = ["POST", `${path}/${begun.id}/cancel`] as const;
      const [method, asked] =
        chance.whole(2) === 0 ? end : (["GET", `${path}/${begun.id}`] as const);
      if ((await ask(url, access, method, asked)) === null) return;
    }
  }
}

async function momentOf({ chance, worker }: World): Promise<void> {
  if (chance.whole(2) === 0) return await Bun.sleep(chance.whole(400));
  const enough = worker.requests() + 1 + chance.whole(80);
  const lateMs = performance.now() + 1_500;
  while (worker.requests() < enough && performance.now() < lateMs) await Bun.sleep(1);
}

function serve({ stage, dataDir }: World): Child {
  return stage.serve(dataDir, { args: ["--log-level", "warn"] });
}

/** After a death: nobody is over the cap, and what is held is held by jobs alone. */
async function expectInOrder(
  url: string,
  [, tight]: readonly [Access, Access],
  ledger: LedgerSeen,
): Promise<void> {
  const owed = owedByScope(ledger)[`tenant/${tight.tenantId}`] ?? 0;
  expect([breachesIn(ledger), owed <= nanoOf(TIGHT_USD)]).toEqual([[], true]);
  const shown = await budgetsAt(url);
  for (const { posted_usd, held_usd, scope } of shown) {
    const all = owedByScope(ledger)[`tenant/${scope.id}`] ?? 0;
    // What has ended meanwhile costs less than was held for it.
    expect(nanoOf(posted_usd) + nanoOf(held_usd)).toBeLessThanOrEqual(all);
  }
}

function costOf({ usages }: Work): number {
  return usages.reduce(
    (sum, { input, output }) => sum + input * NANO_PER_TOKEN.input + output * NANO_PER_TOKEN.output,
    0,
  );
}

function markIn(model: string): string {
  return /key=(m\d+)/.exec(model)?.[1] ?? "";
}

/** What is wrong with what one mark's jobs came to. */
function wrongWith(
  mark: string,
  attempts: readonly AttemptSeen[],
  works: readonly Work[],
  told: readonly Told[],
  requestIds: ReadonlySet<string>,
): string[] {
  const wrong: string[] = [];
  const toldIds = new Set(told.map(({ id }) => id));
  const left = [...works];
  let heldAgain = 0;
  for (const { heldNanoUsd, postings, requestId } of attempts) {
    const [end] = postings;
    if (!requestIds.has(requestId)) wrong.push(`${mark}: ${requestId} has no row`);
    if (end === undefined) {
      wrong.push(`${mark}: open`);
      continue;
    }
    const exact = left.findIndex((work) => costOf(work) === end.amountNanoUsd);
    if (end.outcome === "ok" && end.estimated === 0 && exact >= 0) left.splice(exact, 1);
    else if (end.amountNanoUsd === heldNanoUsd) heldAgain += 1;
    else if (end.amountNanoUsd > 0 || end.outcome === "ok")
      wrong.push(`${mark}: ${JSON.stringify(end)}`);
  }
  for (const { id } of left) {
    if (toldIds.has(id)) wrong.push(`${mark}: ${id} was told of, and is not charged what it cost`);
  }
  if (left.length > heldAgain) wrong.push(`${mark}: ${left.length - heldAgain} were free`);
  return wrong;
}

function expectCharged({ told, worker }: World, { attempts, requestIds }: LedgerSeen) {
  const held = attempts.filter(({ heldNanoUsd }) => heldNanoUsd > 0);
  const attemptsOf = Map.groupBy(held, ({ model }) => markIn(model));
  const worksOf = Map.groupBy(worker.works, ({ model }) => markIn(model));
  const toldOf = Map.groupBy(told, ({ mark }) => mark);
  const marks = new Set([...attemptsOf.keys(), ...worksOf.keys()]);
  const wrong = [...marks].flatMap((mark) =>
    wrongWith(
      mark,
      attemptsOf.get(mark) ?? [],
      worksOf.get(mark) ?? [],
      toldOf.get(mark) ?? [],
      requestIds,
    ),
  );
  expect(wrong).toEqual([]);
  const ends = held.map(({ postings }) => `${postings[0]?.kind} ${postings[0]?.outcome}`);
  return Object.fromEntries(
    [...Map.groupBy(ends, (end) => end)].map(([end, all]) => [end, all.length]),
  );
}

async function verified({ stage, dataDir }: World): Promise<void> {
  const command = [process.execPath, MAIN, "ledger", "verify", "--data-dir", dataDir];
  const child = stage.start({ command });
  expect([await child.ended(), child.complaints]).toEqual([{ code: 0, signal: null }, ""]);
}

test(
  "jobs are charged once, whenever the process that follows them dies",
  async () => {
    const seed = Number(process.env["JOBS_SEED"] ?? Date.now() % 1_000_000);
    console.info(`jobs crash test: JOBS_SEED=${seed}`);
    await using stage = new Stage();
    const chance = dice(seed);
    const worker = await startWorker(chance);
    stage.later(() => worker.stop());
    const world: World = {
      stage,
      dataDir: stage.path("data"),
      worker,
      chance,
      told: [],
      marks: 0,
      refused: 0,
    };
    let tollgate = serve(world);
    let url = await tollgate.url();
    const accesses = await furnish(url, world);
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const clients = Array.from({ length: CLIENTS }, () => client(url, accesses, world));
      await momentOf(world);
      tollgate.kill("SIGKILL");
      expect(await tollgate.ended()).toMatchObject({ signal: "SIGKILL" });
      await Promise.all(clients);
      // One dies while it recovers from the death before.
      if (cycle % CYCLES_PER_EARLY_DEATH === 1) {
        const early = serve(world);
        await Bun.sleep(chance.whole(350));
        early.kill("SIGKILL");
        await early.ended();
      }
      const ledger = readLedger(world.dataDir);
      tollgate = serve(world);
      url = await tollgate.url();
      await expectInOrder(url, accesses, ledger);
    }
    worker.endAll();
    expect(await tollgate.stop()).toEqual({ code: 0, signal: null });
    tollgate = serve(world);
    url = await tollgate.url();
    await until(
      async () => (await budgetsAt(url)).every(({ held_usd }) => held_usd === "0.00"),
      20_000,
    );
    expect(await tollgate.stop()).toEqual({ code: 0, signal: null });
    const ledger = readLedger(world.dataDir);
    expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
    const ends = expectCharged(world, ledger);
    await verified(world);
    const { refused, told } = world;
    const counts = { works: worker.works.length, told: told.length, refused };
    console.info("jobs crash test:", JSON.stringify({ seed, ...counts, ends }));
    expect(told.length).toBeGreaterThan(CYCLES);
    // Else the cap was never in anybody's way.
    expect(refused).toBeGreaterThan(0);
  },
  TEST_MS_MAX,
);
