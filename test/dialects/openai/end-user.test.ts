/** For whom a client says it asks: its own word as it is, within a bound. */
import { describe, expect, test } from "bun:test";
import type { Surface } from "../../../src/dialects/surfaces.ts";
import { codecOf } from "../../../src/dialects/catalogue.ts";
import { NOWHERE } from "../nowhere.ts";

function endUserOf(surface: Surface, members: object): string | null {
  const body = { model: "m", messages: [{ role: "user", content: "hi" }], input: "hi", ...members };
  const verdict = codecOf(surface).accept(new TextEncoder().encode(JSON.stringify(body)), NOWHERE);
  if (!verdict.allowed) throw new Error(verdict.refusal.message);
  return verdict.value.endUserId;
}

function sha256(word: string): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(word).digest("hex")}`;
}

const longest = "\u00fc".repeat(128);
const half = "half \ud800 a pair";

describe.each<Surface>(["chat", "embeddings"])("the end user of a %s request", (surface) => {
  test.each<[string, object, string | null]>([
    ["is `user`", { user: "u-1" }, "u-1"],
    ["else `safety_identifier`", { safety_identifier: "s-1" }, "s-1"],
    ["is `user` where both are given", { user: "u-1", safety_identifier: "s-1" }, "u-1"],
    ["is `safety_identifier` where `user` is null", { user: null, safety_identifier: "s" }, "s"],
    ["is `safety_identifier` where `user` is empty", { user: "", safety_identifier: "s" }, "s"],
    ["is nobody where none is given", {}, null],
    ["is nobody where it is a number", { user: 7 }, null],
    ["is nobody where it is an object", { user: { id: "u-1" }, safety_identifier: ["s"] }, null],
    ["may be any text", { user: " a/b *\n" }, " a/b *\n"],
    ["may have 128 characters", { user: longest }, longest],
    ["with more is known by its hash", { user: `${longest}!` }, sha256(`${longest}!`)],
    ["that is no text is known by its hash", { user: half }, sha256(half)],
  ])("%s", (_name, members, expected) => {
    expect(endUserOf(surface, members)).toBe(expected);
  });
});
