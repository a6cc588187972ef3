/**
 * A model is served on a surface only where it has a price for one of the surface's meters, however it is
 * paid elsewhere; the refusal says by what it could be paid, and where that is set.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { ProviderRow } from "../../src/store/contract.ts";
import { startRecordedUpstream, type RecordedUpstream } from "../conformance/recorded-upstream.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let tollgate: TestGateway;
let upstream: RecordedUpstream;
let provider: ProviderRow;
let token: string;

beforeAll(async () => {
  tollgate = await startTestGateway();
  upstream = await startRecordedUpstream();
  provider = await tollgate.addProvider({ name: "local", baseUrl: upstream.url });
  const none = { inputPicoUsd: 0, outputPicoUsd: 0 };
  await tollgate.addPrice(provider.id, "paints", { ...none, imagePicoUsd: 40_000_000_000 });
  await tollgate.addPrice(provider.id, "reads", { ...none, characterPicoUsd: 15_000_000 });
  await tollgate.addPrice(provider.id, "ranks", { ...none, searchUnitPicoUsd: 2_000_000_000 });
  await tollgate.addPrice(provider.id, "writes", { inputPicoUsd: 1, outputPicoUsd: 1 });
  const tenantId = (await tollgate.addTenant()).id;
  const made = await tollgate.addToken(tenantId);
  token = made.token;
  const scope = { scopeType: "token", scopeId: made.row.id, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 1_000_000_000_000, mode: "hard" });
});

beforeEach(() => {
  upstream.forget();
  upstream.answer({ status: 400, pieces: ['{"error":{"message":"no"}}'] });
});

afterAll(async () => {
  await tollgate.stop();
  await upstream.stop();
});

const BODIES = {
  "/v1/chat/completions": { messages: [{ role: "user", content: "hi" }] },
  "/v1/completions": { prompt: "hi" },
  "/v1/images/generations": { prompt: "a cat" },
  "/v1/audio/speech": { input: "hi", voice: "alloy" },
  "/v1/rerank": { query: "hi", documents: ["a"] },
  "/v1/moderations": { input: "hi" },
} as const;
type Path = keyof typeof BODIES;

function ask(path: Path, model: string): Promise<Response> {
  return fetch(`${tollgate.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ model: `local/${model}`, ...BODIES[path] }),
  });
}

const PAID: readonly (readonly [path: Path, paid: string])[] = [
  [
    "/v1/images/generations",
    "per picture or per token; an operator can set image_usd, or input_usd_per_million and output_usd_per_million",
  ],
  [
    "/v1/audio/speech",
    "per character or per token; an operator can set character_usd_per_million, or input_usd_per_million and output_usd_per_million",
  ],
  [
    "/v1/rerank",
    "per search or per token; an operator can set search_unit_usd, or input_usd_per_million and output_usd_per_million",
  ],
];

test.each(PAID)("%s says by what it is paid, and where that is set", async (path, paid) => {
  const answer = await ask(path, "nobody-knows");
  const message = `The model "local/nobody-knows" has no known price for ${path}, which is paid ${paid} under /api/v1/prices.`;
  expect([answer.status, upstream.seen.length, await answer.json()]).toEqual([
    403,
    0,
    { error: { message, type: "permission_error", param: "model", code: "model_unpriced" } },
  ]);
});

/** Who may come through where: by the meters that each is paid by, and where it costs nothing everybody. */
const SERVED: Readonly<Record<Path, readonly string[]>> = {
  "/v1/chat/completions": ["writes"],
  "/v1/completions": ["writes"],
  "/v1/images/generations": ["paints", "writes"],
  "/v1/audio/speech": ["reads", "writes"],
  "/v1/rerank": ["ranks", "writes"],
  "/v1/moderations": ["paints", "reads", "ranks", "writes", "nobody-knows"],
};

test.each(Object.entries(SERVED))("%s serves who has a price there: %s", async (path, served) => {
  const came: string[] = [];
  for (const model of ["paints", "reads", "ranks", "writes", "nobody-knows"]) {
    upstream.forget();
    const answer = await ask(path as Path, model);
    const code = answer.headers.get("x-tollgate-error");
    if (upstream.seen.length === 1) came.push(model);
    else expect([model, code]).toEqual([model, "model_unpriced"]);
  }
  expect(came).toEqual([...served]);
});
