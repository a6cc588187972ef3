import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  ACCESS_TOKEN_SCANNER,
  accessTokenHint,
  hashAccessToken,
  isAccessToken,
  newAccessToken,
} from "../../src/base/access-token.ts";
import { base62 } from "../../src/base/base62.ts";
import { systemRandom, type Random } from "../../src/base/random.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A Random that answers from a list, so that a token is known in advance. */
function scripted(values: readonly number[]): Random {
  let next = 0;
  return {
    ...systemRandom,
    below: (bound) => {
      const value = values[next % values.length] ?? 0;
      next += 1;
      return value % bound;
    },
  };
}

const anyToken = fc
  .array(fc.integer({ min: 0, max: 61 }), { minLength: 32, maxLength: 32 })
  .map((values) => newAccessToken(scripted(values)));

describe("an access token", () => {
  test("is the prefix, 32 drawn characters and the CRC32 of both", () => {
    const body = `sk-tg-${"0".repeat(32)}`;
    const token = newAccessToken(scripted([0]));
    expect(token).toBe(body + base62(Bun.hash.crc32(body), 6));
    expect(token).toMatch(/^sk-tg-[0-9A-Za-z]{38}$/);
  });

  test("has a checksum that other CRC32 implementations agree with", () => {
    // The check value of CRC-32/ISO-HDLC, the one of zlib and of GitHub's tokens.
    expect(Bun.hash.crc32("123456789")).toBe(0xcbf43926);
    expect(base62(0xcbf43926, 6)).toBe("3jZRME");
    expect(base62(0, 6)).toBe("000000");
    expect(base62(0xffffffff, 6)).toBe("4gfFC3");
  });

  test("is recognised, whatever was drawn", () => {
    fc.assert(fc.property(anyToken, (token) => isAccessToken(token)));
  });

  test("is not recognised with any one character changed", () => {
    const change = fc.record({
      token: anyToken,
      at: fc.integer({ min: 0, max: 43 }),
      shift: fc.integer({ min: 1, max: 61 }),
    });
    fc.assert(
      fc.property(change, ({ token, at, shift }) => {
        const old = ALPHABET.indexOf(token.charAt(at));
        const other = ALPHABET.charAt((Math.max(old, 0) + shift) % 62);
        return !isAccessToken(token.slice(0, at) + other + token.slice(at + 1));
      }),
    );
  });

  test("is not recognised in any other text", () => {
    fc.assert(fc.property(fc.string(), (text) => !isAccessToken(text)));
    const token = newAccessToken(systemRandom);
    const near = ["", "sk-tg-", ` ${token}`, `${token}\n`, token.slice(1), `${token}0`];
    expect(near.filter(isAccessToken)).toEqual([]);
    expect(isAccessToken(token.toUpperCase())).toBe(false);
  });

  test("never comes twice", () => {
    const tokens = Array.from({ length: 5_000 }, () => newAccessToken(systemRandom));
    expect(new Set(tokens).size).toBe(5_000);
  });

  test("uses every character of the alphabet", () => {
    const drawn = new Set(
      Array.from({ length: 200 }, () => newAccessToken(systemRandom).slice(6, 38)).join(""),
    );
    expect([...drawn].sort().join("")).toBe(ALPHABET);
  });

  test("is found by the published scanner pattern in a log line and in JSON", () => {
    const token = newAccessToken(systemRandom);
    const text = `Authorization: Bearer ${token}\n{"token":"${token}"} x${token} ${token}y`;
    expect(text.match(new RegExp(ACCESS_TOKEN_SCANNER, "g"))).toEqual([token, token]);
  });

  test("is hinted at by its last four characters", () => {
    expect(accessTokenHint("sk-tg-abcdWXYZ")).toBe("WXYZ");
  });
});

describe("the hash of an access token", () => {
  const pepper = new Uint8Array(32).fill(7);

  test("is HMAC-SHA256 in hexadecimal", () => {
    // RFC 4231, test case 2.
    const key = new TextEncoder().encode("Jefe");
    expect(hashAccessToken(key, "what do ya want for nothing?")).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });

  test("depends on the whole token and on the pepper", () => {
    const token = newAccessToken(systemRandom);
    const changed = `${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`;
    const hashes = [
      hashAccessToken(pepper, token),
      hashAccessToken(pepper, changed),
      hashAccessToken(new Uint8Array(32).fill(8), token),
    ];
    expect(new Set(hashes).size).toBe(3);
    expect(hashAccessToken(pepper, token)).toBe(hashes[0] ?? "");
  });

  test("of a hundred thousand tokens that share a long prefix never collides", () => {
    const body = `sk-tg-${"A".repeat(28)}`;
    const hashes = new Set<string>();
    for (let number = 0; number < 100_000; number += 1) {
      hashes.add(hashAccessToken(pepper, body + base62(number, 10)));
    }
    expect(hashes.size).toBe(100_000);
  });
});
