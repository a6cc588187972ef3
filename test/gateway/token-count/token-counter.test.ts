/** Counting tokens on a thread of its own: right, bounded, and never in anybody's way. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import fc from "fast-check";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { cutRuns } from "../../../src/gateway/token-count/cut-runs.ts";
import {
  createTokenCounter,
  type TokenCounter,
} from "../../../src/gateway/token-count/token-counter.ts";
import { ManualClock } from "../../bench/manual-clock.ts";
import { createLog } from "../../../src/telemetry/log.ts";

let counter: TokenCounter;
const logged: string[] = [];
const log = createLog({
  level: "error",
  format: "json",
  colour: false,
  clock: systemClock,
  sink: { write: (line) => void logged.push(line) },
  secrets: [],
});

/** On a busy machine the thread may take long to load; only the two tests of lateness are about time. */
const patientClock: Clock = {
  ...systemClock,
  after: (delayMs, callback) => systemClock.after(10 * delayMs, callback),
};

beforeEach(() => {
  counter = createTokenCounter(patientClock, log);
});
afterEach(() => {
  counter.stop();
  expect(logged).toEqual([]);
});

const bodyOf = (body: object): string => JSON.stringify(body);

test("a prompt and an answer are counted as OpenAI's newest encoding counts them", async () => {
  const body = bodyOf({ model: "m", messages: [{ role: "user", content: "hi there" }] });
  // "hi there" and "user" are 2 + 1 tokens, the template is 3 for the message and 3 for the answer.
  expect(await counter.count({ body, output: "Hello world, this is a test" })).toEqual({
    inputTokens: 9,
    outputTokens: 7,
  });
});

test("names within tool schemas are read by the model and count, those of messages do not", async () => {
  const tools = [{ type: "function", function: { name: "weather" } }];
  const counted = await counter.count({ body: bodyOf({ tools }), output: "" });
  // type function function name weather: five words of one token.
  expect(counted).toEqual({ inputTokens: 5, outputTokens: 0 });
});

test("inline files are no text", async () => {
  const url = `data:image/png;base64,${"iVBORw0KGgo".repeat(1_000)}`;
  const body = bodyOf({ messages: [{ content: [{ image_url: { url } }] }] });
  expect(await counter.count({ body, output: "" })).toEqual({ inputTokens: 6, outputTokens: 0 });
});

test("Anthropic's inline files are no text, and neither are signatures", async () => {
  const source = { type: "base64", data: "iVBORw0KGgo".repeat(1_000) };
  const content = [
    { type: "thinking", thinking: "hi there", signature: "EqQBCgIYAhIM".repeat(9) },
    { type: "text", text: "hi", cache_control: { type: "ephemeral" } },
    { type: "image", source: { ...source, media_type: "image/png" } },
    { type: "document", source: { ...source, media_type: "application/pdf" } },
  ];
  const body = bodyOf({ system: "hi", messages: [{ role: "user", content }] });
  // hi, user, thinking, hi there, text, hi, image, document: nine tokens of text; six of the template;
  // and six for 11,000 bytes of a file.
  expect(await counter.count({ body, output: "" })).toEqual({ inputTokens: 21, outputTokens: 0 });
});

test("Google's contents count, and neither inline files nor what stands beside a batch's contents", async () => {
  const data = "iVBORw0KGgo".repeat(1_000);
  const parts = [
    { text: "hi", thoughtSignature: "CiQBCgIYAhIM" },
    { inlineData: { mimeType: "image/png", data } },
    { inline_data: { mime_type: "application/pdf", data } },
  ];
  const generation = bodyOf({ contents: [{ role: "user", parts }], system_instruction: { parts } });
  // Twice: hi, and six for 11,000 bytes of a file; and user.
  expect(await counter.count({ body: generation, output: "" })).toEqual({
    inputTokens: 15,
    outputTokens: 0,
  });
  const content = { parts: [{ text: "hi" }] };
  const batch = bodyOf({ requests: [{ model: "models/a", taskType: "B", content }, { content }] });
  expect(await counter.count({ body: batch, output: "" })).toEqual({
    inputTokens: 2,
    outputTokens: 0,
  });
});

test("a body that was cut off is left to its bytes", async () => {
  expect(await counter.count({ body: '{"messages":[{"cont', output: "a" })).toEqual({
    inputTokens: null,
    outputTokens: 1,
  });
});

test("a model's control words count as the plain text they are", async () => {
  const counted = await counter.count({ body: null, output: "<|endoftext|>" });
  expect(counted?.outputTokens).toBeGreaterThan(1);
});

test.each([
  ["letters", "a".repeat(250_000)],
  ["spaces", " ".repeat(250_000)],
  ["signs", "=".repeat(250_000)],
  ["digits", "7".repeat(250_000)],
  ["emoji", "😀".repeat(60_000)],
  ["combining marks", "e\u0301".repeat(100_000)],
])("an unbroken run of %s does not stall the count", async (_, output) => {
  const counted = await counter.count({ body: null, output });
  // Unbroken, the encoder would work for tens of seconds, and the answer would be null.
  expect(counted?.outputTokens).toBeGreaterThan(0);
});

test("pieces joined are the text, and no run stays long", () => {
  const run = fc
    .tuple(fc.constantFrom("a", "é", "7", " ", "\n", "=", "😀", "漢"), fc.nat(1_200))
    .map(([sign, times]) => sign.repeat(times));
  fc.assert(
    fc.property(fc.array(run, { maxLength: 6 }), (runs) => {
      const text = runs.join("");
      const pieces = cutRuns(text);
      expect(pieces.join("")).toBe(text);
      for (const piece of pieces) expect(piece).not.toMatch(/(\p{L}{401}|\p{N}{401}|\s{401})/u);
    }),
  );
});

test("more questions than may wait are answered with null at once", async () => {
  const asked = Array.from({ length: LIMITS.tokenCountsWaitingMax + 5 }, () =>
    counter.count({ body: null, output: "word" }),
  );
  const answers = await Promise.all(asked);
  expect(answers.filter((answer) => answer === null)).toHaveLength(5);
  expect(answers[0]).toEqual({ inputTokens: null, outputTokens: 1 });
});

test("a question that takes too long is answered with null, and so are all when the thread stops", async () => {
  const clock = new ManualClock();
  const slow = createTokenCounter(clock, log);
  const late = slow.count({ body: null, output: "word" });
  await clock.advance(LIMITS.tokenCountMs);
  expect(await late).toBeNull();
  const left = slow.count({ body: null, output: "word" });
  slow.stop();
  expect(await left).toBeNull();
});

test("the thread is given back when nobody asks, and started again when somebody does", async () => {
  const clock = new ManualClock();
  const resting = createTokenCounter(clock, log);
  expect(await resting.count({ body: null, output: "word" })).not.toBeNull();
  await clock.advance(LIMITS.tokenCounterIdleMs);
  expect(await resting.count({ body: null, output: "two words" })).toEqual({
    inputTokens: null,
    outputTokens: 2,
  });
  resting.stop();
});
