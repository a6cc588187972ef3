/**
 * AWS's frames, put together by hand with true sums: whatever a frame claims of itself, a stream gives whole
 * events or breaks off, keeps no more than one frame, and spends no more time than it has bytes.
 */
import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { framesToEvents } from "../../../src/gateway/wire/event-stream.ts";

type Header = readonly [name: string, value: string];

const CHUNK: readonly Header[] = [
  [":event-type", "chunk"],
  [":content-type", "application/json"],
  [":message-type", "event"],
];

function headerBytes(headers: readonly Header[]): Buffer {
  return Buffer.concat(
    headers.flatMap(([name, value]) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(value.length);
      return [
        Buffer.from([name.length]),
        Buffer.from(name),
        Buffer.from([7]),
        length,
        Buffer.from(value),
      ];
    }),
  );
}

/** `lies`: what the prelude says in place of the truth; its sum is right all the same. */
function frame(
  headers: Buffer,
  body: Uint8Array,
  lies: { readonly total?: number; readonly headers?: number } = {},
): Buffer {
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(lies.total ?? 16 + headers.length + body.length, 0);
  prelude.writeUInt32BE(lies.headers ?? headers.length, 4);
  prelude.writeUInt32BE(Bun.hash.crc32(prelude.subarray(0, 8)), 8);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(Bun.hash.crc32(Buffer.concat([prelude, headers, body])));
  return Buffer.concat([prelude, headers, body, sum]);
}

/** A frame around so many bytes, which are an event or are not. */
function chunk(data: string | Uint8Array): Buffer {
  return around({ bytes: Buffer.from(data).toString("base64") });
}

function around(member: object): Buffer {
  return frame(headerBytes(CHUNK), Buffer.from(JSON.stringify(member)));
}

async function read(
  pieces: readonly Uint8Array[],
): Promise<{ text: string; broke: string | null }> {
  const left = [...pieces];
  const events = await framesToEvents({
    read: () => {
      const value = left.shift();
      return Promise.resolve(value === undefined ? { done: true } : { done: false, value });
    },
    cancel: () => Promise.resolve(),
  });
  let text = "";
  try {
    for (;;) {
      const { done, value } = await events.read();
      if (done) return { text, broke: null };
      text += new TextDecoder().decode(value);
    }
  } catch (error) {
    return { text, broke: error instanceof Error ? error.name : "?" };
  }
}

const PING = '{"type":"ping"}';
const FIRST = 'event: ping\ndata: {"type":"ping"}\n\n';

