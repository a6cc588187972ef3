/** A provider's lanes: credentials in turn, what rests one of them, families of models apart. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { LaneState } from "../../src/gateway/directory-contract.ts";
import type { ProviderRow } from "../../src/store/contract.ts";
import { chat, errorOf, type ChatReply } from "../support/chat.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway } from "../support/gateway.ts";
import { leapingClock } from "./leaping-clock.ts";

const clock = leapingClock();
const tollgate = await startTestGateway({
  clock,
  unseal: (sealed) => {
    if (sealed === "damaged") throw new Error("not what was sealed");
    return sealed;
  },
});
afterAll(() => tollgate.stop());
const { upstream, gateway } = tollgate;
const { directory } = gateway;
const tenantId = (await tollgate.addTenant()).id;
const { token } = await tollgate.addToken(tenantId);
const pool = await tollgate.addProvider({
  name: "pool",
  credentialSealed: "sk-1",
  terms: { moreCredentialsSealed: ["sk-2", "sk-3"] },
});
const target = (model: string) => ({ providerId: pool.id, model, weight: 1, priority: 0 });
await tollgate.addRoute("small", [target("sim-small")]);
await tollgate.addRoute("large", [target("sim-large")]);

beforeEach(async () => {
  upstream.reset();
  await freshProvider(tollgate, pool);
});

const change = (row: ProviderRow): Promise<void> => directory.changed("providers", row.id, row);

function ask(script: string, model = "small"): Promise<ChatReply> {
  return chat(tollgate.url, { token, script: `tokens=1&${script}`, body: { model } });
}

async function askEach(count: number, script: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let asked = 0; asked < count; asked += 1) statuses.push((await ask(script)).status);
  return statuses;
}

/** The credentials that the upstream saw, in order. */
function presented(): string[] {
  return upstream
    .requests()
    .map(({ headers }) => headers.authorization?.replace("Bearer ", "") ?? "none");
}

function lane(position: number, family = "sim-small"): LaneState | undefined {
  return directory
    .providerLanes(pool.id)
    .find((one) => one.position === position && one.family === family);
}

const rests = (position: number): unknown => lane(position)?.health.restsFor;

describe("credentials", () => {
  test("take turns", async () => {
    expect(await askEach(6, "")).toEqual([200, 200, 200, 200, 200, 200]);
    expect(presented()).toEqual(["sk-1", "sk-2", "sk-3", "sk-1", "sk-2", "sk-3"]);
    const lanes = directory.providerLanes(pool.id);
    expect(lanes.map(({ id }) => id)).toEqual(["sim-small#1", "sim-small#2", "sim-small#3"]);
  });

  test.each([
    ["status=401", "credential_refused"],
    ["status=402", "exhausted"],
    ["status=429&retry_after=60", "cooldown"],
  ])("that meet %s are passed over, unseen by clients, and left alone", async (fault, why) => {
    const statuses = await askEach(7, `${fault}&only_credential=sk-2`);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200]);
    const seen = presented();
    expect(seen.slice(0, 3)).toEqual(["sk-1", "sk-2", "sk-3"]);
    expect(seen.filter((credential) => credential === "sk-2")).toEqual(["sk-2"]);
    expect([rests(1), rests(2), rests(3)]).toEqual([null, why, null]);
    expect(lane(2)?.health.breaker).toBe("closed");
  });

  test("come back after their rest", async () => {
    await askEach(3, "status=401&only_credential=sk-2");
    clock.leap(60_000);
    expect(rests(2)).toBeNull();
    await askEach(3, "");
    expect(presented().slice(4)).toContain("sk-2");
    expect(lane(2)?.health.restsFor).toBeNull();
  });

  test("that are all refused answer with the provider's own 401, each time", async () => {
    for (let asked = 0; asked < 6; asked += 1) {
      const reply = await ask("status=401");
      expect([reply.status, errorOf(reply)]).toEqual([
        401,
        expect.objectContaining({ code: "invalid_api_key" }),
      ]);
    }
    expect([rests(1), rests(2), rests(3)]).toEqual([
      "credential_refused",
      "credential_refused",
      "credential_refused",
    ]);
    // One of them works again, and is found by the last resort that goes there.
    const later = await askEach(3, "status=401&only_credential=sk-1");
    expect(later).toContain(200);
  });

  test("that are replaced have no rest, and those that stay keep theirs", async () => {
    await askEach(3, "status=401&only_credential=sk-1");
    await askEach(3, "status=402&only_credential=sk-2");
    await change({ ...pool, credentialSealed: "sk-new" });
    expect([rests(1), rests(2), rests(3)]).toEqual([null, "exhausted", null]);
    upstream.reset();
    await askEach(4, "");
    expect(presented()).toEqual(["sk-new", "sk-3", "sk-new", "sk-3"]);
  });

  test("are moved up when one before them is taken out", async () => {
    await askEach(3, "status=402&only_credential=sk-3");
    await change({ ...pool, terms: { moreCredentialsSealed: ["sk-3"] } });
    expect([rests(1), rests(2), rests(3)]).toEqual([null, "exhausted", undefined]);
  });
});

