/** What the ledger has of requests, once nothing is under way any more. */
import type { TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** What the attempts of the last request came to, in their order. */
export async function lastAttempts({ gateway, store }: TestGateway) {
  await until(() => gateway.lifecycle.inFlightCount() === 0);
  await store.flush();
  const { rows } = await store.requestPage({}, { limit: 1, cursor: null });
  const detail = rows[0] === undefined ? null : await store.requestDetail(rows[0].id);
  return (detail?.attempts ?? []).map(({ attempt, price, postings }) => {
    const { chain: _, ...posting } = postings.at(-1) ?? { chain: null };
    return { ...attempt, price, ...posting, postings: postings.length };
  });
}

export async function lastAttempt(tollgate: TestGateway) {
  return (await lastAttempts(tollgate)).at(-1) ?? null;
}
