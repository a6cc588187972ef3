/**
 * The clock and the chance that a simulated process is given. A process reads the world's wall clock,
 * jumps included, and a monotonic clock of its own; every id it draws is noted with the true time of
 * the draw, which tells when an exchange began and when an attempt was admitted.
 */
import type { Clock, Timer } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";
import { Dice } from "./dice.ts";
import type { Owner, World } from "./world.ts";

/** When an id was drawn: by true order, by true time, and by the wall clock that could be read. */
export type Draw = {
  readonly order: number;
  readonly trueMs: number;
  readonly wallMs: number;
  readonly epoch: number;
};

export function simulatedClock(world: World, owner: Owner): Clock {
  const originMs = world.nowMs - 1_000;
  return {
    nowMs: () => world.wallMs,
    monotonicMs: () => world.nowMs - originMs,
    after: (delayMs, callback) => world.schedule(delayMs, owner, callback),
    every: (periodMs, callback): Timer => {
      let isCancelled = false;
      const next = (): void => {
        world.schedule(periodMs, owner, () => {
          if (isCancelled) return;
          next();
          callback();
        });
      };
      next();
      return {
        cancel: () => {
          isCancelled = true;
        },
      };
    },
  };
}

export function simulatedRandom(
  world: World,
  seed: number,
  epoch: number,
  drew: (uuid: string, draw: Draw) => void,
): Random {
  const dice = new Dice(`random ${seed} ${epoch}`);
  let count = 0;
  return {
    unit: () => dice.unit(),
    below: (bound) => dice.int(0, bound - 1),
    bytes: (length) => Uint8Array.from({ length }, () => dice.int(0, 255)),
    uuid: () => {
      count += 1;
      world.order += 1;
      const time = world.wallMs.toString(16).padStart(12, "0");
      const rest = `7${count.toString(16).padStart(7, "0")}${epoch.toString(16).padStart(4, "0")}`;
      const chance = dice.int(0, 0xffff_ffff).toString(16).padStart(8, "0");
      const uuid = `${time}${rest}${chance}`;
      drew(uuid, { order: world.order, trueMs: world.nowMs, wallMs: world.wallMs, epoch });
      return uuid;
    },
  };
}
