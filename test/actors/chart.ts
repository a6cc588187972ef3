/** Runs the state × event table of one machine; what is missing in it fails. */
import { describe, expect, test } from "bun:test";
import type { AnyStateMachine, EventObject, Snapshot, StateValue } from "xstate";
import { assert } from "../../src/base/assert.ts";
import type { Supervised } from "../../actors/supervise.ts";

/** Samples of one event type; the name of a sample, if any, follows the type in the table. */
type Samples<E extends EventObject> = {
  readonly [T in E["type"]]: Readonly<Record<string, Extract<E, { type: T }>>>;
};

type MachineSnapshot = Snapshot<unknown> & {
  readonly value: StateValue;
  readonly can: (event: never) => boolean;
};

type Chart<E extends EventObject, S extends MachineSnapshot> = {
  readonly machine: AnyStateMachine;
  /** A fresh actor in each state that can be seen from outside. */
  readonly states: Readonly<Record<string, () => Supervised<S, E>>>;
  /** States that are left before an event can come. */
  readonly passing: readonly string[];
  readonly samples: Samples<E>;
  readonly rows: readonly Readonly<Record<string, string>>[];
};

function sampleRows<E extends EventObject>(samples: Samples<E>): Map<string, E> {
  const rows = new Map<string, E>();
  for (const [type, named] of Object.entries<Readonly<Record<string, E>>>(samples)) {
    for (const [name, event] of Object.entries(named)) rows.set(`${type} ${name}`.trim(), event);
  }
  return rows;
}

export function testChart<E extends EventObject, S extends MachineSnapshot>(
  name: string,
  { machine, states, passing, samples, rows }: Chart<E, S>,
): void {
  describe(`the ${name} machine`, () => {
    const events = sampleRows(samples);

    test("has a column for every state and a row for every event", () => {
      expect(new Set([...Object.keys(states), ...passing])).toEqual(
        new Set(Object.keys(machine.states)),
      );
      expect(rows.map((row) => row["event"] ?? "")).toEqual([...events.keys()]);
      expect(machine.events.filter((type) => !(type in samples))).toEqual([]);
    });

    for (const row of rows) {
      const event = events.get(row["event"] ?? "");
      for (const [state, start] of Object.entries(states)) {
        const cell = row[state] ?? "";
        test(`${state} × ${row["event"]} → ${cell}`, () => {
          assert(event, `no sample of ${row["event"]}`);
          const actor = start();
          expect(actor.snapshot().value).toBe(state);
          expect(actor.snapshot().can(event as never)).toBe(cell !== "-");
          actor.send(event);
          expect(actor.snapshot().value).toBe(cell === "-" || cell === "stays" ? state : cell);
        });
      }
    }
  });
}
