/** How much of the bodies that are on their way may be in memory, and whose. */
import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import {
  BodyRoom,
  LARGE_BODIES_BYTES,
  type BodyPlace,
} from "../../../src/gateway/load/body-room.ts";

const SMALL = LIMITS.bodySmallBytesMax;
const MIB = 1024 * 1024;

/** A body that has taken as many pieces of a mebibyte as there was room for, 20 at most. */
function fullBody(room: BodyRoom, tenantId: string): { place: BodyPlace; bytes: number } {
  const place = room.enter(tenantId);
  let bytes = 0;
  while (bytes < LIMITS.bodyBytesMax && place.take(MIB)) bytes += MIB;
  return { place, bytes };
}

/** Half-received bodies of these tenants, in turn, until none of them gets any further. */
function fill(room: BodyRoom, tenants: readonly string[]): Record<string, number> {
  const bytes: Record<string, number> = {};
  let isFull = false;
  while (!isFull) {
    isFull = true;
    for (const tenant of tenants) {
      const body = fullBody(room, tenant);
      bytes[tenant] = (bytes[tenant] ?? 0) + body.bytes;
      if (body.bytes > 0) isFull = false;
    }
  }
  return bytes;
}

test("a tenant that is alone fills four fifths of the room for large bodies", () => {
  const { a = 0 } = fill(new BodyRoom(), ["a"]);
  expect(a).toBe(Math.floor((LARGE_BODIES_BYTES * 0.8) / MIB) * MIB);
});

test("whoever has nothing there can send the beginning of a large body, however many want everything", () => {
  const room = new BodyRoom();
  fill(room, ["a", "b", "c", "d", "e"]);
  expect(fullBody(room, "another").bytes).toBeGreaterThan(0);
});

test("a small body of each exchange finds room beside all large ones, and then there is none", () => {
  const room = new BodyRoom();
  fill(
    room,
    Array.from({ length: 200 }, (_, index) => `tenant ${index}`),
  );
  const large = room.takenBytes;
  for (let one = 0; one < LIMITS.exchangesInFlightMax; one += 1)
    expect(room.enter("a").take(SMALL)).toBe(true);
  expect(room.takenBytes).toBe(large + LIMITS.exchangesInFlightMax * SMALL);
  expect(room.takenBytes).toBeLessThanOrEqual(LIMITS.bodiesReadingBytesMax);
  // More than there can be, so that nothing but the bound itself is in the way.
  while (room.enter("a").take(SMALL));
  expect(room.takenBytes).toBeGreaterThan(LIMITS.bodiesReadingBytesMax - SMALL);
  expect(room.takenBytes).toBeLessThanOrEqual(LIMITS.bodiesReadingBytesMax);
});

test("a body is large from the first byte on that makes it so", () => {
  const room = new BodyRoom();
  const others = room.enter("a");
  for (let bytes = MIB; bytes >= 1; bytes /= 2) while (others.take(bytes));
  const place = room.enter("a");
  expect([place.take(SMALL - 1), place.take(1), place.take(1)]).toEqual([true, true, false]);
});

test("what a body had is there again once it has left, and it takes nothing after that", () => {
  const room = new BodyRoom();
  const body = fullBody(room, "a");
  expect(room.takenBytes).toBe(LIMITS.bodyBytesMax);
  body.place.leave();
  expect([room.takenBytes, body.place.take(1), room.takenBytes]).toEqual([0, false, 0]);
  body.place.leave();
  expect(fill(room, ["a"])).toEqual(fill(new BodyRoom(), ["a"]));
});
