/** What providers say when they refuse or fail, told from the shape of what they say. */
import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import { readFailure } from "../../src/dialects/catalogue.ts";
import { retryAfterMs } from "../../src/dialects/retry-after.ts";
import { bytesOf, failuresOf } from "./failure-fixtures.ts";

const NOW_MS = Date.parse("2026-11-28T00:00:00Z");
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const COMPANIES = ["openai", "azure", "anthropic", "google", "bedrock", "relays"] as const;

describe.each(COMPANIES)("in the manner of %s", (company) => {
  test.each(failuresOf(company).map((failure) => [failure.what, failure] as const))(
    "%s",
    (_what, { status, headers = {}, body, kind, retry_after_ms: afterMs = null }) => {
      const told = new Headers(headers);
      const reading = readFailure(status, told, bytesOf(body));
      expect(reading.kind).toBe(kind);
      const byHeaders = status === null ? null : retryAfterMs(told, status, NOW_MS);
      expect(byHeaders ?? reading.retryAfterMs).toBe(afterMs);
    },
  );
});

describe("what a stranger's body may be", () => {
  const said = '{"error":{"code":"insufficient_quota","message":"gone"';
  const padding = "x".repeat(LIMITS.failureBytesMax);

  test.each([
    ["empty", new Uint8Array(0)],
    ["longer than what is read", encode(`${said},"x":"${padding}"}}`)],
    ["nested without end", encode(`${said},"x":${"[".repeat(10_000)}${"]".repeat(10_000)}}}`)],
    ["not JSON", encode(said)],
    ["not UTF-8", Uint8Array.of(...encode(`${said},"x":"`), 0xff, ...encode('"}}'))],
    ["a list of nothing", encode("[]")],
    ["a number", encode("429")],
    [
      "words that every object inherits",
      encode('{"error":{"code":"constructor","type":"__proto__"}}'),
    ],
    ["the same of Anthropic", encode('{"type":"error","error":{"type":"toString"}}')],
    ["the same of Bedrock", encode('{"__type":"constructor","message":"x"}')],
  ])("%s: the status alone must do", (_what, body) => {
    expect(readFailure(429, new Headers(), body)).toEqual({ kind: null, retryAfterMs: null });
  });

  test("one that is just within the bound is read", () => {
    const text = `${said},"x":""}}`;
    const fitting = text.replace('""', `"${"x".repeat(LIMITS.failureBytesMax - text.length)}"`);
    expect(encode(fitting)).toHaveLength(LIMITS.failureBytesMax);
    expect(readFailure(429, new Headers(), encode(fitting)).kind).toBe("credit_exhausted");
  });

  test("Bedrock's header tells the cause of a body that cannot be read", () => {
    const headers = new Headers({ "x-amzn-errortype": "ThrottlingException:http://x/" });
    expect(readFailure(400, headers, encode("<html>")).kind).toBe("throttled");
  });
});

describe("when to come back", () => {
  test.each([
    [
      "milliseconds go before seconds",
      { "retry-after-ms": "1500", "retry-after": "9" },
      429,
      1_500,
    ],
    ["seconds", { "retry-after": "37" }, 503, 37_000],
    ["a date", { "retry-after": "Sat, 28 Nov 2026 00:01:00 GMT" }, 503, 60_000],
    ["a date that has passed", { "retry-after": "Fri, 27 Nov 2026 00:01:00 GMT" }, 503, 0],
    ["nonsense", { "retry-after": "soon" }, 429, null],
    ["a negative time", { "retry-after": "-5" }, 429, null],
    [
      "the longest of the limits that are used up",
      {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m2.5s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "12ms",
      },
      429,
      62_500,
    ],
    [
      "not a limit of which something is left",
      { "x-ratelimit-remaining-tokens": "10", "x-ratelimit-reset-tokens": "6m0s" },
      429,
      null,
    ],
    [
      "not a limit beside another status",
      { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s" },
      503,
      null,
    ],
    [
      "milliseconds since 1970",
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW_MS + 8_000) },
      429,
      8_000,
    ],
    [
      "days and hours",
      { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1d2h0m3s" },
      429,
      93_603_000,
    ],
    [
      "a reset that cannot be read",
      { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "later" },
      429,
      null,
    ],
  ])("%s", (_what, headers, status, expected) => {
    const told = new Headers(Object.entries(headers));
    expect(retryAfterMs(told, status, NOW_MS)).toBe(expected);
  });
});
