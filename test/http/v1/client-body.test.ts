/** What a client's body takes of the room for all of them while it comes, and after. */
import { expect, test } from "bun:test";
import { systemClock, type Clock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { BodyRoom } from "../../../src/gateway/load/body-room.ts";
import { readClientBody } from "../../../src/http/v1/client-body.ts";

/** A clock whose waits end when the test says so. */
function heldClock(): { clock: Clock; end: () => void } {
  let due: (() => void) | null = null;
  return {
    clock: {
      ...systemClock,
      after: (_delayMs, callback) => {
        due = callback;
        return { cancel: () => (due = null) };
      },
    },
    end: () => due?.(),
  };
}

/** A request whose body comes when the test says so; null: it ends. */
function bodyInParts(): {
  request: Request;
  send: (bytes: Uint8Array | null) => void;
  isCancelled: () => boolean;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (own) => void (controller = own),
    cancel: () => void (isCancelled = true),
  });
  return {
    request: new Request("http://x/v1/chat/completions", { method: "POST", body }),
    send: (bytes) => (bytes === null ? controller?.close() : controller?.enqueue(bytes)),
    isCancelled: () => isCancelled,
  };
}

const later = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test("a body takes what has come of it, and nothing once it has been read", async () => {
  const bodyRoom = new BodyRoom();
  const { request, send } = bodyInParts();
  const read = readClientBody({ clock: systemClock, bodyRoom }, request, "a");
  const taken = [bodyRoom.takenBytes];
  for (const length of [3, 40_000]) {
    send(new Uint8Array(length).fill(length % 251));
    await later();
    taken.push(bodyRoom.takenBytes);
  }
  expect(taken).toEqual([0, 3, 40_003]);
  send(null);
  const whole = Buffer.concat([Buffer.alloc(3, 3), Buffer.alloc(40_000, 40_000 % 251)]);
  expect(Buffer.from((await read) as Uint8Array).equals(whole)).toBe(true);
  expect(bodyRoom.takenBytes).toBe(0);
});

test("what comes of a body that is too late is the last that is read of it, and takes nothing", async () => {
  const bodyRoom = new BodyRoom();
  const { clock, end } = heldClock();
  const { request, send, isCancelled } = bodyInParts();
  const read = readClientBody({ clock, bodyRoom }, request, "a");
  send(new Uint8Array(1_000));
  await later();
  expect(bodyRoom.takenBytes).toBe(1_000);
  end();
  expect(await read).toMatchObject({
    code: "invalid_request",
    message: "The body did not arrive in time.",
  });
  expect(bodyRoom.takenBytes).toBe(0);
  send(new Uint8Array(1_000));
  await later();
  expect([bodyRoom.takenBytes, isCancelled()]).toEqual([0, true]);
});

test("a body that finds no room is refused at the piece that is too much, and read no further", async () => {
  const bodyRoom = new BodyRoom();
  const others = bodyRoom.enter("a");
  while (others.take(LIMITS.bodySmallBytesMax));
  const { request, send, isCancelled } = bodyInParts();
  const read = readClientBody({ clock: systemClock, bodyRoom }, request, "a");
  const before = bodyRoom.takenBytes;
  send(new Uint8Array(LIMITS.bodySmallBytesMax));
  await later();
  expect(bodyRoom.takenBytes).toBe(before + LIMITS.bodySmallBytesMax);
  send(new Uint8Array(LIMITS.bodySmallBytesMax));
  expect(await read).toMatchObject({ code: "gateway_overloaded", retryAfterMs: 1_000 });
  expect([bodyRoom.takenBytes, isCancelled()]).toEqual([before, true]);
});
