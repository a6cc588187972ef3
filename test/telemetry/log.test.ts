/** The log: shape of a line, levels, and that planted secrets and prompts appear nowhere. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { createLog, type Log, type LogLevel, openLogSink } from "../../src/telemetry/log.ts";

const clock: Clock = {
  nowMs: () => Date.UTC(2026, 10, 20, 12, 30, 45, 678),
  monotonicMs: () => 0,
  after: () => ({ cancel: () => {} }),
  every: () => ({ cancel: () => {} }),
};

const registered = "Zq4vT8mWx2LrK6nYp0Hc";

function logTo(
  lines: string[],
  format: "json" | "pretty" = "json",
  level: LogLevel = "debug",
): Log {
  return createLog({
    level,
    format,
    colour: false,
    clock,
    secrets: [registered],
    sink: { write: (line) => lines.push(line) },
  });
}

function lineOf(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const lines: string[] = [];
  logTo(lines).info("x", fields);
  const parsed: unknown = JSON.parse(lines[0] ?? "");
  return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
}

describe("a line", () => {
  test("is one JSON object with level, time, fields and event, and a line feed", () => {
    const lines: string[] = [];
    const log = logTo(lines);
    log.debug("starting");
    log.info("attempt ended", { request_id: "req_1", status: 200, ok: true, none: null });
    log.warn("slow", { latency_ms: 12.5 });
    log.error("failed", { level: "mine", time: 1, event: "other", list: [1, "a"] });
    const head = '"time":"2026-11-20T12:30:45.678Z"';
    expect(lines).toEqual([
      `{"level":"debug",${head},"event":"starting"}\n`,
      `{"level":"info",${head},"request_id":"req_1","status":200,"ok":true,"none":null,"event":"attempt ended"}\n`,
      `{"level":"warn",${head},"latency_ms":12.5,"event":"slow"}\n`,
      `{"level":"error",${head},"level_field":"mine","time_field":1,"event_field":"other","list":[1,"a"],"event":"failed"}\n`,
    ]);
  });

  test("below the level is not written, and its fields are not looked at", () => {
    const lines: string[] = [];
    const log = logTo(lines, "json", "warn");
    const fields = {
      get touched(): string {
        lines.push("touched");
        return "";
      },
    };
    log.debug("a", fields);
    log.info("b", fields);
    log.warn("c");
    log.error("d");
    expect(lines.map((line) => line.includes('"event"'))).toEqual([true, true]);
  });

  test("for people has the event first and no colour unless asked", () => {
    const lines: string[] = [];
    logTo(lines, "pretty").warn("breaker opened", { provider: "openai" });
    expect(lines).toEqual(['[12:30:45.678] WARN: breaker opened\n    provider: "openai"\n']);
    const coloured: string[] = [];
    createLog({
      level: "info",
      format: "pretty",
      colour: true,
      clock,
      secrets: [],
      sink: { write: (line) => coloured.push(line) },
    }).info("x");
    expect(coloured.join()).toContain("\u001b[");
  });

  test("holds any value in a form that JSON has", () => {
    const circular: Record<string, unknown> = { name: "loop" };
    circular["self"] = circular;
    const unreadable = {
      get value(): never {
        throw new TypeError("no");
      },
    };
    const {
      level: _level,
      time: _time,
      event: _event,
      ...fields
    } = lineOf({
      big: 12345678901234567890n,
      nan: Number.NaN,
      infinite: Number.POSITIVE_INFINITY,
      nothing: undefined,
      run: () => 1,
      bytes: new Uint8Array(3),
      at: new Date(0),
      never: new Date(Number.NaN),
      url: new URL("https://api.test/v1"),
      map: new Map<unknown, unknown>([
        ["a", 1],
        [{}, 2],
      ]),
      set: new Set([1, undefined]),
      headers: new Headers({ "x-request-id": "req_1" }),
      circular,
      unreadable,
      bare: Object.create(null),
      deep: { a: { b: { c: { d: { e: { f: 1 } } } } } },
    });
    expect(fields).toEqual({
      big: "12345678901234567890",
      nan: "NaN",
      infinite: "Infinity",
      bytes: "[3 bytes]",
      at: "1970-01-01T00:00:00.000Z",
      never: null,
      url: "https://api.test/v1",
      map: { a: 1, "[key]": 2 },
      set: [1, null],
      headers: { "x-request-id": "req_1" },
      circular: { name: "loop", self: "[circular]" },
      unreadable: "[unreadable]",
      bare: {},
      deep: { a: { b: { c: { d: { e: "[too deep]" } } } } },
    });
  });

  test("is bounded: long texts, long lists and wide objects are cut", () => {
    const words = "word ".repeat(LIMITS.logTextCharsMax);
    const wide = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`m${at}`, at]));
    const fields = lineOf({ words, run: "x".repeat(9_000), list: Array(500).fill(1), wide });
    expect(fields["words"]).toBe(`${"word ".repeat(819)}… (20480 characters)`);
    expect(fields["run"]).toBe("… (9000 characters)");
    expect(fields["list"]).toEqual([...Array(50).fill(1), "… (500 items)"]);
    expect(Object.keys(fields["wide"] ?? {}).length).toBe(LIMITS.logListItemsMax);
  });
});

describe("secrets", () => {
  const secretMembers = [
    "authorization",
    "Authorization",
    "proxy-authorization",
    "token",
    "access_token",
    "accessToken",
    "admin_token",
    "credential",
    "credential_sealed",
    "credentials",
    "api_key",
    "apiKey",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "key",
    "encryption_key",
    "private_key",
    "password",
    "client_secret",
    "cookie",
    "set-cookie",
    "hash",
  ];

  test("in members that are known to hold them are replaced at any depth", () => {
    for (const name of secretMembers) {
      const fields = lineOf({ [name]: "plain-canary", deep: { list: [{ [name]: ["canary"] }] } });
      expect([name, fields[name], fields["deep"]]).toEqual([
        name,
        "[redacted]",
        { list: [{ [name]: "[redacted]" }] },
      ]);
    }
  });

  test("are not seen in members that only sound alike", () => {
    const alike = {
      token_id: "tok_1",
      input_tokens: 10,
      tokens: 5,
      token: 7,
      key_count: 2,
      hint: "a1B2",
      monkey: "see",
      cookie: true,
    };
    const { level: _level, time: _time, event: _event, ...fields } = lineOf(alike);
    expect(fields).toEqual(alike);
  });

  const texts: readonly (readonly [text: string, safe: string])[] = [
    ["sent Bearer abcDEF123456._~+/=- to it", "sent Bearer [redacted] to it"],
    ["bearer  abcdef", "bearer  [redacted]"],
    ["Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic [redacted]"],
    ["got sk-tg-0123456789abcdefghij, refused", "got [redacted], refused"],
    ["key sk-proj-a_b-c1234567 is wrong", "key [redacted] is wrong"],
    ["tg-admin-x is shown once", "[redacted] is shown once"],
    [
      "gsk_abcdefgh1234 and AIzaSyA-12345678 and AKIAIOSFODNN7EXAMPLE",
      "[redacted] and [redacted] and [redacted]",
    ],
    ["jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "jwt [redacted] end"],
    [
      "https://user:pass@host/x?key=abc&alt=sse",
      "https://[redacted]@host/x?key=[redacted]&alt=sse",
    ],
    ['{"api_key":"abc","model":"m"}', '{"api_key":"[redacted]","model":"m"}'],
    ["x-api-key: abc, then", "x-api-key: [redacted], then"],
    ["password=hunter2;host=db", "password=[redacted];host=db"],
    [`it is ${registered}!`, "it is [redacted]!"],
    [
      "task-runner and risk-free and disk-usage-report",
      "task-runner and risk-free and disk-usage-report",
    ],
    ["basic authentication", "basic authentication"],
    ["12 input tokens at https://host/path", "12 input tokens at https://host/path"],
  ];
  for (const [text, safe] of texts) {
    test(`in running text: ${safe}`, () => {
      expect(lineOf({ note: text })["note"]).toBe(safe);
    });
  }

  test("planted everywhere appear in no line of either format", () => {
    const canaries = [
      registered,
      "sk-tg-canaryA1B2C3D4E5F6G7H8I9J0K1L2M3N4O5",
      "sk-proj-canary_Qw3rTy-99",
      "tg-admin-canary-5512",
      "Bearer canary.abcdef123",
      "https://canary:canaryword@host/",
      "eyJcanaryab.canarycd.canaryef",
    ];
    const lines: string[] = [];
    for (const log of [logTo(lines), logTo(lines, "pretty")]) {
      for (const canary of canaries) {
        const cause = new TypeError(`cause ${canary}`);
        const error = Object.assign(new Error(`failed with ${canary}`, { cause }), {
          detail: canary,
          headers: new Headers({ authorization: canary, "x-note": canary }),
        });
        log.error(`event ${canary}`, {
          note: canary,
          [canary]: canary,
          list: [canary, { deep: `x ${canary} y` }],
          map: new Map([[canary, canary]]),
          url: new URL(`https://host/?token=${encodeURIComponent(canary)}`),
          error,
          many: new AggregateError([error], `all ${canary}`),
          long: `${"pad ".repeat(1021)}${canary} ${"pad ".repeat(100)}`,
        });
      }
    }
    expect(lines.length).toBe(2 * canaries.length);
    expect(lines.join("").match(/.{0,30}canary.{0,10}/g)).toBeNull();
    expect(lines.join("")).not.toContain(registered);
  });

  test("errors keep what helps: type, message, code, stack and cause", () => {
    const cause = new RangeError("too far");
    const error = Object.assign(new Error("outer", { cause }), { code: "ECONNRESET", errno: -104 });
    error.stack = "Error: outer\n    at somewhere";
    cause.stack = "RangeError: too far\n    at elsewhere";
    expect(lineOf({ error })["error"]).toEqual({
      type: "Error",
      message: "outer",
      code: "ECONNRESET",
      errno: -104,
      stack: "Error: outer\n    at somewhere",
      cause: {
        type: "RangeError",
        message: "too far",
        stack: "RangeError: too far\n    at elsewhere",
      },
    });
  });
});

describe("content", () => {
  test("is replaced should it ever be passed", () => {
    const fields = lineOf({
      messages: [{ role: "user", content: "hello" }],
      nested: {
        prompt: "hello",
        completion: "bye",
        input: ["a"],
        body: "b",
        output: { text: "t" },
      },
      input: 5,
    });
    expect([fields["messages"], fields["nested"], fields["input"]]).toEqual([
      "[not logged]",
      {
        prompt: "[not logged]",
        completion: "[not logged]",
        input: "[not logged]",
        body: "[not logged]",
        output: "[not logged]",
      },
      5,
    ]);
  });
});

describe("the sink", () => {
  test("has written everything to its descriptor when it has ended", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tollgate-log-"));
    const path = join(folder, "log");
    const descriptor = openSync(path, "w");
    try {
      const sink = openLogSink(descriptor);
      const lines = Array.from({ length: 1_000 }, (_, at) => `line ${at}\n`);
      for (const line of lines) sink.write(line);
      await sink.end();
      expect(readFileSync(path, "utf8")).toBe(lines.join(""));
      expect(sink.droppedCount()).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("drops lines, counted, when nobody reads and the buffer is full", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tollgate-log-"));
    const path = join(folder, "log");
    const descriptor = openSync(path, "w");
    try {
      const sink = openLogSink(descriptor);
      // No write to the file completes before this turn ends, so everything waits in the buffer.
      const line = `${"x".repeat(1024 * 1024 - 1)}\n`;
      for (let at = 0; at < 40; at += 1) sink.write(line);
      expect(sink.droppedCount()).toBeGreaterThan(0);
      await sink.end();
      const kept = readFileSync(path, "utf8").split("\n").length - 1;
      expect(kept + sink.droppedCount()).toBe(40);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
