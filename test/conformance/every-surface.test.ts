/**
 * What must be so on every surface of the table, whatever it is about: the bytes of both directions are the
 * direct ones, what was reported is what is charged, and no trouble looks like a complete answer.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { specOf, type Surface, SURFACE_NAMES, SURFACES } from "../../src/dialects/surfaces.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import { type Example, PRICE, SSE_TYPE } from "./example.ts";
import { EXAMPLES } from "./examples.ts";
import { lastAttempt, lastAttempts } from "./ledger-rows.ts";
import { cutAt, inPieces } from "./multipart.ts";
import {
  type Asked,
  conformanceStageForFile,
  PUBLIC_MODEL,
  type Stage,
  UPSTREAM_MODEL,
} from "./stage.ts";

const STAGES = {
  openai: await conformanceStageForFile("openai", "/v1", PRICE),
  anthropic: await conformanceStageForFile("anthropic", "/v1", PRICE),
  google: await conformanceStageForFile("google", "/v1beta", PRICE),
} as const;

/** As each company words it within a stream (API references, 2026-11). */
const ERRORS_WITHIN = {
  openai: { error: { message: "overloaded", type: "server_error", code: null, param: null } },
  anthropic: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
  google: { error: { code: 503, message: "overloaded", status: "UNAVAILABLE" } },
} as const;

const stageOf = (surface: Surface): Stage => STAGES[SURFACES[surface].dialect];

/** Each example of each surface; the last path of a surface is the one that its provider here has. */
const CASES = SURFACE_NAMES.flatMap((surface) =>
  EXAMPLES[surface].map((example): readonly [string, Surface, Example] => [
    `${surface}, ${example.name}`,
    surface,
    example,
  ]),
);

const idOf = ({ kept }: Example): string => `${kept ?? "nothing"}_1`;

function pathFor(surface: Surface, model: string, example: Example): string {
  const { dialect, paths } = specOf(surface);
  const path = (dialect === "google" ? paths.at(-1) : paths[0]) ?? "";
  const named = path.replace("{model}", model).replace("{id}", idOf(example));
  return named.replace("{item_id}", "item_1") + (example.query ?? "");
}

function asked(
  surface: Surface,
  example: Example,
  model: string,
  cuts: readonly number[] = [],
): Asked {
  const body = example.body?.(model);
  return {
    method: specOf(surface).method,
    path: pathFor(surface, model, example),
    headers: example.headers?.(model) ?? {},
    ...(body === undefined ? {} : { body: inPieces(cutAt(body, cuts)) }),
  };
}

/** A deleted one is there again. */
async function keep({ tollgate, tenantId, provider }: Stage, example: Example): Promise<void> {
  if (example.kept === undefined) return;
  const createdAtMs = tollgate.gateway.clock.nowMs();
  await tollgate.gateway.objects.note([
    {
      tenantId,
      id: idOf(example),
      kind: example.kept,
      tokenId: "",
      providerId: provider.id,
      credentialPosition: 1,
      batch:
        example.keptBounds === undefined ? null : JSON.stringify({ bounds: example.keptBounds }),
      credentialHash: null,
      route: PUBLIC_MODEL,
      model: UPSTREAM_MODEL,
      detail: null,
      createdAtMs,
      expiresAtMs: createdAtMs + 3_600_000,
    },
  ]);
}

