/** Gemini's streams where more than one attempt is made of them: hedged, failed over, and copied. */
import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import { FRAMINGS, STREAMED, UNAVAILABLE } from "./google-answers.ts";
import type { Recorded, Seen } from "./recorded-upstream.ts";
import { conformanceStageForFile, UPSTREAM_MODEL } from "./stage.ts";

const PRICES = { inputPicoUsd: 1_000_000, outputPicoUsd: 1_000_000 };
const { provider, through, tollgate, upstream } = await conformanceStageForFile(
  "google",
  "/v1beta",
  PRICES,
);

const SECOND_MODEL = "second-model";
const hedge = { percentile: 95, delayMsMin: 10, percentMax: 100 };

beforeAll(async () => {
  // Of another family, so that it has a lane and a health of its own.
  await tollgate.addPrice(provider.id, SECOND_MODEL, PRICES);
  const first = { providerId: provider.id, model: UPSTREAM_MODEL, weight: 1, priority: 0 };
  const second = { ...first, model: SECOND_MODEL, priority: 1 };
  await tollgate.addRoute("hedged", [first, second], { terms: { hedge } });
  await tollgate.addRoute("failing-over", [first, second]);
  await tollgate.addRoute("mirrored", [first, { ...second, use: "shadow", percent: 100 }]);
});
beforeEach(() => freshProvider(tollgate, provider));

/** Attempts of everybody, the house included, by the model they asked. */
async function attempts() {
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  await tollgate.store.flush();
  const { rows } = await tollgate.store.requestPage({}, { limit: 2, cursor: null });
  const details = await Promise.all(rows.map(({ id }) => tollgate.store.requestDetail(id)));
  const all = details.flatMap((detail) => detail?.attempts ?? []);
  return all.map(({ attempt, postings }) => `${attempt.model} ${postings.at(-1)?.outcome}`);
}

const isFirst = ({ path }: Seen): boolean => path.includes(UPSTREAM_MODEL);

describe.each(FRAMINGS.map((framed) => [framed.name, framed] as const))("%s", (_name, framed) => {
  const { query, contentType, closed } = framed;
  const answer: Recorded = {
    headers: { "content-type": contentType },
    pieces: [closed(STREAMED)],
  };
  const ask = (model: string) => {
    const path = `/v1beta/models/${model}:streamGenerateContent${query}`;
    return through({ path, body: '{"contents":[]}' });
  };
  test("a stream that is late loses to a second one", async () => {
    const silent: Recorded = { ...answer, pieces: [], end: "hang" };
    upstream.answer((seen) => (isFirst(seen) ? silent : answer));
    const { text, headers } = await ask("hedged");
    expect([text, headers.get("x-tollgate-model")]).toEqual([closed(STREAMED), SECOND_MODEL]);
    await upstream.quiet();
    expect((await attempts()).slice(0, 2).toSorted()).toEqual([
      `${SECOND_MODEL} ok`,
      `${UPSTREAM_MODEL} hedge_lost`,
    ]);
  });

  test("one that fails before its content goes on at the next target, unseen by the client", async () => {
    upstream.answer((seen) =>
      isFirst(seen) ? { ...answer, pieces: [closed([UNAVAILABLE])] } : answer,
    );
    const { text, headers } = await ask("failing-over");
    expect([text, headers.get("x-tollgate-model")]).toEqual([closed(STREAMED), SECOND_MODEL]);
  });

  test("a copy that came to its end is a whole answer of the house's", async () => {
    upstream.answer(answer);
    expect((await ask("mirrored")).text).toBe(closed(STREAMED));
    await until(() => upstream.seen.length === 2);
    expect((await attempts()).toSorted()).toEqual([`${SECOND_MODEL} ok`, `${UPSTREAM_MODEL} ok`]);
  });
});
