/** The official `openai` client with files: what works directly works through Tollgate. */
import { describe, expect, test } from "bun:test";
import OpenAI, { toFile } from "openai";
import type { Recorded } from "../conformance/recorded-upstream.ts";
import {
  conformanceStageForFile,
  CREDENTIAL,
  PUBLIC_MODEL,
  UPSTREAM_MODEL,
} from "../conformance/stage.ts";

const { upstream, tollgate, token } = await conformanceStageForFile("openai", "/v1");

const USAGE = {
  type: "tokens",
  input_tokens: 14,
  output_tokens: 45,
  total_tokens: 59,
  input_token_details: { text_tokens: 0, audio_tokens: 14 },
};
const EVENTS = [
  { type: "transcript.text.delta", delta: "Grüße " },
  { type: "transcript.text.delta", delta: "🙂" },
  { type: "transcript.text.done", text: "Grüße 🙂", usage: USAGE },
];

const speech = (bytes = 5_000) => toFile(new Uint8Array(bytes).fill(7), "speech.mp3");

const png = (name: string) => toFile(new Uint8Array(900_000), name, { type: "image/png" });

/** The values of a field in the last form that the provider saw. */
function seenField(name: string): string | undefined {
  const text = Buffer.from(upstream.seen.at(-1)?.body ?? []).toString("latin1");
  return new RegExp(`name="${name}"\r\n\r\n([^\r]*)\r\n`).exec(text)?.[1];
}

const worlds = [
  ["directly", upstream.url, CREDENTIAL, UPSTREAM_MODEL],
  ["through Tollgate", tollgate.url, token, PUBLIC_MODEL],
] as const;

describe.each(worlds)("%s", (name, url, apiKey, model) => {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

  test("a transcription, of which the provider is told its own name of the model", async () => {
    upstream.answer({ pieces: [JSON.stringify({ text: "Grüße 🙂", usage: USAGE })] });
    const told = await client.audio.transcriptions.create({ model, file: await speech() });
    expect(told).toEqual({ text: "Grüße 🙂", usage: USAGE } as never);
    expect(seenField("model")).toBe(UPSTREAM_MODEL);
  });

  test("a transcription of a file of some megabytes with subtitles", async () => {
    const subtitles = "1\n00:00:00,000 --> 00:00:01,000\nGrüße\n";
    upstream.answer({ headers: { "content-type": "text/plain" }, pieces: [subtitles] });
    const file = await speech(3_000_000);
    const told = await client.audio.transcriptions.create({ model, file, response_format: "srt" });
    expect([told, seenField("response_format")]).toEqual([subtitles, "srt"]);
    expect(upstream.seen.at(-1)?.body.length).toBeGreaterThan(3_000_000);
  });

  test("a transcription as a stream", async () => {
    const pieces = EVENTS.map((event) => `data: ${JSON.stringify(event)}\n\n`);
    upstream.answer({ headers: { "content-type": "text/event-stream" }, pieces });
    const file = await speech();
    const stream = await client.audio.transcriptions.create({ model, file, stream: true });
    const told: unknown[] = [];
    for await (const event of stream) told.push(event);
    expect(told).toEqual(EVENTS);
  });

  test("a translation", async () => {
    upstream.answer({ pieces: ['{"text":"Greetings"}'] });
    const told = await client.audio.translations.create({ model, file: await speech() });
    expect([told.text, seenField("model")]).toEqual(["Greetings", UPSTREAM_MODEL]);
  });

  test("pictures that are edited, two at once, and a mask", async () => {
    const data = [{ b64_json: "aGk=" }, { b64_json: "aGk=" }];
    upstream.answer({ pieces: [JSON.stringify({ created: 1, data })] });
    const image = [await png("a.png"), await png("b.png")];
    const told = await client.images.edit({
      model,
      image,
      mask: await png("m.png"),
      prompt: "a cat",
      n: 2,
    });
    expect(told.data).toEqual(data);
    const fields = [seenField("model"), seenField("n"), seenField("prompt")];
    expect(fields).toEqual([UPSTREAM_MODEL, "2", "a cat"]);
  });

  test("an edit as a stream", async () => {
    const type = "image_edit.completed";
    const event = { type, b64_json: "aGk=", usage: { input_tokens: 1, output_tokens: 2 } };
    const pieces = [`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`];
    upstream.answer({ headers: { "content-type": "text/event-stream" }, pieces });
    const image = await toFile(new Uint8Array(10), "a.png", { type: "image/png" });
    const stream = await client.images.edit({ model, image, prompt: "a cat", stream: true });
    const told: unknown[] = [];
    for await (const one of stream) told.push(one);
    expect(told).toEqual([event]);
  });

  test("a file that the provider refuses", async () => {
    const error = {
      message: "Invalid file format.",
      type: "invalid_request_error",
      param: "file",
      code: null,
    };
    upstream.answer({ status: 400, pieces: [JSON.stringify({ error })] });
    const failed = await client.audio.transcriptions
      .create({ model, file: await speech() })
      .catch((one: unknown) => one);
    expect(failed).toBeInstanceOf(OpenAI.BadRequestError);
    expect(failed).toMatchObject({ status: 400, error });
  });

  test("a file that is uploaded, shown, listed, downloaded and deleted", async () => {
    const id = `file-${name.length}`;
    const file = {
      id,
      object: "file",
      bytes: 5,
      created_at: 1,
      filename: "a.txt",
      purpose: "user_data",
    };
    const answers: Readonly<Record<string, Recorded>> = {
      "POST /v1/files": { pieces: [JSON.stringify(file)] },
      "GET /v1/files": {
        pieces: [JSON.stringify({ object: "list", data: [file], has_more: false })],
      },
      [`GET /v1/files/${id}`]: { pieces: [JSON.stringify(file)] },
      [`GET /v1/files/${id}/content`]: {
        headers: { "content-type": "application/octet-stream" },
        pieces: ["hel", "lo"],
      },
      [`DELETE /v1/files/${id}`]: {
        pieces: [JSON.stringify({ id, object: "file", deleted: true })],
      },
    };
    upstream.answer(
      ({ method, path }) => answers[`${method} ${path}`] ?? { status: 500, pieces: [] },
    );
    const sent = {
      file: await toFile(Buffer.from("hello"), "a.txt"),
      purpose: "user_data",
    } as const;
    expect(await client.files.create(sent)).toEqual(file as never);
    expect(await client.files.retrieve(id)).toEqual(file as never);
    const listed: string[] = [];
    for await (const one of client.files.list()) listed.push(one.id);
    expect(listed).toEqual([id]);
    expect(await (await client.files.content(id)).text()).toBe("hello");
    expect(await client.files.delete(id)).toMatchObject({ id, deleted: true });
  });
});
