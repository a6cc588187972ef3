/** Work in steps gives way after every single one, however much of it is under way. */
import { expect, test } from "bun:test";
import { Walks, type Steps } from "../../src/store/walks.ts";

/** The order of what happened, and turns that are taken one by one. */
function bench() {
  const events: string[] = [];
  const turns: (() => void)[] = [];
  const walks = new Walks((step) => turns.push(step));
  function* steps(name: string, count: number): Steps<string> {
    for (let number = 1; number < count; number += 1) {
      events.push(`${name} ${number}`);
      yield;
    }
    if (name === "broken") throw new Error(name);
    return name;
  }
  const start = (name: string, count: number): void =>
    walks.start({
      steps: steps(name, count),
      done: (value) => events.push(`${String(value)} done`),
      failed: (error) => events.push(String(error)),
    });
  const turn = (): readonly string[] => {
    turns.shift()?.();
    return events.splice(0);
  };
  return { start, turn, turns };
}

test("each turn one step of one of them is done, in rotation, and none before the first turn", () => {
  const { start, turn, turns } = bench();
  start("a", 3);
  start("b", 1);
  start("broken", 2);
  expect(turns).toHaveLength(1);
  const happened = Array.from({ length: 6 }, turn);
  expect(happened).toEqual([
    ["a 1"],
    ["b done"],
    ["broken 1"],
    ["a 2"],
    ["Error: broken"],
    ["a done"],
  ]);
  expect(turns).toEqual([]);
});

test("what is started after all was done is done too", () => {
  const { start, turn } = bench();
  start("a", 1);
  expect(turn()).toEqual(["a done"]);
  start("b", 1);
  expect(turn()).toEqual(["b done"]);
});