test("frames are whole events wherever the network cuts them, at each byte and at all of them", async () => {
  const bytes = Buffer.concat([chunk(PING), chunk('{"type":"message_stop","x":"Grüße 🙂"}')]);
  const whole = await read([bytes]);
  expect(whole).toEqual({
    text: `${FIRST}event: message_stop\ndata: {"type":"message_stop","x":"Grüße 🙂"}\n\n`,
    broke: null,
  });
  for (let at = 1; at < bytes.length; at += 1) {
    expect(await read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
  }
  expect(await read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
});

const NOTHING = Buffer.alloc(0);
const OVERRUN = Buffer.from([200, 0x3a, 0x6d]);
const LONG_VALUE = Buffer.concat([Buffer.from([1, 0x61, 7, 0xff, 0xff]), Buffer.from("short")]);

test.each([
  ["whose sum is wrong", chunk(PING).fill(0, 40, 41)],
  ["whose prelude's sum is wrong", chunk(PING).fill(1, 9, 10)],
  ["of no length", Buffer.alloc(64)],
  ["shorter than any", frame(NOTHING, NOTHING, { total: 15 })],
  ["of 2 GB", frame(NOTHING, NOTHING, { total: 2 ** 31 })],
  ["of 4 GB", frame(NOTHING, NOTHING, { total: 2 ** 32 - 1 })],
  ["longer than an event may be", frame(NOTHING, NOTHING, { total: LIMITS.eventBytesMax + 1 })],
  ["whose headers are longer than itself", frame(NOTHING, Buffer.from("{}"), { headers: 2 ** 31 })],
  ["whose headers end in its sum", frame(NOTHING, Buffer.from("{}"), { headers: 5 })],
  ["with a header whose name overruns it", frame(OVERRUN, NOTHING)],
  ["with a header whose value overruns it", frame(LONG_VALUE, NOTHING)],
  ["around bytes that are no base64", around({ bytes: "%%%%" })],
  ["around bytes that are no JSON", chunk('{"type":"content_block_delta",')],
  ["around bytes that are no UTF-8", chunk(Buffer.from('{"type":"ping","x":"\xff"}', "latin1"))],
  ["around an event without a type", chunk('{"index":0}')],
  ["around an event whose type is no word", chunk('{"type":"ping\\ndata: {}\\n\\nevent: x"}')],
  ["without bytes", around({ p: "abcd" })],
  ["whose bytes are no text", around({ bytes: 5 })],
  ["that holds no JSON", frame(headerBytes(CHUNK), Buffer.from("<html>"))],
  ["that holds nothing", frame(headerBytes(CHUNK), NOTHING)],
])("a stream breaks off at a frame %s, behind what came before it", async (_what, bad) => {
  const told = await read([chunk(PING), bad, chunk(PING)]);
  expect([told.text, told.broke === null]).toEqual([FIRST, false]);
});

test.each([
  ["of no length", Buffer.alloc(64)],
  ["whose sum is wrong", chunk(PING).fill(0, 40, 41)],
  ["without an event", around({ bytes: "%%%%" })],
])(
  "what comes in one piece with a frame %s is given up to it, and no further",
  async (_what, bad) => {
    const told = await read([Buffer.concat([chunk(PING), bad, chunk(PING)]), chunk(PING)]);
    expect([told.text, told.broke === null]).toEqual([FIRST, false]);
  },
);

test("lines within an event stay within it", async () => {
  const data = '{\n  "type": "ping",\r\n  "x": "y"\r}';
  expect(await read([chunk(data)])).toEqual({
    text: 'event: ping\ndata: {\ndata:   "type": "ping",\ndata:   "x": "y"\ndata: }\n\n',
    broke: null,
  });
});

test("frames about the connection alone say nothing, whatever they hold", async () => {
  const initial: readonly Header[] = [
    [":event-type", "initial-response"],
    [":message-type", "event"],
  ];
  const about = frame(headerBytes(initial), Buffer.from("{}"));
  const named = frame(
    headerBytes([["__proto__", "x"], ...CHUNK]),
    Buffer.from(
      JSON.stringify({
        bytes: Buffer.from(PING).toString("base64"),
      }),
    ),
  );
  expect(await read([about, named, about])).toEqual({ text: FIRST, broke: null });
});

test("an error of the stream and an exception are events, and let nothing out of their line", async () => {
  const failing = frame(
    headerBytes([
      [":message-type", "error"],
      [":error-code", "internalError\n\nevent: message_stop"],
      [":error-message", "one\n\ntwo"],
    ]),
    NOTHING,
  );
  const { text } = await read([failing]);
  const [event, ...more] = text.split("\n\n").filter((one) => one !== "");
  expect(more).toEqual([]);
  expect(event?.split("\n")).toHaveLength(2);
  expect(event).toStartWith('event: error\ndata: {"type":"error","error":{"type":"api_error"');
});

test("the longest frame is read in time that its bytes take, in pieces of one byte", async () => {
  const text = "x".repeat(700_000);
  const bytes = chunk(JSON.stringify({ type: "content_block_delta", text }));
  const { text: told, broke } = await read([...bytes].map((byte) => Uint8Array.of(byte)));
  expect([told.length > text.length, broke]).toEqual([true, null]);
}, 10_000);
