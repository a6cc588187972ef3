/** The chains of the ledger: their form never changes, and nothing that fails leaves a gap in them. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { attemptLink, FIRST_LINK, postingLink } from "../../src/store/chain.ts";
import { openEngine, type Engine } from "../../src/store/engine.ts";
import { Mark } from "../../src/store/mark.ts";
import { positionOf } from "../../src/store/position.ts";
import type { BatchMessage } from "../../src/store/protocol.ts";
import { verifyLedger } from "../../src/store/verify.ts";
import { holdRecord, NOW_MS, postingRecord } from "./support/records.ts";
import { seededDraw } from "./support/tamper.ts";
import { readRows, tempDir } from "./support/temp-store.ts";

/** The link as anybody can compute it who has the rows and this text. */
function sha256(before: Uint8Array, text: string): string {
  return new Bun.CryptoHasher("sha256").update(before).update(text).digest("hex");
}

function hex(link: Uint8Array): string {
  return Buffer.from(link).toString("hex");
}

describe("a link", () => {
  test("of an attempt is the hash of the link before it and one text, which may never change", () => {
    const attempt = {
      seq: 7,
      id: "att_1",
      requestId: "req_1",
      number: 2,
      tenantId: "ten_1",
      projectId: null,
      tokenId: "tok_1",
      endUserId: 'he said "é 😀\u0000" \ud800',
      routeId: "rte_1",
      providerId: "prv_1",
      model: "gpt-4o-mini",
      price: '{"input":150000}',
      heldNanoUsd: 9_007_199_254_740_991,
      heldAtMs: NOW_MS,
      commitNumber: 3,
    };
    const text =
      '[1,7,"att_1","req_1",2,"ten_1",null,"tok_1","he said \\"é 😀\\u0000\\" \ufffd","rte_1","prv_1",' +
      '"gpt-4o-mini","{\\"input\\":150000}",9007199254740991,1779271620000,3]';
    expect(hex(attemptLink(FIRST_LINK, attempt))).toBe(sha256(new Uint8Array(32), text));
    const next = attemptLink(FIRST_LINK, attempt);
    expect(hex(attemptLink(next, attempt))).toBe(sha256(next, text));
  });

  test("of a posting is so too", () => {
    const posting = {
      seq: 9,
      attemptId: "att_1",
      kind: "settle",
      amountNanoUsd: 3_000,
      estimated: 1,
      inputTokens: 100,
      outputTokens: 20,
      cachedInputTokens: 10,
      reasoningTokens: 5,
      details: '{"cacheWriteTokens":7}',
      status: null,
      outcome: "ok",
      latencyMs: 812,
      postedAtMs: NOW_MS,
      corrects: null,
    } as const;
    const text =
      '[1,9,"att_1","settle",3000,1,100,20,10,5,"{\\"cacheWriteTokens\\":7}",null,"ok",812,' +
      "1779271620000,null]";
    expect(hex(postingLink(FIRST_LINK, posting))).toBe(sha256(new Uint8Array(32), text));
  });
});

/** Ways to make a batch fail, each by a trigger that another program put there. */
const FAILURES = {
  "while its sums are written":
    "create trigger fails before insert on spend begin select raise(abort, 'no'); end",
  "at its commit": `
    create trigger fails after insert on attempts
    begin insert into promises values (new.id); end`,
} as const;
type Failure = keyof typeof FAILURES;
const FAILURE_NAMES = Object.keys(FAILURES) as Failure[];

function batchOf(more: Partial<BatchMessage>): BatchMessage {
  return { type: "batch", holds: [], postings: [], rows: [], probe: false, calls: [], ...more };
}

function openIn(dir: string, recover: boolean): Engine {
  return openEngine({ type: "open", file: join(dir, "tollgate.db"), recover, nowMs: NOW_MS });
}

/** Makes the next batches fail until it is disposed of. */
function failing(file: string, failure: Failure): Disposable {
  using other = new Database(file);
  // Whatever is put in here breaks a promise, which is only looked at when the batch commits.
  other.exec(
    "create table if not exists promises (id text references tenants (id) deferrable initially deferred)",
  );
  other.exec(FAILURES[failure]);
  return {
    [Symbol.dispose]: () => {
      using again = new Database(file);
      again.exec("drop trigger fails");
    },
  };
}

