/** Limits, scopes, ids and chance: the short files of the base. */
import { describe, expect, test } from "bun:test";
import { ID_PREFIXES, type IdKind, newId } from "../../src/base/ids.ts";
import { assertLimits, LIMITS } from "../../src/base/limits.ts";
import { systemRandom } from "../../src/base/random.ts";
import {
  isLimitScope,
  limitScopeIdOf,
  ownerKey,
  SCOPE_TYPES,
  scopesOf,
} from "../../src/base/scope.ts";

describe("limits", () => {
  test("fit together", () => {
    expect(() => assertLimits()).not.toThrow();
  });

  test("are positive integers", () => {
    const wrong = Object.entries(LIMITS).filter(
      ([, value]) => !Number.isSafeInteger(value) || value < 1,
    );
    expect(wrong).toEqual([]);
  });
});

describe("scopes", () => {
  const all = {
    tokenId: "tok_1",
    projectId: "prj_1",
    tenantId: "ten_1",
    endUserId: "ann",
    routeId: "rte_1",
    providerId: "prv_1",
  };
  const onlyNeeded = { ...all, projectId: null, endUserId: null, routeId: null };

  test("of money go from the narrowest to the widest", () => {
    expect(scopesOf(all)).toEqual([
      { type: "token", id: "tok_1" },
      { type: "end_user", id: "ten_1/ann" },
      { type: "project", id: "prj_1" },
      { type: "tenant", id: "ten_1" },
      { type: "route", id: "rte_1" },
      { type: "provider", id: "prv_1" },
      { type: "global", id: "*" },
    ]);
  });

  test("leave out what there is not", () => {
    expect(scopesOf(onlyNeeded)).toEqual([
      { type: "token", id: "tok_1" },
      { type: "tenant", id: "ten_1" },
      { type: "provider", id: "prv_1" },
      { type: "global", id: "*" },
    ]);
  });

  test("of rates and slots are those of a tenant", () => {
    const types = SCOPE_TYPES.filter(isLimitScope);
    expect(types).toEqual(["token", "project", "tenant"]);
    expect(types.map((type) => limitScopeIdOf(all, type))).toEqual(["tok_1", "prj_1", "ten_1"]);
    expect(types.map((type) => limitScopeIdOf(onlyNeeded, type))).toEqual(["tok_1", null, "ten_1"]);
  });

  test("have an owner each, known by a key of its own", () => {
    const keys = [
      ownerKey({ type: "tenant", tenantId: "ten_1" }),
      ownerKey({ type: "end_user", tenantId: "ten_1", endUserId: "ann" }),
      ownerKey({ type: "end_user", tenantId: "ten_1", endUserId: "bob" }),
      ownerKey({ type: "everyone" }),
    ];
    expect(keys).toEqual(["ten_1", "ten_1/ann", "ten_1/bob", "*"]);
  });
});

describe("ids", () => {
  const kinds = Object.keys(ID_PREFIXES).filter((kind): kind is IdKind =>
    Object.hasOwn(ID_PREFIXES, kind),
  );

  test("say what they name", () => {
    expect(kinds.map((kind) => newId(kind, systemRandom).replace(/[0-9a-f]{32}$/, "…"))).toEqual([
      "ten_…",
      "prj_…",
      "tok_…",
      "prv_…",
      "rte_…",
      "prc_…",
      "bud_…",
      "crd_…",
      "lim_…",
      "req_…",
      "att_…",
    ]);
  });

  test("are made of the chance they are given", () => {
    const random = { ...systemRandom, uuid: () => "0".repeat(32) };
    expect(newId("tenant", random)).toBe(`ten_${"0".repeat(32)}`);
  });

  test("sort by the time they were made and never repeat", () => {
    const ids = Array.from({ length: 10_000 }, () => newId("request", systemRandom));
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("chance", () => {
  test("gives as many bytes as asked for, and other ones each time", () => {
    expect([0, 1, 32, 1_000].map((length) => systemRandom.bytes(length).length)).toEqual([
      0, 1, 32, 1_000,
    ]);
    expect(systemRandom.bytes(32)).not.toEqual(systemRandom.bytes(32));
  });

  test("below a bound reaches every value and nothing else, evenly", () => {
    for (const bound of [1, 2, 62, 200, 256]) {
      const counts = Array.from({ length: bound }, () => 0);
      const draws = bound * 200;
      for (let at = 0; at < draws; at += 1) {
        const drawn = systemRandom.below(bound);
        counts[drawn] = (counts[drawn] ?? 0) + 1;
      }
      expect(counts.length).toBe(bound);
      // Each value is expected 200 times with a deviation of 14; eight deviations never happen.
      expect(counts.every((count) => bound === 1 || (count > 80 && count < 320))).toBe(true);
    }
  });

  test("for jitter lies in [0, 1)", () => {
    const drawn = Array.from({ length: 10_000 }, () => systemRandom.unit());
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(9_000);
  });

  test("as a UUID is of version 7 without hyphens", () => {
    expect(systemRandom.uuid()).toMatch(/^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  });
});
