/** Only who speaks the client's wire language is asked, whatever a target is for. */
import { expect, test } from "bun:test";
import { choose, chooseFallbacks, chooseShadows } from "../../../src/gateway/choose/choose.ts";
import { chat, chatInit, errorOf } from "../../support/chat.ts";
import type { ProviderRow } from "../../../src/store/contract.ts";
import { chooseWorldForFile, namesOf } from "./world.ts";

const { ask, providers, resolve, target, tenantId, tollgate } = await chooseWorldForFile();
const { directory } = tollgate.gateway;
const [foreign, b] = providers;
if (foreign === undefined || b === undefined) throw new Error("no provider");
await directory.changed("providers", foreign.id, { ...foreign, dialect: "anthropic" });

test("a target in another wire language is left, whatever it is for", async () => {
  const resolved = await resolve([
    target(0),
    target(1),
    target(0, { use: "context_window" }),
    target(2, { use: "context_window" }),
    target(0, { use: "content_filter" }),
    target(0, { use: "shadow", percent: 100 }),
    target(3, { use: "shadow", percent: 100 }),
  ]);
  const asked = ask();
  const { available, left, conversation } = choose(resolved, asked);
  const fallbacks = chooseFallbacks(resolved, conversation, asked);
  expect({
    available: namesOf(available),
    left: left.map(({ candidate, reason }) => [candidate.provider.row.name, reason]),
    longer: namesOf(fallbacks.context_window),
    laxer: namesOf(fallbacks.content_filter),
    shadows: namesOf(chooseShadows(resolved, asked)),
  }).toEqual({
    available: ["b"],
    left: [["a", "surface"]],
    longer: ["c"],
    laxer: [],
    shadows: ["d"],
  });
});

test("a model that nobody serves in the client's language is not found there, and nobody is asked", async () => {
  const { token } = await tollgate.addToken(tenantId);
  const reply = await chat(tollgate.url, { token, body: { model: "a/m" } });
  expect([reply.status, errorOf(reply)]).toEqual([
    404,
    {
      message:
        'The model "a/m" is not served on this path, which is in the dialect openai: its providers speak anthropic.',
      type: "invalid_request_error",
      code: "model_not_found",
      param: "model",
    },
  ]);
  expect(tollgate.upstream.stats().requests).toBe(0);
});

test("a provider is asked for what its company serves and its operator left, and for nothing else", async () => {
  const { token } = await tollgate.addToken(tenantId);
  const { upstream, url } = tollgate;
  const embed = { ...chatInit({ token }), body: JSON.stringify({ model: "b/m", input: "hi" }) };
  const served = async (row: Partial<ProviderRow>): Promise<readonly number[]> => {
    await directory.changed("providers", b.id, { ...b, ...row });
    const before = upstream.stats().requests;
    const said = await chat(url, { token, body: { model: "b/m" } });
    const embedded = await fetch(`${url}/v1/embeddings`, embed);
    await embedded.body?.cancel();
    return [said.status, embedded.status, upstream.stats().requests - before];
  };
  expect(await served({ terms: {} })).toEqual([200, 200, 2]);
  // Groq has no embeddings.
  expect(await served({ terms: { company: "groq" } })).toEqual([200, 404, 1]);
  expect(await served({ terms: { surfaces: ["embeddings"] } })).toEqual([404, 200, 1]);
  expect(await served({ terms: { company: "groq", surfaces: ["embeddings"] } })).toEqual([
    404, 404, 0,
  ]);
  const reply = await chat(url, { token, body: { model: "b/m" } });
  expect(errorOf(reply)).toEqual({
    message: 'The model "b/m" is not served on this path: its providers are not asked for chat.',
    type: "invalid_request_error",
    code: "model_not_found",
    param: "model",
  });
});
