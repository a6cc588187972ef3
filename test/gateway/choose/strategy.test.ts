/** Whose strategy it is: the header's, the tenant's, the route's. */
import { describe, expect, test } from "bun:test";
import {
  strategyAsked,
  strategyFor,
  type StrategyAsked,
} from "../../../src/gateway/choose/strategy.ts";
import type { StrategyName } from "../../../src/gateway/resolve.ts";

describe("the header", () => {
  test.each([
    [null, null],
    ["fastest", "fastest"],
    ["cheapest", "cheapest"],
    ["reliable", "reliable"],
    ["default", "default"],
    [" Fastest ", "fastest"],
  ])("%j asks for %j", (value, asked) => {
    const headers = new Headers(value === null ? {} : { "x-tollgate-strategy": value });
    expect(strategyAsked(headers)).toEqual({ allowed: true, value: asked as StrategyAsked });
  });

  test.each(["", "slowest", "weighted", "priority", "least_busy", "fastest, cheapest"])(
    "%j is refused, by its name",
    (value) => {
      expect(strategyAsked(new Headers({ "x-tollgate-strategy": value }))).toEqual({
        allowed: false,
        refusal: {
          code: "invalid_request",
          message: "x-tollgate-strategy must be one of fastest, cheapest, reliable, default.",
          param: "x-tollgate-strategy",
        },
      });
    },
  );
});

test.each<
  [StrategyAsked | null, StrategyName | undefined, StrategyName, ReturnType<typeof strategyFor>]
>([
  [null, undefined, "weighted", { name: "weighted", from: "route" }],
  [null, "cheapest", "weighted", { name: "cheapest", from: "tenant" }],
  ["fastest", "cheapest", "weighted", { name: "fastest", from: "header" }],
  ["default", "cheapest", "weighted", { name: "weighted", from: "route" }],
])("header %j, tenant %j, route %j: %j", (asked, tenants, routes, chosen) => {
  expect(strategyFor(asked, tenants, routes)).toEqual(chosen);
});
