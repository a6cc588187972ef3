/** Frames are counted the same however the stream was cut, and reads that held several are noticed. */
import { describe, expect, test } from "bun:test";
import { FrameCounter } from "../../bench/sse-frames.ts";

const event = (delta: string): string => `data: {"choices":[{"delta":${delta}}]}\n\n`;
const stream = [
  event('{"role":"assistant","content":""}'),
  ": keep-alive\n\n",
  event('{"content":"Hé"}'),
  event('{"content": "llo"}'),
  event('{"content":"\\n\\n"}'),
  event("{}"),
  "data: [DONE]\n\n",
].join("");

function count(reads: readonly Uint8Array[]) {
  let heard = 0;
  const counter = new FrameCounter({
    onFrame: () => {
      heard += 1;
    },
  });
  for (const read of reads) {
    counter.push(Buffer.from(read));
    counter.endRead();
  }
  return { heard, frames: counter.frameCount, merged: counter.mergedCount, done: counter.done };
}

describe("a frame counter", () => {
  test("counts events with text, and no others", () => {
    expect(count([Buffer.from(stream)])).toEqual({ heard: 3, frames: 3, merged: 2, done: true });
  });

  test("counts the same when the stream is cut at any byte", () => {
    const bytes = Buffer.from(stream);
    for (let at = 1; at < bytes.length; at += 1) {
      const { frames, done } = count([bytes.subarray(0, at), bytes.subarray(at)]);
      expect({ at, frames, done }).toEqual({ at, frames: 3, done: true });
    }
  });

  test("calls frames merged that arrived with another in one network read", () => {
    const one = Buffer.from(event('{"content":"a"}'));
    const two = Buffer.concat([one, one]);
    expect(count([one, one, one]).merged).toBe(0);
    expect(count([one, two]).merged).toBe(1);
    expect(count([Buffer.concat([two, one])]).merged).toBe(2);
    const late = [one.subarray(0, 9), Buffer.concat([one.subarray(9), one])];
    expect(count(late).merged).toBe(1);
  });

  test("reads lines that end with carriage return and line feed", () => {
    const windows = Buffer.from(stream.replaceAll("\n\n", "\r\n\r\n"));
    expect(count([windows])).toEqual({ heard: 3, frames: 3, merged: 2, done: true });
  });

  test("does not see the end in a stream that does not say it", () => {
    expect(count([Buffer.from(event('{"content":"[DONE]"}'))]).done).toBe(false);
  });
});
