/** The official `openai` client with batches: what works directly works through Tollgate. */
import { beforeEach, describe, expect, test } from "bun:test";
import OpenAI, { toFile } from "openai";
import type { Recorded } from "../conformance/recorded-upstream.ts";
import {
  conformanceStageForFile,
  CREDENTIAL,
  PUBLIC_MODEL,
  UPSTREAM_MODEL,
} from "../conformance/stage.ts";
import { freshProvider } from "../support/fresh-provider.ts";

const { upstream, tollgate, token, provider } = await conformanceStageForFile("openai", "/v1");
beforeEach(() => freshProvider(tollgate, provider));

const WORLDS = [
  ["directly", `${upstream.url}/v1`, CREDENTIAL, UPSTREAM_MODEL],
  ["through Tollgate", `${tollgate.url}/v1`, token, PUBLIC_MODEL],
] as const;

const ENDPOINT = "/v1/chat/completions";

function linesFor(model: string): string {
  const lines = ["Grüße 🙂", "bye"].map((content, index) => {
    const body = { model, messages: [{ role: "user", content }] };
    return JSON.stringify({ custom_id: `line-${index}`, method: "POST", url: ENDPOINT, body });
  });
  return lines.join("\n");
}

const told = (answer: object): Recorded => ({ pieces: [JSON.stringify(answer)] });

describe.each(WORLDS)("the openai client %s", (name, baseURL, apiKey, model) => {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const [fileId, batchId, outputId] = ["file", "batch", "file-out"].map(
    (kind) => `${kind}-${name.length}`,
  ) as [string, string, string];
  const file = { id: fileId, object: "file", filename: "a.jsonl", purpose: "batch" };
  const batch = {
    id: batchId,
    object: "batch",
    endpoint: ENDPOINT,
    input_file_id: fileId,
    completion_window: "24h",
    status: "validating",
    created_at: 1,
    metadata: { of: "🙂" },
  };
  const ended = { ...batch, status: "completed", output_file_id: outputId };
  const cancelled = { ...ended, status: "cancelling" };
  const output = `{"id":"1","custom_id":"line-0","response":{"status_code":200,"body":{}}}\n`;
  const answers: Readonly<Record<string, Recorded>> = {
    "POST /v1/files": told(file),
    "POST /v1/batches": told(batch),
    [`GET /v1/batches/${batchId}`]: told(ended),
    "GET /v1/batches?limit=1": told({ object: "list", data: [ended], has_more: false }),
    [`POST /v1/batches/${batchId}/cancel`]: told(cancelled),
    [`GET /v1/files/${outputId}/content`]: {
      headers: { "content-type": "application/jsonl" },
      pieces: [output],
    },
  };

  test("has a batch made of a file, watches, lists and stops it, and reads what came of it", async () => {
    upstream.answer(
      ({ method, path }) => answers[`${method} ${path}`] ?? { status: 500, pieces: [] },
    );
    const sent = await toFile(Buffer.from(linesFor(model)), "a.jsonl");
    expect(await client.files.create({ file: sent, purpose: "batch" })).toEqual(file as never);
    const body = new TextDecoder().decode(upstream.seen[0]?.body);
    expect(body).toContain(`\r\n\r\n${linesFor(UPSTREAM_MODEL)}\r\n`);
    const made = await client.batches.create({
      input_file_id: fileId,
      endpoint: ENDPOINT,
      completion_window: "24h",
      metadata: { of: "🙂" },
    });
    expect(made).toEqual(batch as never);
    expect(await client.batches.retrieve(batchId)).toEqual(ended as never);
    const listed: unknown[] = [];
    for await (const one of client.batches.list({ limit: 1 })) listed.push(one);
    expect(listed).toEqual([ended]);
    expect(await (await client.files.content(outputId)).text()).toBe(output);
    expect(await client.batches.cancel(batchId)).toEqual(cancelled as never);
  });
});