describe.each(CASES)("%s", (_name, surface, example) => {
  const stage = stageOf(surface);
  const { direct, through, tollgate, upstream } = stage;
  const { answer, contentType } = example;
  const headers = { "content-type": contentType };

  beforeEach(() => begin(stage, example));

  afterEach(() => expectNothingLeft(stage));

  test("has the direct bytes in any pieces, in both directions", async () => {
    const places = fc.array(fc.nat({ max: 3_500 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(places, places, async (sent, cuts) => {
        upstream.answer({ headers, pieces: cutAt(answer, cuts) });
        await keep(stage, example);
        const past = await direct(asked(surface, example, UPSTREAM_MODEL, sent));
        const relayed = await through(asked(surface, example, PUBLIC_MODEL, sent));
        expect(relayed.text).toBe(past.text);
        expect(Buffer.compare(relayed.bytes, past.bytes)).toBe(0);
        expect([relayed.status, relayed.headers.get("content-type")]).toEqual([200, contentType]);
        expect(seenOf(relayed.seen)).toEqual(seenOf(past.seen));
      }),
      { numRuns: 6 },
    );
  });

  test("costs what was reported, and nothing stays held unless its provider goes on", async () => {
    upstream.answer({ headers, pieces: [answer] });
    expect((await through(asked(surface, example, PUBLIC_MODEL))).status).toBe(200);
    const attempt = await lastAttempt(tollgate);
    if (example.goesOn === true) {
      expect([attempt?.postings, attempt?.heldNanoUsd]).toEqual([0, expect.any(Number)]);
      expect(attempt?.heldNanoUsd).toBeGreaterThan(0);
      return;
    }
    expect(attempt).toMatchObject({
      outcome: "ok",
      amountNanoUsd: example.costNanoUsd,
      estimated: example.estimated ?? false,
      postings: 1,
    });
  });
});

/** Trouble is the same whatever an answer is about. */
const ORDINARY = CASES.filter(([, , { shows }]) => shows === undefined);

describe.each(ORDINARY)("%s, in trouble:", (_name, surface, example) => {
  const stage = stageOf(surface);
  const { through, tollgate, upstream } = stage;
  const { answer, contentType, kind } = example;
  const headers = { "content-type": contentType };

  beforeEach(() => begin(stage, example));

  afterEach(() => expectNothingLeft(stage));

  test("a refusal comes as it is, after one call, and is free", async () => {
    const refusal = '{ "error":{"code":400,"type":"invalid_request_error","message":"no 🙂"} }';
    upstream.answer({ status: 400, pieces: [refusal] });
    const { status, text } = await through(asked(surface, example, PUBLIC_MODEL));
    expect([status, text, upstream.seen.length]).toEqual([400, refusal, 1]);
    expect((await lastAttempts(tollgate)).map((one) => one.amountNanoUsd)).toEqual([0]);
  });

  test("an answer that breaks off is not a complete one", async () => {
    const half = answer.subarray(0, Math.ceil(answer.length * 0.6));
    const begun = Promise.withResolvers<void>();
    upstream.answer({ headers, pieces: [half], end: "cut", endAfter: begun.promise });
    // What is passed on whole has not begun before it has come whole.
    if (kind === "json") begun.resolve();
    const reply = await fetchThrough(stage, asked(surface, example, PUBLIC_MODEL));
    begun.resolve();
    const text = await reply.text().catch(() => null);
    const told = { status: reply.status, text: text === null ? null : /"error"/u.exec(text)?.[0] };
    expect(told).toEqual(
      kind === "json"
        ? { status: 502, text: '"error"' }
        : { status: 200, text: kind === "bytes" ? null : '"error"' },
    );
    const attempts = await lastAttempts(tollgate);
    expect([...new Set(attempts.map((one) => one.postings))]).toEqual([1]);
    expect(attempts.length).toBe(upstream.seen.length);
  });

  test("a client that leaves ends the call, and it is settled", async () => {
    upstream.answer({ headers, pieces: [], end: "hang" });
    const client = new AbortController();
    const left = fetchThrough(stage, asked(surface, example, PUBLIC_MODEL), client.signal);
    await until(() => upstream.seen.length === 1);
    client.abort();
    expect(await left.catch(() => "gone")).toBe("gone");
    await upstream.quiet();
    const attempts = await lastAttempts(tollgate);
    expect(attempts.map(({ outcome, postings }) => [outcome, postings])).toEqual([
      ["client_gone", 1],
    ]);
  });
});

const STREAMED = ORDINARY.filter(([, , { contentType }]) => contentType === SSE_TYPE);

test.each(STREAMED)(
  "%s: an error event of the provider is the last, as it came",
  async (...one) => {
    const [, surface, example] = one;
    const stage = stageOf(surface);
    const { direct, through, tollgate, upstream } = stage;
    const told = example.errorWithin ?? ERRORS_WITHIN[specOf(surface).dialect];
    const events = new TextDecoder().decode(example.answer).split(/(?<=\r?\n\r?\n)/u);
    const begun = events.slice(0, Math.ceil(events.length * 0.6)).join("");
    const error = `data: ${JSON.stringify(told)}\n\n`;
    upstream.answer({ headers: { "content-type": SSE_TYPE }, pieces: [begun, error] });
    await begin(stage, example);
    const past = await direct(asked(surface, example, UPSTREAM_MODEL));
    const relayed = await through(asked(surface, example, PUBLIC_MODEL));
    expect([relayed.status, relayed.text]).toEqual([200, past.text]);
    expect(await lastAttempt(tollgate)).toMatchObject({ outcome: "error_event", postings: 1 });
    await expectNothingLeft(stage);
  },
);

/** A provider that remembers nothing, and keeps what the example is about. */
async function begin(stage: Stage, example: Example): Promise<void> {
  await freshProvider(stage.tollgate, stage.provider);
  await keep(stage, example);
}

async function expectNothingLeft({ tollgate }: Stage): Promise<void> {
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  expect(tollgate.gateway.spools.takenBytes).toBe(0);
}

/** For a client that reads its answer bit by bit, or leaves. */
function fetchThrough(
  { tollgate, token }: Stage,
  { method = "POST", path, headers, body }: Asked,
  signal: AbortSignal | null = null,
): Promise<Response> {
  return fetch(`${tollgate.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body }),
    signal,
  });
}

/** What must be the same at the provider, whoever asked. */
function seenOf(seen: Stage["upstream"]["seen"][number] | null) {
  if (seen === null) return null;
  const { method, path, headers, body } = seen;
  const told = ["authorization", "x-api-key", "x-goog-api-key", "content-type"] as const;
  return { method, path, body, told: told.map((name) => headers[name]) };
}