/** Everything verifies, and the mark stands where the file does. */
function expectWhole(file: string): void {
  expect(verifyLedger(file)).toMatchObject({ differences: [], frozen: null });
  using database = new Database(file, { readonly: true });
  expect(new Mark(file).read()).toEqual(positionOf(database));
}

describe("the chains go on without a gap", () => {
  test.each(FAILURE_NAMES)("after a batch that failed %s", (failure) => {
    using dir = tempDir();
    const file = join(dir.path, "tollgate.db");
    const engine = openIn(dir.path, true);
    const held = holdRecord();
    expect(engine.write(batchOf({ holds: [held] }))).toEqual({ type: "committed" });
    const lost = holdRecord({ price: '{"input":2}' });
    const settled = [postingRecord(held.attemptId)];
    {
      using _ = failing(file, failure);
      const outcome = engine.write(batchOf({ holds: [lost], postings: settled }));
      expect(outcome).toMatchObject({ type: "failed", uncertain: failure === "at its commit" });
    }
    expectWhole(file);
    const other = holdRecord({ price: '{"input":3}' });
    expect(engine.write(batchOf({ holds: [other, lost], postings: settled }))).toEqual({
      type: "committed",
    });
    expectWhole(file);
    engine.close();
    expect(readRows(file, "select seq, id from attempts order by seq")).toEqual(
      [held, other, lost].map(({ attemptId }, place) => ({ seq: place + 1, id: attemptId })),
    );
  });

  test("around what is refused in the middle of a batch", () => {
    using dir = tempDir();
    const file = join(dir.path, "tollgate.db");
    const engine = openIn(dir.path, true);
    const [first, second, third] = [holdRecord(), holdRecord(), holdRecord()];
    const outcome = engine.write(
      batchOf({
        holds: [first, first, second, holdRecord({ heldNanoUsd: -1 }), third],
        postings: [
          postingRecord(first.attemptId),
          postingRecord("att_nobody"),
          postingRecord(first.attemptId),
          postingRecord(second.attemptId, { amountNanoUsd: -1 }),
          postingRecord(third.attemptId, { amountNanoUsd: 0.5 }),
          postingRecord(third.attemptId),
        ],
      }),
    );
    expect(outcome).toMatchObject({
      type: "committed",
      refusedHolds: [
        [1, expect.any(String)],
        [3, expect.any(String)],
      ],
      keptOut: [
        { what: "posting_unknown" },
        { what: "posting_repeated" },
        { what: "posting_invalid" },
        { what: "posting_invalid" },
      ],
    });
    expectWhole(file);
    expect(verifyLedger(file)).toMatchObject({ attempts: 3, postings: 2, open: 1 });
    engine.close();
  });

  test.each([1, 2])(
    "through a life of failures, restarts and crashes (%i)",
    (seed) => {
      using dir = tempDir();
      const file = join(dir.path, "tollgate.db");
      const draw = seededDraw(seed);
      const engines = [openIn(dir.path, true)];
      let open: string[] = [];
      for (let round = 0; round < 40; round += 1) {
        const engine = engines[0];
        if (engine === undefined) throw new Error("no engine is open");
        const holds = Array.from({ length: draw(4) }, () =>
          holdRecord({ price: `{"input":${draw(5)}}`, heldNanoUsd: draw(3) === 0 ? -1 : 5_000 }),
        );
        const ended = open.filter(() => draw(2) === 0);
        const message = batchOf({
          holds,
          postings: [...ended, "att_nobody"].map((attemptId) => postingRecord(attemptId)),
        });
        if (draw(3) === 0) {
          using _ = failing(file, FAILURE_NAMES[draw(2)] ?? "at its commit");
          engine.write(message);
        } else engine.write(message);
        open = readRows(
          file,
          "select id from attempts join open_attempts on seq = attempt_seq",
        ).map((row) => String(row["id"]));
        // A thread that died leaves its connection as it was; the next one goes on beside it.
        if (draw(6) === 0) engines.unshift(openIn(dir.path, draw(2) === 0));
        if (round % 10 === 0) expectWhole(file);
      }
      expectWhole(file);
      expect(verifyLedger(file).attempts).toBeGreaterThan(20);
      for (const engine of engines) engine.close();
    },
    60_000,
  );
});
