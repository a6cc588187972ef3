/** Comments on silent streams are passed over by the official clients, before and between the tokens. */
import { createOpenAI } from "@ai-sdk/openai";
import { HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { streamText } from "ai";
import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { KEPT_MODEL, scripted, worldsForFile } from "./worlds.ts";

const { each } = await worldsForFile();
const SILENT = "tokens=3&first_token_delay_ms=250&token_delay_ms=150";
const FAILED = "status=400&headers_delay_ms=250";
const messages = [{ role: "user" as const, content: "Say something." }];
const TEXT = "lorem ipsum dolor";

describe.each(each)("%s", (name, { baseURL, apiKey }) => {
  const { headers } = scripted(SILENT);

  test("comments are sent where Tollgate is in between", async () => {
    const response = await fetch(`${baseURL}/chat/completions`, {
      method: "POST",
      headers: {
        ...headers,
        authorization: `Bearer ${apiKey}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ model: KEPT_MODEL, stream: true, messages }),
    });
    expect((await response.text()).includes(": keep-alive")).toBe(name === "through Tollgate");
  });

  test("openai reads the text", async () => {
    const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
    const asked = { model: KEPT_MODEL, messages, stream: true as const };
    const chunks = await Array.fromAsync(await client.chat.completions.create(asked, { headers }));
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe(TEXT);
  });

  test("Vercel's ai reads the text", async () => {
    const model = createOpenAI({ baseURL, apiKey }).chat(KEPT_MODEL);
    const { textStream } = streamText({ model, prompt: "Say.", maxRetries: 0, headers });
    expect((await Array.fromAsync(textStream)).join("")).toBe(TEXT);
  });

  test("LangChain reads the text", async () => {
    const configuration = { baseURL, defaultHeaders: headers };
    const model = new ChatOpenAI({ model: KEPT_MODEL, apiKey, maxRetries: 0, configuration });
    const chunks = await Array.fromAsync(await model.stream([new HumanMessage("Say something.")]));
    expect(chunks.map(({ text }) => text).join("")).toBe(TEXT);
  });

  test("openai raises on a failure after the first comment", async () => {
    const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
    const asked = { model: KEPT_MODEL, messages, stream: true as const };
    const read = async (): Promise<unknown> =>
      Array.fromAsync(await client.chat.completions.create(asked, scripted(FAILED)));
    const failure: unknown = await read().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect(failure).toMatchObject({ message: expect.stringContaining("with status 400") });
  });
});
