/** What travels through untouched: the client's bytes up, the provider's bytes down, and nothing else. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let tollgate: TestGateway;
/** Nothing stands in the way of this access token. */
let token: string;
/** This one's budget has no room for the model's maximum, so its output is capped. */
let cappedToken: string;

beforeAll(async () => {
  tollgate = await startTestGateway();
  const provider = await tollgate.addProvider();
  await tollgate.addPrice(provider.id, "sim-small", { outputPicoUsd: 1_000_000 });
  const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute("small", [target]);
  await tollgate.addRoute("sim-small", [target]);
  token = (await tollgate.addToken((await tollgate.addTenant()).id)).token;
  const tenantId = (await tollgate.addTenant()).id;
  cappedToken = (await tollgate.addToken(tenantId)).token;
  await tollgate.addBudget({
    scopeType: "tenant",
    scopeId: tenantId,
    tenantId,
    amountNanoUsd: 3_000_000,
  });
});

beforeEach(() => tollgate.upstream.reset());

afterAll(() => tollgate.stop());

function post(body: string, script: string, credential = token): Promise<Response> {
  return fetch(`${tollgate.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${credential}`, "x-sim-script": script },
    body,
  });
}

function askWith(limit: string): Promise<Response> {
  const text = `{"model":"small","x":1.0,${limit},"messages":[{"role":"user","content":"hi"}]}`;
  return post(text, "completion_tokens=0", cappedToken);
}

/** The body of the last request that the upstream received. */
function received(): string {
  return new TextDecoder().decode(tollgate.upstream.requests().at(-1)?.body ?? new Uint8Array());
}

/** A member of a body as its bytes, and as the bytes that it should become. */
type Member = { readonly key: string; readonly value: string; readonly becomes: string };

function same(key: string, value: string): Member {
  return { key, value, becomes: value };
}

/** Every byte that JSON leaves to the writer's taste. */
const blank = fc.constantFrom("", "", " ", "\n", "\r\n\t", "    ");
const oddValue = fc.constantFrom(
  "1.0e2",
  "1E400",
  "-0",
  "0.10",
  "-1e-7",
  "12345678901234567890",
  "3.141592653589793238462643",
  "null",
  "[ ]",
  "{ }",
  "[1 , 2,[ 3.0 ]]",
  '{"a" : 1.50 ,"a":2 , "model":"inner"}',
  '"\\u0041\\ud83d\\ude00\\/\\b"',
  '"日本 🙂 \u007f"',
  '"\\"model\\":\\"small\\""',
  '"\\\\"',
);
const anyValue = fc.oneof(
  oddValue,
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value, null, 1)),
);
const unknownKey = fc.oneof(
  fc.constantFrom('"temperature"', '"x\\u005fy"', '"Modell"', '"_stream"', '"m\\u00f6del"', '""'),
  fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => JSON.stringify(`x_${text}`)),
);
const unknownMember = fc.tuple(unknownKey, anyValue).map(([key, value]) => same(key, value));
const modelMember = fc
  .tuple(
    fc.constantFrom('"model"', '"\\u006dodel"'),
    fc.constantFrom('"small"', '"sm\\u0061ll"', '"\\u0073mall"'),
  )
  .map(([key, value]) => ({ key, value, becomes: '"sim-small"' }));
const messagesMember = fc
  .tuple(oddValue, fc.constantFrom('"hi"', '"\\u00e9 🙂"', '"\\n"'))
  .map(([odd, content]) =>
    same('"messages"', `[ {"role":"user","x": ${odd} ,"content":${content}} ]`),
  );
const limitMember = fc
  .constantFrom([], ["5e1"], ["50"], ["null"])
  .map((values) => values.map((value) => same('"max_tokens"', value)));
/** `stream` with each way of asking for usage or not, and what asking in the client's place makes of it. */
const streamMembers = fc.constantFrom<{ members: Member[]; appended: string }>(
  { members: [], appended: "" },
  { members: [same('"stream"', "false")], appended: "" },
  { members: [same('"stream"', "null")], appended: "" },
  { members: [same('"stream"', "true")], appended: ',"stream_options":{"include_usage":true}' },
  {
    members: [
      same('"stream"', "true"),
      { key: '"stream_options"', value: "null", becomes: '{"include_usage":true}' },
    ],
    appended: "",
  },
  {
    members: [
      same('"stream"', "true"),
      { key: '"stream_options"', value: "{ }", becomes: '{"include_usage":true }' },
    ],
    appended: "",
  },
  {
    members: [
      same('"stream"', "true"),
      {
        key: '"stream_options"',
        value: '{"x" : 1.0, "include_usage": false , "y":[]}',
        becomes: '{"x" : 1.0, "include_usage": true , "y":[]}',
      },
    ],
    appended: "",
  },
  {
    members: [
      same('"stream"', "true"),
      same('"stream_options"', '{ "include\\u005fusage":true , "x":1E400}'),
    ],
    appended: "",
  },
);

