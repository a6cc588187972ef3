/**
 * `kill -9` while clients make what providers keep: responses, plain and streamed, and files. Guaranteed after
 * every death: whatever a client was told of in a complete answer is there for its tenant, and asked of the
 * provider under that very id; for any other tenant it never was, and nobody is asked; and the ledger is whole.
 */
import { expect, test } from "bun:test";
import { type RecordedUpstream, startRecordedUpstream } from "../conformance/recorded-upstream.ts";
import { FORM_HEADERS, formBytes } from "../conformance/multipart.ts";
import { type Child, MAIN, Stage } from "./harness.ts";
import { breachesIn, readLedger } from "./ledger.ts";
import { dice, type Dice } from "./load.ts";
import { type Access, addAccess, addBudget, addProvider, budgetsAt } from "./operator.ts";

const CYCLES = 10;
const CLIENTS = 12;
/** In memory, and in a spool. */
const FILE_BYTES = [200, 1_500_000] as const;
const TEST_MS_MAX = 120_000;

type Noun = "responses" | "files";

/** What a complete answer told its client of. */
type Told = { readonly noun: Noun; readonly id: string; readonly owner: number };

type World = {
  readonly stage: Stage;
  readonly dataDir: string;
  readonly provider: RecordedUpstream;
  readonly chance: Dice;
  readonly told: Told[];
};

/** A provider that has whatever it is asked for, so that who may ask is Tollgate's alone to say. */
async function startKeeper(stage: Stage): Promise<RecordedUpstream> {
  const provider = await startRecordedUpstream();
  stage.later(() => provider.stop());
  let made = 0;
  provider.answer(({ method, path, body }) => {
    const [, noun = "", id] = /^\/v1\/(responses|files)(?:\/([^/?]+))?/.exec(path) ?? [];
    if (method === "GET") return { pieces: [JSON.stringify({ id, object: noun.slice(0, -1) })] };
    made += 1;
    if (noun === "files") return { pieces: [`{"id":"file-${made}","object":"file"}`] };
    const isStream = new TextDecoder().decode(body).includes('"stream":true');
    return isStream
      ? { headers: { "content-type": "text/event-stream" }, pieces: eventsOf(`resp_${made}`) }
      : { pieces: [JSON.stringify(responseOf(`resp_${made}`, "completed"))] };
  });
  return provider;
}

function responseOf(id: string, status: string): object {
  const usage = { input_tokens: 3, output_tokens: 2, total_tokens: 5 };
  return { id, object: "response", status, model: "sim-small", output: [], usage };
}

function eventsOf(id: string): string[] {
  const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
  return [
    event("response.created", { response: responseOf(id, "in_progress") }),
    event("response.output_text.delta", { ...place, delta: "Hi" }),
    event("response.completed", { response: responseOf(id, "completed") }),
  ];
}