describe("families of models", () => {
  test("fail apart, and a snapshot with its family", async () => {
    await change({ ...pool, credentialSealed: "sk-1", terms: {} });
    for (let asked = 0; asked < 12; asked += 1) await ask("status=500", "small");
    expect(lane(1)?.health.breaker).toBe("open");
    expect((await ask("", "small")).status).toBe(503);
    expect((await ask("", "large")).status).toBe(200);
    expect((await ask("", "pool/sim-small-2026-01-15")).status).toBe(503);
    const families = directory.providerLanes(pool.id).map(({ family }) => family);
    expect(families).toEqual(["sim-small", "sim-large"]);
  });

  test("are as many as a bound, and later ones share a lane; idle ones make room", async () => {
    const entry = directory.resolve(tenantId, "small")?.candidates[0]?.provider;
    const idOf = (model: string): string | undefined => entry?.lanesFor(model)[0]?.family;
    // Each has an attempt under way, so that none makes room.
    for (let number = 0; number < 64; number += 1) {
      for (const { handle } of entry?.lanesFor(`gpt-${number}`) ?? []) {
        const attemptId = `att_${number}`;
        handle.ask({ type: "permit.request", attemptId, atMs: clock.nowMs() });
      }
    }
    expect([idOf("gpt-63-latest"), idOf("gpt-x"), idOf("gpt-y")]).toEqual([
      "gpt-63",
      "other",
      "other",
    ]);
    for (let number = 0; number < 64; number += 1) {
      for (const { handle } of entry?.lanesFor(`gpt-${number}`) ?? []) {
        const attemptId = `att_${number}`;
        handle.send({ type: "attempt.end", attemptId, observed: null, atMs: clock.nowMs() });
      }
    }
    clock.leap(2_000);
    expect(idOf("gpt-z")).toBe("gpt-z");
    expect(entry?.lanes().length).toBeLessThan(10);
  });
});

describe("a provider's own word", () => {
  test("of 37 seconds is kept to the second, whatever shorter one follows", async () => {
    await change({ ...pool, terms: {} });
    // Two at once: the later, shorter word does not shorten the first. Neither can wait for it.
    const headers = { "x-tollgate-timeout-ms": "2000" };
    const both = ["retry_after=37", "retry_after=5&headers_delay_ms=100"].map((word) =>
      chat(tollgate.url, { token, script: `status=429&${word}`, headers }),
    );
    const saidMs = clock.nowMs();
    await Promise.all(both);
    const untilMs = lane(1)?.health.availableAtMs ?? 0;
    expect(untilMs - saidMs).toBeGreaterThanOrEqual(37_000);
    expect(untilMs - saidMs).toBeLessThan(38_000);
    const before = upstream.stats().requests;
    clock.leap(untilMs - clock.nowMs() - 1_000);
    const early = await ask("");
    expect([early.status, early.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(upstream.stats().requests).toBe(before);
    clock.leap(1_000);
    expect((await ask("")).status).toBe(200);
  });
});

describe("an operator's word", () => {
  test("keeps a provider open against everybody, and ends with auto", async () => {
    await change({ ...pool, terms: { breakerForced: "open" } });
    const reply = await ask("");
    expect([reply.status, reply.headers.get("retry-after")]).toEqual([503, "60"]);
    expect(upstream.stats().requests).toBe(0);
    expect(directory.providerHealth(pool.id)).toMatchObject({ breaker: "open", isForced: true });
    expect(rests(1)).toBe("forced");
    await change({ ...pool, terms: {} });
    expect((await ask("")).status).toBe(200);
    expect(lane(1)?.health).toMatchObject({ breaker: "closed", isForced: false });
  });

  test("keeps it closed whatever fails", async () => {
    await change({ ...pool, terms: { breakerForced: "closed" } });
    const statuses = await askEach(25, "status=500");
    expect(new Set(statuses)).toEqual(new Set([500]));
    expect(upstream.stats().requests).toBeGreaterThanOrEqual(25);
    expect(directory.providerHealth(pool.id)).toMatchObject({ breaker: "closed", isForced: true });
    expect((await ask("")).status).toBe(200);
  });

  test("outlives attempts under way and their outcomes", async () => {
    const slow = ask("status=500&headers_delay_ms=100");
    await upstream.until(({ inFlight }) => inFlight === 1);
    await change({ ...pool, terms: { ...pool.terms, breakerForced: "open" } });
    expect((await slow).status).toBe(500);
    expect(directory.providerHealth(pool.id)).toEqual({
      breaker: "open",
      isForced: true,
      availableAtMs: expect.any(Number),
      inFlight: 0,
    });
  });
});

test("a damaged credential keeps no other from serving", async () => {
  const { id } = await tollgate.addProvider({ name: "half" });
  const row = { ...pool, id, name: "half" };
  await change({ ...row, credentialSealed: "damaged" });
  upstream.reset();
  const replies = [await ask("", "half/sim-small"), await ask("", "half/sim-small")];
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  expect(presented()).toEqual(["sk-2", "sk-3"]);
  const line = tollgate.logLines.find((text) => text.includes("provider.credential.unusable"));
  expect(JSON.parse(line ?? "{}")).toMatchObject({ provider: "half", position: 1 });
});
