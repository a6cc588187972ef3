/**
 * Providers that were slow or failing get traffic again: exploring finds out that they have recovered,
 * on a clock that leaps and with chance from a seed. And the last one is never given up for good.
 */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { startUpstream } from "../../../bench/upstream/server.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { systemRandom } from "../../../src/base/random.ts";
import { chat, type ChatReply } from "../../support/chat.ts";
import { freshProvider } from "../../support/fresh-provider.ts";
import { startTestGateway } from "../../support/gateway.ts";
import { leapingClock } from "../leaping-clock.ts";
import { seeded } from "./world.ts";

const clock = leapingClock();
const tollgate = await startTestGateway({ clock, random: { ...systemRandom, unit: seeded(11) } });
const spare = await startUpstream({ keepBodies: true });
afterAll(async () => {
  await tollgate.stop();
  await spare.stop();
});

const { token } = await tollgate.addToken((await tollgate.addTenant()).id);
const good = await tollgate.addProvider({ name: "good" });
const ill = await tollgate.addProvider({ name: "ill", baseUrl: `${spare.url}/v1` });
for (const { id } of [good, ill]) await tollgate.addPrice(id, "m");
const targets = [ill, good].map(({ id: providerId }) => {
  return { providerId, model: "m", weight: 1, priority: 0 };
});
await tollgate.addRoute("reliable", targets, { strategy: "reliable" });
await tollgate.addRoute("fastest", targets, { strategy: "fastest" });
await tollgate.addRoute("ill", targets.slice(0, 1));

beforeEach(async () => {
  for (const upstream of [tollgate.upstream, spare]) {
    upstream.reset();
    upstream.script("tokens=1");
  }
  await freshProvider(tollgate, good);
  await freshProvider(tollgate, ill);
});

const ask = (model: string): Promise<ChatReply> => chat(tollgate.url, { token, body: { model } });

async function servedBy(model: string, times: number): Promise<(string | null)[]> {
  const names: (string | null)[] = [];
  for (let count = 0; count < times; count += 1) {
    const reply = await ask(model);
    expect(reply.status).toBe(200);
    names.push(reply.headers.get("x-tollgate-provider"));
  }
  return names;
}

test("reliable: a provider that failed is left alone, tried after a minute, and trusted again", async () => {
  spare.script("status=503");
  await servedBy("reliable", 40);
  const failures = spare.stats().requests;
  expect(failures).toBeGreaterThan(0);
  expect(failures).toBeLessThan(5);
  spare.script("tokens=1");
  expect(await servedBy("reliable", 40)).toEqual(Array(40).fill("good"));
  // Once a minute has passed one request in fifty tries it; each of them makes it better known.
  let tried = 0;
  for (let minute = 0; minute < 12 && tried < 3; minute += 1) {
    clock.leap(LIMITS.exploreAfterMs + 1);
    const names = await servedBy("reliable", 60);
    tried += Number(names.includes("ill"));
  }
  expect(tried).toBe(3);
  expect(spare.stats().byStatus["200"]).toBeGreaterThanOrEqual(3);
});

test("fastest: one that was slow takes its share once it is found to be quick", async () => {
  spare.script("headers_delay_ms=400&tokens=1");
  await servedBy("ill", 2);
  await servedBy("fastest", 30);
  const slow = spare.stats().requests;
  expect(slow).toBe(2);
  spare.script("tokens=1");
  let names: (string | null)[] = [];
  for (let minute = 0; minute < 40 && !names.includes("ill"); minute += 1) {
    clock.leap(LIMITS.exploreAfterMs + 1);
    names = await servedBy("fastest", 30);
  }
  expect(names).toContain("ill");
});

test("the last one is risked once a second while its breaker is open, and closes it that way", async () => {
  spare.script("status=503");
  for (let count = 0; count < 12; count += 1) await ask("ill");
  expect(tollgate.gateway.directory.providerHealth(ill.id).breaker).toBe("open");
  const { requests } = spare.stats();
  clock.leap(LIMITS.lastResortMs + 1);
  const replies = await Promise.all(Array.from({ length: 8 }, () => ask("ill")));
  expect(replies.map(({ status }) => status)).toEqual(Array(8).fill(503));
  expect(spare.stats().requests).toBe(requests + 1);
  const told = replies.filter(({ headers }) => headers.get("x-tollgate-attempts") === "0");
  expect(told).toHaveLength(7);
  for (const { headers } of told) expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  spare.script("tokens=1");
  clock.leap(LIMITS.lastResortMs + 1);
  expect((await ask("ill")).status).toBe(200);
});
