/** The upstream's bytes are the client's, but for the model's name and a lower output limit. */
import { expect, test } from "bun:test";
import { messagesCodec } from "../../../src/dialects/anthropic/messages.ts";
import type { RequestEdits } from "../../../src/dialects/contract.ts";
import { NOWHERE } from "../nowhere.ts";

const body = `{"x":1.50, "model" : "pub\\u006cic" ,"messages":[{"role":"user","content":"max_tokens"}],\n"max_tokens":4e3}`;

function sent(edits: Partial<RequestEdits>): string {
  const verdict = messagesCodec.accept(new TextEncoder().encode(body), NOWHERE);
  if (!verdict.allowed) throw new Error(verdict.refusal.message);
  const none = {
    model: "public",
    outputTokensCap: null,
    outputCapMember: "max_tokens",
    includeUsage: true,
  } as const;
  return new TextDecoder().decode(messagesCodec.request(verdict.value, { ...none, ...edits }));
}

test("nothing changes where nothing has to", () => {
  expect([sent({}), sent({ outputTokensCap: 4_000 })]).toEqual([body, body]);
});

test("the model's name is replaced, and everything else stays", () => {
  expect(sent({ model: 'a"b' })).toBe(body.replace('"pub\\u006cic"', '"a\\"b"'));
});

test("the limit is lowered to a cap, and never raised", () => {
  expect(sent({ outputTokensCap: 100 })).toBe(body.replace("4e3", "100"));
});
