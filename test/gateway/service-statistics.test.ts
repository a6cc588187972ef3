/** How providers have served is known after a restart, less what the time in between takes from it. */
import { expect, test } from "bun:test";
import { chat } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { leapingClock } from "./leaping-clock.ts";

const clock = leapingClock();

test("statistics of service survive a restart and fade meanwhile, where breakers begin anew", async () => {
  const before = await startTestGateway({ clock });
  const { token } = await before.addToken((await before.addTenant()).id);
  const provider = await before.addProvider({
    name: "pool",
    credentialSealed: "sk-1",
    terms: { moreCredentialsSealed: ["sk-2"] },
  });
  await before.addRoute("small", [
    { providerId: provider.id, model: "gpt-test-2026-01-15", weight: 1, priority: 0 },
  ]);
  await before.addPrice(provider.id, "gpt-test-2026-01-15");
  const ask = async (script: string): Promise<number> =>
    (await chat(before.url, { token, script })).status;
  for (let each = 0; each < 4; each += 1) await ask("tokens=1&headers_delay_ms=30");
  expect(await ask("status=500")).toBe(500);
  const services = (tollgate: TestGateway) =>
    tollgate.gateway.directory
      .providerLanes(provider.id)
      .map(({ family, position, service }) => ({ family, position, ...service }));
  const [first, second] = services(before);
  expect(first).toMatchObject({ family: "gpt-test", position: 1 });
  expect(first?.firstTokenMs).toBeGreaterThanOrEqual(30);
  expect(first?.failureShare).toBeGreaterThan(0.15);
  // All credentials of a family are known by one statistic.
  expect(second).toEqual({ ...first, position: 2 } as typeof second);

  const after = await before.restart(() => clock.leap(20 * 60_000));
  try {
    expect(services(after)).toEqual([]);
    after.gateway.directory.resolve("ten_any", "small");
    const [again] = services(after);
    // Four half-lives left so little evidence that the failure hardly counts any more.
    expect(again?.failureShare ?? 0).toBeLessThan((first?.failureShare ?? 0) / 2);
    expect(again?.seenAtMs).toBe(first?.seenAtMs ?? 0);
    expect(again?.firstTokenMs).toBe(first?.firstTokenMs ?? 0);
    expect(after.gateway.directory.providerHealth(provider.id).breaker).toBe("closed");
  } finally {
    await after.stop();
  }
});
