/** Work on one thing at a time. */
import { expect, test } from "bun:test";
import { createTurns } from "../../src/admin/turns.ts";
import { rejection } from "../store/support/temp-store.ts";

test("work with one key runs one after the other, other keys beside it", async () => {
  const inTurn = createTurns();
  const told: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const first = inTurn("a", async () => {
    told.push("first begins");
    await gate;
    told.push("first ends");
    return 1;
  });
  const second = inTurn("a", () => {
    told.push("second");
    return Promise.resolve(2);
  });
  const other = await inTurn("b", () => {
    told.push("other");
    return Promise.resolve(3);
  });
  open();
  expect([await first, await second, other]).toEqual([1, 2, 3]);
  expect(told.indexOf("other")).toBeLessThan(told.indexOf("first ends"));
  expect(told.filter((text) => text !== "other")).toEqual(["first begins", "first ends", "second"]);
});

test("work that fails is the failure of its own caller alone", async () => {
  const inTurn = createTurns();
  const failing = inTurn("a", () => Promise.reject(new Error("mine")));
  const next = inTurn("a", () => Promise.resolve("fine"));
  expect(await rejection(failing)).toMatchObject({ message: "mine" });
  expect(await next).toBe("fine");
});
