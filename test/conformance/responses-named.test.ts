/**
 * Whatever a response names that its provider keeps, wherever the body names it: another tenant's is as
 * unknown as what never was, and the provider is not asked.
 */
import { describe, expect, test } from "bun:test";
import { begun, completed, events, message, response } from "./responses-answers.ts";
import { conformanceStageForFile, PUBLIC_MODEL } from "./stage.ts";

const { tollgate, through, upstream } = await conformanceStageForFile("openai", "/v1");
const stranger = (await tollgate.addToken((await tollgate.addTenant()).id)).token;
const path = "/v1/responses";

let made = 0;

/** Reasoning, a picture and what a container ran: as OpenAI answers, each under an id of its own. */
function answered(number: number) {
  return response(
    [
      { id: `rs_${number}`, type: "reasoning", summary: [] },
      { id: `ig_${number}`, type: "image_generation_call", status: "completed", result: "iVBO" },
      {
        id: `ci_${number}`,
        type: "code_interpreter_call",
        status: "completed",
        container_id: `cntr_${number}`,
        code: "1",
        outputs: [],
      },
      { id: `cmp_${number}`, type: "compaction", encrypted_content: "sealed" },
      message("Hi", `msg_${number}`),
    ],
    { id: `resp_${number}` },
  );
}

/** The same as a stream tells it. */
function streamed(number: number): string {
  const { output } = answered(number);
  const items = (Array.isArray(output) ? output : []).map((item, output_index) => {
    return { type: "response.output_item.done", output_index, item };
  });
  const id = { id: `resp_${number}` };
  return events([...begun(id), ...items, completed([], id)]);
}

async function create(more: Readonly<Record<string, unknown>>, by?: string) {
  upstream.answer(() => {
    made += 1;
    return more["stream"] === true
      ? { headers: { "content-type": "text/event-stream" }, pieces: [streamed(made)] }
      : { pieces: [JSON.stringify(answered(made))] };
  });
  const body = JSON.stringify({ model: PUBLIC_MODEL, input: "hi", ...more });
  const headers: Record<string, string> = by === undefined ? {} : { authorization: `Bearer ${by}` };
  const answer = await through({ path, body, headers });
  return { ...answer, number: made };
}

const INTERPRETER = { type: "code_interpreter" };
const shell = (environment: object) => ({ tools: [{ type: "shell", environment }] });

const NAMED: [string, (number: number) => Readonly<Record<string, unknown>>, string][] = [
  [
    "a picture of an earlier answer",
    (number) => ({ input: [{ type: "image_generation_call", id: `ig_${number}` }] }),
    "input[0].id",
  ],
  [
    "reasoning that only its provider can read",
    (number) => ({ input: [{ type: "reasoning", id: `rs_${number}`, summary: [] }] }),
    "input[0].id",
  ],
  [
    "a compaction that only its provider can read",
    (number) => ({ input: [{ type: "compaction", id: `cmp_${number}` }] }),
    "input[0].id",
  ],
  [
    "a container of the code interpreter",
    (number) => ({ tools: [{ ...INTERPRETER, container: `cntr_${number}` }] }),
    "tools[0].container",
  ],
  [
    "a container of a shell",
    (number) => shell({ type: "container_reference", container_id: `cntr_${number}` }),
    "tools[0].environment.container_id",
  ],
];

describe("what an earlier answer made", () => {
  const told = [false, true].flatMap((stream) => NAMED.map((one) => [...one, stream] as const));

  test.each(told)("%s is its tenant's alone", async (_what, naming, param, stream) => {
    const { number } = await create({ stream });
    expect((await create(naming(number))).status).toBe(200);
    upstream.forget();
    const refused = await create(naming(number), stranger);
    const { error } = JSON.parse(refused.text);
    expect([refused.status, error.code, error.param]).toEqual([404, "not_found", param]);
    expect(upstream.seen.length).toBe(0);
  });
});

const IMAGE_FILE = { type: "input_image", file_id: "file-of-others" };

describe("a file of another tenant", () => {
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    [
      "as a mask of a picture",
      { tools: [{ type: "image_generation", input_image_mask: { file_id: "file-of-others" } }] },
      "tools[0].input_image_mask.file_id",
    ],
    [
      "in a variable of a prompt",
      { prompt: { id: "pmpt_1", variables: { picture: IMAGE_FILE } } },
      "prompt.variables.picture.file_id",
    ],
    [
      "in a container that is made for the code interpreter",
      { tools: [{ ...INTERPRETER, container: { type: "auto", file_ids: ["file-of-others"] } }] },
      "tools[0].container.file_ids",
    ],
    [
      "in a container that is made for a shell",
      shell({ type: "container_auto", file_ids: ["file-of-others"] }),
      "tools[0].environment.file_ids",
    ],
  ])("%s reaches no provider", async (_where, naming, param) => {
    const refused = await create(naming);
    const { error } = JSON.parse(refused.text);
    expect([refused.status, error.code, error.param]).toEqual([404, "not_found", param]);
    expect(upstream.seen.length).toBe(0);
  });
});

test("what a client sends whole is no reference, whatever id it bears", async () => {
  const input = [
    { type: "reasoning", id: "rs_x", summary: [], encrypted_content: "sealed" },
    {
      type: "reasoning",
      id: "rs_y",
      summary: [],
      content: [{ type: "reasoning_text", text: "hm" }],
    },
    { type: "image_generation_call", id: "ig_x", status: "completed", result: "iVBO" },
    { type: "compaction", id: "cmp_x", encrypted_content: "sealed" },
    message("Hi", "msg_x"),
  ];
  expect((await create({ input })).status).toBe(200);
});
