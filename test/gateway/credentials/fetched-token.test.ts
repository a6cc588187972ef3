/** A fetched token is got once for everybody, renewed before it ends, and never used after its end. */
import { expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { FetchedToken, type TokenAnswer } from "../../../src/gateway/credentials/fetched-token.ts";

const HOUR_MS = 3_600_000;
const REFUSED = {
  ok: false,
  problem: { kind: "credential_refused", detail: "status 401" },
} as const;

/** A token whose requests are answered by hand, on a clock that is moved by hand. */
function scripted() {
  let nowMs = 1_000;
  const asked: ((answer: TokenAnswer) => void)[] = [];
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const token = new FetchedToken(
    clock,
    () => new Promise<TokenAnswer>((resolve) => asked.push(resolve)),
  );
  return {
    token,
    asked,
    pass: (ms: number) => {
      nowMs += ms;
    },
    answer: async (place: number, answer: TokenAnswer): Promise<void> => {
      asked[place]?.(answer);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const lives = (text: string, livesMs = HOUR_MS): TokenAnswer => ({
  ok: true,
  token: text,
  livesMs,
});

test("200 who need it at once wait for one request", async () => {
  const { token, asked, answer } = scripted();
  const waiting = Array.from({ length: 200 }, () => Promise.resolve(token.prepare()));
  expect(asked.length).toBe(1);
  await answer(0, lives("one"));
  expect(await Promise.all(waiting)).toEqual(Array.from({ length: 200 }, () => null));
  expect([token.text(), token.prepare()]).toEqual(["one", null]);
  expect(asked.length).toBe(1);
});

test("near its end it is renewed by one request, while it goes on being used", async () => {
  const { token, asked, answer, pass } = scripted();
  const first = token.prepare();
  await answer(0, lives("one"));
  await first;
  pass(HOUR_MS - LIMITS.tokenRenewAheadMs - 1);
  expect([token.prepare(), asked.length]).toEqual([null, 1]);
  pass(1);
  for (let times = 0; times < 50; times += 1) expect(token.prepare()).toBeNull();
  expect([token.text(), asked.length]).toEqual(["one", 2]);
  await answer(1, lives("two"));
  expect([token.prepare(), token.text(), asked.length]).toEqual([null, "two", 2]);
});

test("a renewal that fails leaves it in use, and is tried again after a while", async () => {
  const { token, asked, answer, pass } = scripted();
  const first = token.prepare();
  await answer(0, lives("one"));
  await first;
  pass(HOUR_MS - LIMITS.tokenRenewAheadMs);
  expect(token.prepare()).toBeNull();
  await answer(1, REFUSED);
  for (let times = 0; times < 50; times += 1) expect(token.prepare()).toBeNull();
  expect([token.text(), asked.length]).toEqual(["one", 2]);
  pass(LIMITS.tokenRetryMs);
  expect([token.prepare(), asked.length]).toEqual([null, 3]);
});

test("at its end everybody waits for another, and is told why there is none", async () => {
  const { token, asked, answer, pass } = scripted();
  const first = token.prepare();
  await answer(0, lives("one"));
  await first;
  pass(HOUR_MS - LIMITS.tokenSpareMs);
  const waiting = [token.prepare(), token.prepare()].map((one) => Promise.resolve(one));
  await answer(1, REFUSED);
  expect(await Promise.all(waiting)).toEqual([REFUSED.problem, REFUSED.problem]);
  const again = token.prepare();
  expect(asked.length).toBe(3);
  await answer(2, lives("two"));
  expect([await again, token.text()]).toEqual([null, "two"]);
});

test("one that lives shortly is renewed at half its life, and one that is refused is not used again", async () => {
  const { token, asked, answer, pass } = scripted();
  const first = token.prepare();
  await answer(0, lives("brief", 60_000));
  await first;
  pass(29_999);
  expect([token.prepare(), asked.length]).toEqual([null, 1]);
  pass(1);
  expect([token.prepare(), asked.length]).toEqual([null, 2]);
  await answer(1, lives("next", 60_000));
  pass(1);
  token.refused(30_001 + 1_000);
  expect(token.prepare()).toBeInstanceOf(Promise);
  expect(asked.length).toBe(3);
});

test("one that was refused is shown by whoever is on the way already, never nothing in its place", async () => {
  const { token, answer } = scripted();
  const first = token.prepare();
  await answer(0, lives("one"));
  await first;
  expect(token.prepare()).toBeNull();
  token.refused(1_000);
  expect(token.text()).toBe("one");
});

test("a late refusal of an earlier one leaves the newer one in use", async () => {
  const { token, asked, answer, pass } = scripted();
  const first = token.prepare();
  await answer(0, lives("one"));
  await first;
  // Five hundred were sent with it, and all of them are refused, one after the other.
  pass(5);
  token.refused(1_005);
  const second = token.prepare();
  pass(5);
  await answer(1, lives("two"));
  await second;
  for (let times = 0; times < 499; times += 1) {
    token.refused(1_005);
    expect(token.prepare()).toBeNull();
  }
  expect([token.text(), asked.length]).toEqual(["two", 2]);
  pass(1);
  token.refused(1_011);
  expect(token.prepare()).toBeInstanceOf(Promise);
});

test("those that were used lately stay secrets, for whoever repeats one that was replaced", async () => {
  const { token, answer, pass } = scripted();
  for (const [place, text] of ["one", "two", "three", "four", "five", "six"].entries()) {
    const got = token.prepare();
    await answer(place, lives(text));
    await got;
    pass(HOUR_MS);
  }
  expect(token.secrets()).toEqual(["six", "five", "four", "three"]);
});

test("a request that breaks is a token that cannot be got, and the next one asks again", async () => {
  let times = 0;
  const token = new FetchedToken(systemClock, () => {
    times += 1;
    return times === 1
      ? Promise.reject(new TypeError("secret text"))
      : Promise.resolve(lives("ok"));
  });
  expect(await token.prepare()).toEqual({
    kind: "credential_unavailable",
    detail: "own TypeError",
  });
  expect([await token.prepare(), token.text(), times]).toEqual([null, "ok", 2]);
});