function event(type: string, members: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

async function furnish(url: string, { provider }: World): Promise<readonly [Access, Access]> {
  await addProvider(url, "steady", provider.url);
  const accesses = [await addAccess(url, "acme"), await addAccess(url, "umbrella")] as const;
  for (const { tenantId } of accesses) {
    await addBudget(url, { type: "tenant", id: tenantId }, "1000.00");
  }
  return accesses;
}

function headersOf({ token }: Access): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** The id in a complete answer; null: there was none, as the gateway died. */
async function make(url: string, access: Access, noun: Noun, chance: Dice): Promise<string | null> {
  const isStream = chance.whole(2) === 0;
  const asked = { model: "steady/sim-small", input: "hi", ...(isStream ? { stream: true } : {}) };
  const file = new Uint8Array(chance.oneOf(FILE_BYTES));
  const init =
    noun === "files"
      ? {
          body: formBytes([
            ["purpose", "user_data"],
            ["file", file],
          ]),
          headers: FORM_HEADERS,
        }
      : { body: JSON.stringify(asked), headers: { "content-type": "application/json" } };
  try {
    const answer = await fetch(`${url}/v1/${noun}`, {
      method: "POST",
      ...init,
      headers: { ...init.headers, ...headersOf(access) },
    });
    const text = await answer.text();
    const isWhole = noun === "files" || !isStream || text.includes("response.completed");
    const id = /"id":"((?:resp_|file-)\d+)"/.exec(text)?.[1] ?? null;
    return answer.status === 200 && isWhole ? id : null;
  } catch {
    // That the gateway dies under its clients is what this load is for.
    return null;
  }
}

/** Clients, each with one request after the other, until the gateway is gone. */
function startMakers(url: string, accesses: readonly [Access, Access], world: World) {
  const { chance, told } = world;
  const maker = async (): Promise<void> => {
    for (;;) {
      const owner = chance.whole(2);
      const noun = chance.oneOf(["responses", "responses", "files"] as const);
      const id = await make(url, accesses[owner] ?? accesses[0], noun, chance);
      if (id === null) return;
      told.push({ noun, id, owner });
    }
  };
  return Promise.all(Array.from({ length: CLIENTS }, maker));
}

/** Each of them is its owner's, and nobody else's. */
async function expectKept(
  url: string,
  accesses: readonly [Access, Access],
  { provider }: World,
  asked: readonly Told[],
): Promise<void> {
  provider.forget();
  const lost: unknown[] = [];
  for (const { noun, id, owner } of asked) {
    const path = `${url}/v1/${noun}/${id}`;
    const [own, other] = [accesses[owner], accesses[1 - owner]];
    if (own === undefined || other === undefined) throw new Error("there are two of them");
    const found = await fetch(path, { headers: headersOf(own) });
    const text = await found.text();
    if (found.status !== 200 || !text.includes(`"id":"${id}"`)) lost.push([id, found.status, text]);
    const foreign = await fetch(path, { headers: headersOf(other) });
    if (foreign.status !== 404) lost.push([id, "for the other tenant", foreign.status]);
    await foreign.text();
  }
  expect(lost).toEqual([]);
  const paths = asked.map(({ noun, id }) => `/v1/${noun}/${id}`);
  expect(provider.seen.map(({ path }) => path)).toEqual(paths);
}

/** A moment to die at: after some time, or when so much has reached the provider. */
async function momentOf({ chance, provider }: World): Promise<void> {
  if (chance.whole(2) === 0) return await Bun.sleep(chance.whole(250));
  const enough = provider.seen.length + 1 + chance.whole(80);
  const lateMs = performance.now() + 1_500;
  while (provider.seen.length < enough && performance.now() < lateMs) await Bun.sleep(1);
}

function serve({ stage, dataDir }: World): Child {
  return stage.serve(dataDir, { args: ["--log-level", "warn"] });
}

async function verified({ stage, dataDir }: World): Promise<void> {
  const command = [process.execPath, MAIN, "ledger", "verify", "--data-dir", dataDir];
  const child = stage.start({ command });
  expect([await child.ended(), child.complaints]).toEqual([{ code: 0, signal: null }, ""]);
}

test(
  "what clients were told of is their tenant's after any death, and no other's",
  async () => {
    const seed = Number(process.env["KEPT_SEED"] ?? Date.now() % 1_000_000);
    console.info(`kept crash test: KEPT_SEED=${seed}`);
    await using stage = new Stage();
    const provider = await startKeeper(stage);
    const world: World = {
      stage,
      dataDir: stage.path("data"),
      provider,
      chance: dice(seed),
      told: [],
    };
    let tollgate = serve(world);
    let url = await tollgate.url();
    const accesses = await furnish(url, world);
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const before = world.told.length;
      const makers = startMakers(url, accesses, world);
      await momentOf(world);
      tollgate.kill("SIGKILL");
      expect(await tollgate.ended()).toMatchObject({ signal: "SIGKILL" });
      await makers;
      tollgate = serve(world);
      url = await tollgate.url();
      await expectKept(url, accesses, world, world.told.slice(before));
    }
    await expectKept(url, accesses, world, world.told);
    expect((await budgetsAt(url)).map((budget) => budget.held_usd)).toEqual(["0.00", "0.00"]);
    expect(await tollgate.stop()).toEqual({ code: 0, signal: null });
    const ledger = readLedger(world.dataDir);
    expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
    await verified(world);
    const kinds = Object.groupBy(world.told, ({ noun }) => noun);
    const counts = { responses: kinds.responses?.length ?? 0, files: kinds.files?.length ?? 0 };
    console.info("kept crash test:", JSON.stringify({ seed, ...counts }));
    expect(Math.min(counts.responses, counts.files)).toBeGreaterThan(CYCLES);
  },
  TEST_MS_MAX,
);
