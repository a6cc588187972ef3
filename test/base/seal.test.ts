import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { systemRandom } from "../../src/base/random.ts";
import {
  deriveKey,
  seal,
  sealBytes,
  SealError,
  unseal,
  unsealBytes,
  type KeyPurpose,
} from "../../src/base/seal.ts";

const key = new Uint8Array(32).fill(1);
const place = "providers/prv_1/credential";

function opening(sealed: string, at = place, under = key): string {
  try {
    return unseal(under, sealed, at);
  } catch (error) {
    if (error instanceof SealError) return error.message;
    throw error;
  }
}

describe("a sealed secret", () => {
  test("opens to what it was, whatever it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), (plain, boundTo) => {
        expect(unseal(key, seal(key, plain, boundTo, systemRandom), boundTo)).toBe(plain);
      }),
    );
  });

  test("has the form v1.NONCE.CIPHERTEXT.TAG and does not show the secret", () => {
    const sealed = seal(key, "sk-secret", place, systemRandom);
    expect(sealed).toMatch(/^v1\.[\w-]{16}\.[\w-]{12}\.[\w-]{22}$/);
    expect(sealed).not.toContain("secret");
  });

  test("is never the same twice", () => {
    const sealed = Array.from({ length: 1_000 }, () => seal(key, "same", place, systemRandom));
    expect(new Set(sealed).size).toBe(1_000);
  });

  test("does not open in another row", () => {
    const sealed = seal(key, "sk-secret", place, systemRandom);
    expect(opening(sealed, "providers/prv_2/credential")).toBe(
      "The sealed value of providers/prv_2/credential does not open: it was changed, moved here " +
        "from another row, or sealed under another encryption key.",
    );
  });

  test("does not open under another key", () => {
    const sealed = seal(key, "sk-secret", place, systemRandom);
    expect(opening(sealed, place, new Uint8Array(32).fill(2))).toContain("does not open");
  });

  test("does not open with any one character changed", () => {
    const sealed = seal(key, "sk-secret-of-some-length", place, systemRandom);
    const opened = sealed.split("").flatMap((character, at) => {
      const changed = character === "A" ? "B" : "A";
      const answer = opening(sealed.slice(0, at) + changed + sealed.slice(at + 1));
      return answer.includes("does not open") ? [] : [`${at}: ${answer}`];
    });
    expect(opened).toEqual([]);
  });

  test("does not open cut, extended or emptied", () => {
    const sealed = seal(key, "sk-secret", place, systemRandom);
    const [version, nonce, ciphertext, tag] = sealed.split(".");
    const broken = [
      "",
      "v1",
      "v1...",
      "v2." + sealed.slice(3),
      sealed.slice(0, -1),
      `${sealed}A`,
      `${sealed}=`,
      `${sealed}.`,
      `${version}.${nonce}..${tag}`,
      `${version}.${nonce}.${ciphertext}.`,
      `${version}..${ciphertext}.${tag}`,
      // A shortened tag would be easier to guess; GCM would take it if it were let through.
      `${version}.${nonce}.${ciphertext}.${tag?.slice(0, 16)}`,
      "plain text",
    ];
    const opened = broken.filter((text) => !opening(text).includes("does not open"));
    expect(opened).toEqual([]);
  });
});

describe("sealed bytes", () => {
  test("open to what they were, at their place only, and not with one byte changed or missing", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(), (plain, chance) => {
        const sealed = sealBytes(key, plain, place, systemRandom);
        expect([...unsealBytes(key, sealed, place)]).toEqual([...plain]);
        const changed = Uint8Array.from(sealed);
        changed[chance % sealed.length] = (changed[chance % sealed.length] ?? 0) ^ 1;
        const cut = sealed.subarray(0, chance % sealed.length);
        for (const [bytes, at] of [
          [changed, place],
          [cut, place],
          [sealed, "elsewhere"],
        ] as const) {
          expect(() => unsealBytes(key, bytes, at)).toThrow(SealError);
        }
      }),
    );
  });
});

describe("a derived key", () => {
  test("is HKDF-SHA256 of the master key, one per purpose", () => {
    const master = new Uint8Array(32).fill(9);
    const purposes: readonly KeyPurpose[] = [
      "access-token-pepper",
      "credential",
      "admin-token",
      "idempotency-hash",
      "idempotency-answer",
    ];
    const keys = purposes.map((purpose) => Buffer.from(deriveKey(master, purpose)).toString("hex"));
    expect(new Set(keys).size).toBe(purposes.length);
    expect(keys.map((text) => text.length)).toEqual(purposes.map(() => 64));
    // Pinned: another value would make every stored hash and credential useless.
    expect(keys[0]).toBe("37e69acf3bf5f96a1a1ec5fd3d4e2b3da3f8432bd970d80354f1952dd2459448");
  });

  test("needs a master key of 32 bytes", () => {
    expect(() => deriveKey(new Uint8Array(16), "credential")).toThrow("must have 32 bytes");
  });
});