const body = fc
  .record({
    model: modelMember,
    messages: messagesMember,
    limit: limitMember,
    stream: streamMembers,
    unknown: fc.array(unknownMember, { maxLength: 6 }),
    blanks: fc.array(blank, { minLength: 6, maxLength: 6 }),
  })
  .chain(({ model, messages, limit, stream, unknown, blanks }) =>
    fc
      .shuffledSubarray([model, messages, ...limit, ...stream.members, ...unknown], {
        minLength: 2 + limit.length + stream.members.length + unknown.length,
      })
      .map((members) => ({ members, appended: stream.appended, blanks })),
  );
type Body = { members: Member[]; appended: string; blanks: string[] };

/** The text that the client sends, or with `becomes` the one that should arrive. */
function textOf({ members, blanks }: Body, side: "value" | "becomes", appended: string): string {
  const [start, key, colon, value, end, after] = blanks;
  const texts = members.map((member) => `${key}${member.key}${colon}:${value}${member[side]}`);
  return `${start}{${texts.join(`${end},`)}${appended}${end}}${after}`;
}

describe("the request that reaches the upstream", () => {
  test("is the client's to the last byte but for model, usage and cap", async () => {
    let capped = 0;
    await fc.assert(
      fc.asyncProperty(body, fc.boolean(), async (shape, isCapped) => {
        const credential = isCapped ? cappedToken : token;
        const script = "tokens=1&completion_tokens=0";
        const response = await post(textOf(shape, "value", ""), script, credential);
        await response.arrayBuffer();
        const cap = response.headers.get("x-tollgate-output-capped");
        capped += cap === null ? 0 : 1;
        const hasLimit = shape.members.some(({ key }) => key === '"max_tokens"');
        const members = shape.members.map((member) =>
          member.key === '"max_tokens"' && member.value === "null" && cap !== null
            ? { ...member, becomes: cap }
            : member,
        );
        const appendedCap = cap === null || hasLimit ? "" : `,"max_tokens":${cap}`;
        const appended = `${appendedCap}${shape.appended}`;
        expect(received()).toBe(textOf({ ...shape, members }, "becomes", appended));
      }),
      { numRuns: 400 },
    );
    expect(capped).toBeGreaterThan(20);
  });

  test("is the very same one where nothing has to change, as its hash says", async () => {
    const text =
      '\n{ "messages":[{"role":"user","content":"\\u0041"}],"n":1.0,"model":"sim-small" }\t';
    const answer = await (await post(text, "echo=1")).text();
    const hash = new Bun.CryptoHasher("sha256").update(text).digest("hex");
    const content = `sha256:${hash} bytes:${text.length}`;
    expect(JSON.parse(answer)).toMatchObject({ choices: [{ message: { content } }] });
  });

  test("keeps a client's own limit, and is refused where the budget does not cover it", async () => {
    for (const name of ["max_tokens", "max_completion_tokens"]) {
      expect((await askWith(`"${name}": 7`)).status).toBe(200);
      expect(received()).toContain(`"x":1.0,"${name}": 7,"messages"`);
    }
    const refused = await askWith('"max_tokens":4000');
    expect([refused.status, refused.headers.get("x-tollgate-error")]).toEqual([
      429,
      "budget_exceeded",
    ]);
  });
});

describe("the answer that reaches the client", () => {
  test("is the provider's to the last byte, whatever is in it", async () => {
    const answer = fc
      .tuple(blank, fc.array(unknownMember, { maxLength: 8 }), blank)
      .map(([before, members, after]) => {
        const usage = '"usage":{"prompt_tokens":1,"completion_tokens":1}';
        return `{${before}${[...members.map(({ key, value }) => `${key}:${value}`), usage].join(" ,")}${after}}`;
      });
    await fc.assert(
      fc.asyncProperty(answer, fc.constantFrom(200, 201, 400, 413, 422), async (text, status) => {
        const script = `status=${status}&body=${encodeURIComponent(text)}`;
        const response = await post('{"model":"small","messages":[{}]}', script);
        expect([response.status, await response.text()]).toEqual([status, text]);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ["a failure that is no JSON", "status=400&body=%3Chtml%3E%20no%20%3C%2Fhtml%3E", 400],
    ["an empty failure", "status=418&body=", 418],
    ["a failure that is retried in vain", "status=500&body=%7B%22odd%22%3A1.0%7D", 500],
  ])("is the provider's also for %s", async (_what, script, status) => {
    const direct = await fetch(`${tollgate.upstream.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "x-sim-script": script },
      body: "{}",
    });
    const through = await post('{"model":"small","messages":[{}]}', script);
    expect([through.status, through.headers.get("content-type"), await through.text()]).toEqual([
      status,
      direct.headers.get("content-type"),
      await direct.text(),
    ]);
  });

  test("is refused as a whole when it cannot be decoded, and never half passed on", async () => {
    const response = await post('{"model":"small","messages":[{}]}', "garbage=1");
    expect([response.status, response.headers.get("x-tollgate-error")]).toEqual([
      502,
      "upstream_error",
    ]);
  });
});
