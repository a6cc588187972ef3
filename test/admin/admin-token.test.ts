import { describe, expect, test } from "bun:test";
import { ensureAdminToken } from "../../src/admin/admin-token.ts";
import { systemRandom } from "../../src/base/random.ts";

const key = new Uint8Array(32).fill(4);
const GIVEN = "an-operators-own-admin-token-0123456789";

/** The settings of a store, which is all that the admin token needs of it. */
function settings() {
  const values = new Map<string, string>();
  return {
    values,
    setting: (name: string) => Promise.resolve(values.get(name) ?? null),
    setSetting: (name: string, value: string) => {
      values.set(name, value);
      return Promise.resolve();
    },
  };
}

function ensure(store: ReturnType<typeof settings>, given: string | null = null) {
  return ensureAdminToken({ store, random: systemRandom, key, given });
}

describe("the admin token", () => {
  test("is made at first start, told once, and kept as a hash", async () => {
    const store = settings();
    const first = await ensure(store);
    const made = String(first.made);
    expect(made).toMatch(/^tg-admin-[0-9A-Za-z]{43}$/);
    expect(first.matches(made)).toBe(true);
    expect([...store.values.values()].join()).toMatch(/^[0-9a-f]{64}$/);
    const second = await ensure(store);
    expect([second.made, second.matches(made)]).toEqual([null, true]);
  });

  test("is the given one where one is given, which is not kept", async () => {
    const store = settings();
    const given = await ensure(store, GIVEN);
    expect([given.made, given.matches(GIVEN), store.values.size]).toEqual([null, true, 0]);
    const later = await ensure(store);
    expect([later.matches(GIVEN), later.made === null]).toEqual([false, false]);
  });

  test("given for one run does not end the one that was made", async () => {
    const store = settings();
    const made = String((await ensure(store)).made);
    const run = await ensure(store, GIVEN);
    expect([run.matches(GIVEN), run.matches(made)]).toEqual([true, false]);
    expect((await ensure(store)).matches(made)).toBe(true);
  });

  test("matches nothing else", async () => {
    const made = await ensure(settings());
    const token = String(made.made);
    const wrong = ["", token.slice(0, -1), `${token}0`, token.toLowerCase(), ` ${token}`];
    expect(wrong.filter((text) => made.matches(text))).toEqual([]);
  });

  test("does not match under another key", async () => {
    const store = settings();
    const made = String((await ensure(store)).made);
    const other = await ensureAdminToken({
      store,
      random: systemRandom,
      key: new Uint8Array(32).fill(5),
      given: null,
    });
    expect(other.matches(made)).toBe(false);
  });
});
