/**
 * The official `openai` client on the surfaces that are no chat: completions, moderations, pictures and
 * speech. What works directly works through Tollgate.
 */
import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import {
  conformanceStageForFile,
  CREDENTIAL,
  PUBLIC_MODEL,
  UPSTREAM_MODEL,
} from "../conformance/stage.ts";

const { upstream, tollgate, token } = await conformanceStageForFile("openai", "/v1", {
  imagePicoUsd: 1_000_000,
  characterPicoUsd: 1_000,
});

const SSE = { "content-type": "text/event-stream" };
const event = (told: object, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(told)}\n\n`;

const completion = (text: string, finish_reason: string | null, more: object = {}) => ({
  id: "cmpl-1",
  object: "text_completion",
  created: 1_763_631_000,
  model: "gpt-3.5-turbo-instruct",
  choices: [{ text, index: 0, logprobs: null, finish_reason }],
  ...more,
});
const USAGE = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };

const PICTURE_USAGE = {
  total_tokens: 100,
  input_tokens: 50,
  output_tokens: 50,
  input_tokens_details: { text_tokens: 10, image_tokens: 40 },
};
const PICTURE_EVENTS = [
  { type: "image_generation.partial_image", b64_json: "AAAA", partial_image_index: 0 },
  { type: "image_generation.completed", b64_json: "AAAAAA==", usage: PICTURE_USAGE },
];

const worlds = [
  ["directly", upstream.url, CREDENTIAL, UPSTREAM_MODEL],
  ["through Tollgate", tollgate.url, token, PUBLIC_MODEL],
] as const;

/** The last body that the provider was sent. */
function seenBody(): unknown {
  return JSON.parse(new TextDecoder().decode(upstream.seen.at(-1)?.body));
}

describe.each(worlds)("%s", (_name, url, apiKey, model) => {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

  test("a completion, of which the provider is told its own name of the model", async () => {
    const answer = completion(" Grüße 🙂", "stop", { usage: USAGE });
    upstream.answer({ pieces: [JSON.stringify(answer)] });
    const asked = { prompt: ["one", "two"], best_of: 2, n: 1, echo: true, logprobs: 2 };
    expect(await client.completions.create({ model, ...asked })).toEqual(answer as never);
    expect(seenBody()).toEqual({ model: UPSTREAM_MODEL, ...asked });
  });

  test("a streamed completion with the usage that was asked for", async () => {
    const chunks = [
      completion(" Grüße", null),
      completion(" 🙂", "stop"),
      { ...completion("", null), choices: [], usage: USAGE },
    ];
    const pieces = [...chunks.map((chunk) => event(chunk)), "data: [DONE]\n\n"];
    upstream.answer({ headers: SSE, pieces });
    const stream = await client.completions.create({
      model,
      prompt: "hi",
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(await Array.fromAsync(stream)).toEqual(chunks as never);
  });

  test("a streamed completion that breaks off throws", async () => {
    upstream.answer({ headers: SSE, pieces: [event(completion(" one", null))], end: "hang" });
    const stream = await client.completions.create({ model, prompt: "hi", stream: true });
    const read = async (): Promise<void> => {
      for await (const chunk of stream) {
        expect(chunk.choices[0]?.text).toBe(" one");
        upstream.cutOff();
      }
    };
    expect(
      await read().then(
        () => "ended",
        () => "threw",
      ),
    ).toBe("threw");
  });

  test("a picture", async () => {
    const answer = { created: 1_763_631_000, data: [{ b64_json: "AAAA" }], usage: PICTURE_USAGE };
    upstream.answer({ pieces: [JSON.stringify(answer)] });
    const asked = { prompt: "ein Leuchtturm", n: 1, quality: "low", size: "1024x1024" } as const;
    const { _request_id, ...told } = await client.images.generate({ model, ...asked });
    expect(told).toEqual(answer as never);
    expect(seenBody()).toEqual({ model: UPSTREAM_MODEL, ...asked });
  });

  test("a picture as a stream with a preview", async () => {
    const pieces = PICTURE_EVENTS.map((one) => event(one, one.type));
    upstream.answer({ headers: SSE, pieces });
    const stream = await client.images.generate({
      model,
      prompt: "a lighthouse",
      stream: true,
      partial_images: 1,
    });
    expect(await Array.fromAsync(stream)).toEqual(PICTURE_EVENTS as never);
  });

  test("speech, read as it comes", async () => {
    const sound = Uint8Array.from({ length: 30_000 }, (_, index) => index % 251);
    const pieces = [sound.subarray(0, 10_000), sound.subarray(10_000)];
    upstream.answer({ headers: { "content-type": "audio/mpeg" }, pieces });
    const answer = await client.audio.speech.create({ model, input: "Hello.", voice: "alloy" });
    expect(answer.headers.get("content-type")).toBe("audio/mpeg");
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(sound);
  });

  test("speech that breaks off throws, and is no shorter sound", async () => {
    upstream.answer({ headers: { "content-type": "audio/mpeg" }, pieces: ["abc"], end: "hang" });
    const answer = await client.audio.speech.create({ model, input: "Hello.", voice: "alloy" });
    upstream.cutOff();
    const read = answer.arrayBuffer().then(
      () => "ended",
      () => "threw",
    );
    expect(await read).toBe("threw");
  });

  test("a refusal is the provider's own, by its status and words", async () => {
    const error = { message: "Billing hard limit has been reached", type: "x", code: "y" };
    upstream.answer({ status: 400, pieces: [JSON.stringify({ error })] });
    const refused = client.images.generate({ model, prompt: "a cat" });
    const failure = await refused.then(
      () => null,
      (one: unknown) => one,
    );
    expect(failure).toBeInstanceOf(OpenAI.BadRequestError);
    expect((failure as InstanceType<typeof OpenAI.BadRequestError>).error).toEqual(error);
  });

  test("a moderation", async () => {
    const answer = { id: "modr-1", model: "omni-moderation-latest", results: [{ flagged: false }] };
    upstream.answer({ pieces: [JSON.stringify(answer)] });
    const told = await client.moderations.create({ model, input: ["one", "two"] });
    expect(told).toEqual(answer as never);
  });
});
