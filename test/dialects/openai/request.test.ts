/** The upstream's bytes: the client's own but for what the gateway was told to change. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { ClientRequest, RequestEdits } from "../../../src/dialects/contract.ts";
import type { Surface } from "../../../src/dialects/surfaces.ts";
import { codecOf } from "../../../src/dialects/catalogue.ts";
import { chatCodec } from "../../../src/dialects/openai/chat.ts";
import { jsonTexts } from "../json-texts.ts";
import { NOWHERE } from "../nowhere.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const NO_EDITS: RequestEdits = {
  model: "m",
  outputTokensCap: null,
  outputCapMember: "max_tokens",
  includeUsage: false,
};

function accepted(body: string, surface: Surface = "chat"): ClientRequest {
  const verdict = codecOf(surface).accept(encoder.encode(body), NOWHERE);
  if (!verdict.allowed) throw new Error(`refused: ${verdict.refusal.message}: ${body}`);
  return verdict.value;
}

function upstream(body: string, edits: Partial<RequestEdits>, surface: Surface = "chat"): string {
  return decoder.decode(chatCodec.request(accepted(body, surface), { ...NO_EDITS, ...edits }));
}

/** A body of odd formatting with these members, each preceded by a comma. */
function bodyWith(members: string): string {
  return `{ "messages" : [ {"role":"user", "content":"\\u00e9 \\/ x"} ],"model": "m"${members},"temperature":1.0e0 }\n`;
}

describe("the upstream's bytes", () => {
  test("are the very same array when nothing has to change", () => {
    const request = accepted(bodyWith(""));
    expect(chatCodec.request(request, NO_EDITS)).toBe(request.bytes);
    const asking = accepted(bodyWith(',"stream":true,"stream_options":{"include_usage":true}'));
    expect(chatCodec.request(asking, { ...NO_EDITS, includeUsage: true })).toBe(asking.bytes);
    const limited = accepted(bodyWith(',"max_tokens":5'));
    expect(chatCodec.request(limited, { ...NO_EDITS, outputTokensCap: 5 })).toBe(limited.bytes);
  });

  const usage = { includeUsage: true };
  const cap = { outputTokensCap: 64 };
  const newCap = { outputTokensCap: 64, outputCapMember: "max_completion_tokens" } as const;
  const options = '"stream_options":{"include_usage":true}';
  test.each<[string, string, Partial<RequestEdits>, string]>([
    ["the model's name", "", { model: 'up/stream\n"é' }, ""],
    ["usage when nothing is said about it", ',"stream":true', usage, `,"stream":true|,${options}`],
    [
      "usage when null is said",
      ',"stream":true,"stream_options": null',
      usage,
      ',"stream":true,"stream_options": {"include_usage":true}',
    ],
    [
      "usage into empty options",
      ',"stream":true,"stream_options":{ }',
      usage,
      ',"stream":true,"stream_options":{"include_usage":true }',
    ],
    [
      "usage beside other options",
      ',"stream":true,"stream_options":{"include_obfuscation":false }',
      usage,
      ',"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true }',
    ],
    [
      "usage where it is off",
      ',"stream":true,"stream_options":{"a":1,"include\\u005fusage" :false}',
      usage,
      ',"stream":true,"stream_options":{"a":1,"include\\u005fusage" :true}',
    ],
    [
      "usage where it is null",
      ',"stream":true,"stream_options":{"include_usage":null}',
      usage,
      ',"stream":true,"stream_options":{"include_usage":true}',
    ],
    [
      "nothing about usage without a stream",
      ',"stream":false,"stream_options":null',
      usage,
      ',"stream":false,"stream_options":null',
    ],
    ["a cap", "", cap, '|,"max_tokens":64'],
    ["a cap by its newer name", "", newCap, '|,"max_completion_tokens":64'],
    ["a cap in the place of null", ',"max_tokens":null', cap, ',"max_tokens":64'],
    [
      "a cap beside the other name's null",
      ',"max_tokens":null',
      newCap,
      ',"max_tokens":null|,"max_completion_tokens":64',
    ],
    ["a cap below the client's own limit", ',"max_tokens":1e2', cap, ',"max_tokens":64'],
    ["a cap below a limit of the other name", ',"max_tokens":100', newCap, ',"max_tokens":64'],
    [
      "a cap below the larger of two limits",
      ',"max_tokens":100,"max_completion_tokens":10',
      cap,
      ',"max_tokens":64,"max_completion_tokens":10',
    ],
    [
      "no cap above the client's own limit",
      ',"max_completion_tokens":63',
      cap,
      ',"max_completion_tokens":63',
    ],
    [
      "cap and usage at once",
      ',"stream":true',
      { ...cap, ...usage },
      `,"stream":true|,"max_tokens":64,${options}`,
    ],
  ])("get %s", (_, members, edits, expected) => {
    // What is added goes behind the last member, which the bar stands for.
    const [changed = "", added = ""] = expected.split("|");
    const model = edits.model ?? "m";
    const end = '"temperature":1.0e0';
    const body = bodyWith(changed).replace('"m"', () => JSON.stringify(model));
    expect(upstream(bodyWith(members), edits)).toBe(body.replace(end, () => end + added));
  });

  test("of embeddings change in the model alone", () => {
    const edits = { model: "e2", outputTokensCap: 5, includeUsage: true };
    const body = '{"input":"hi","model":"m","stream":true}';
    expect(upstream(body, edits, "embeddings")).toBe(body.replace('"m"', '"e2"'));
  });

  test("hold every other member as the client wrote it, in its place", () => {
    // Names under which the generator may not write anything, in any case: the body has them already.
    const taken = new Set(["model", "messages", "stream", "stream_options", "n"]);
    for (const name of ["max_tokens", "max_completion_tokens"]) taken.add(name);
    const edited = fc.record({
      object: jsonTexts(["user", "tools", "temperature", "metadata"]),
      model: fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
      upstreamModel: fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
      outputTokensCap: fc.option(fc.integer({ min: 1, max: 10_000 })),
      outputCapMember: fc.constantFrom("max_tokens" as const, "max_completion_tokens" as const),
      includeUsage: fc.boolean(),
      stream: fc.boolean(),
      isFirst: fc.boolean(),
    });
    fc.assert(
      fc.property(edited, ({ object, model, upstreamModel, stream, isFirst, ...rest }) => {
        const { text, members } = object;
        fc.pre(members.every(({ name }) => !taken.has(name.toLowerCase())));
        const inside = text.slice(text.indexOf("{") + 1, text.lastIndexOf("}"));
        const filled = members.length > 0;
        const write = (name: string, tail: string): string => {
          const own = `"model":${JSON.stringify(name)} ,"messages":[{}], "stream":${stream}`;
          if (!filled) return `{${own}${tail}}`;
          const last = (members.at(-1)?.valueEnd ?? 0) - text.indexOf("{") - 1;
          return isFirst
            ? `{${own},${inside.slice(0, last)}${tail}${inside.slice(last)}}`
            : `{${inside},${own}${tail}}`;
        };
        const added =
          (rest.outputTokensCap === null
            ? ""
            : `,"${rest.outputCapMember}":${rest.outputTokensCap}`) +
          (rest.includeUsage && stream ? ',"stream_options":{"include_usage":true}' : "");
        expect(upstream(write(model, ""), { ...rest, model: upstreamModel })).toBe(
          write(upstreamModel, added),
        );
      }),
      { numRuns: 500 },
    );
  });
});
