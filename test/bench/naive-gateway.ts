/**
 * A gateway as many are written, for the bench to catch: it reads what was spent before a call and
 * adds the call's cost after the answer. Calls that are under way at the same time do not see each
 * other, so each of them finds room.
 */

/** US dollars per call, and in the budget of every access token. */
export type NaiveMoney = { readonly callUsd: number; readonly budgetUsd: number };

export type NaiveGateway = AsyncDisposable & {
  readonly url: string;
  /** Where calls go from now on. */
  upstream: string;
};

/** Serves `/v1/chat/completions` for any bearer token. */
export function startNaiveGateway(upstream: string, money: NaiveMoney): NaiveGateway {
  const spentUsd = new Map<string, number>();
  const gateway = {
    upstream,
    url: "",
    [Symbol.asyncDispose]: () => server.stop(true),
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const token = request.headers.get("authorization") ?? "";
      if ((spentUsd.get(token) ?? 0) >= money.budgetUsd) {
        const error = {
          message: "Budget has been exceeded!",
          type: "budget_exceeded",
          code: "400",
        };
        return Response.json({ error }, { status: 400 });
      }
      const answer = await fetch(`${gateway.upstream}/v1/chat/completions`, {
        method: "POST",
        body: await request.text(),
      });
      const { status, headers } = answer;
      const body = await answer.arrayBuffer();
      spentUsd.set(token, (spentUsd.get(token) ?? 0) + money.callUsd);
      const type = headers.get("content-type") ?? "";
      return new Response(body, { status, headers: { "content-type": type } });
    },
  });
  gateway.url = server.url.origin;
  return gateway;
}
