import { describe, expect, test } from "bun:test";
import { parseTime } from "../../src/admin/time.ts";

describe("a time", () => {
  test.each([
    ["2026-11-20T09:30:00Z", Date.UTC(2026, 10, 20, 9, 30)],
    ["2026-11-20T09:30:00.25Z", Date.UTC(2026, 10, 20, 9, 30, 0, 250)],
    ["2026-11-20t09:30:00z", Date.UTC(2026, 10, 20, 9, 30)],
    ["2026-11-20 09:30:00Z", Date.UTC(2026, 10, 20, 9, 30)],
    ["2026-11-20T09:30:00+01:00", Date.UTC(2026, 10, 20, 8, 30)],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29)],
    ["1970-01-01T00:00:00Z", 0],
  ])("%s is read", (text, atMs) => {
    expect(parseTime(text)).toBe(atMs);
  });

  test.each([
    "",
    "2026-11-20",
    "2026-11-20T09:30:00",
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-11-20T25:00:00Z",
    "2026-11-20T09:60:00Z",
    "1969-12-31T23:59:59Z",
    "tomorrow",
    "1763631000",
    "2026-11-20T09:30:00Z ",
  ])("%j is none", (text) => {
    expect(parseTime(text)).toBeUndefined();
  });
});
