/** The official `openai` client and its conversations: the same assertions directly and through Tollgate. */
import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { ANSWER, MODEL, responsesWorldsForFile } from "./responses-worlds.ts";
import { failureOf } from "./worlds.ts";

const each = await responsesWorldsForFile();
const model = MODEL;
const metadata = { topic: "demo" };
const said = (role: "user" | "assistant", content: string) => ({ role, content });

describe.each(each)("%s", (_name, { baseURL, apiKey }) => {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

  test("a conversation is made, shown, changed, deleted, and gone", async () => {
    const { id, ...made } = await client.conversations.create({ metadata });
    expect(made).toEqual({ object: "conversation", created_at: 1_763_631_000, metadata });
    expect(await client.conversations.retrieve(id)).toMatchObject({ id, metadata });
    const changed = { metadata: { topic: "Grüße 🙂" } };
    expect(await client.conversations.update(id, changed)).toMatchObject({ id, ...changed });
    expect(await client.conversations.delete(id)).toEqual({
      id,
      object: "conversation.deleted",
      deleted: true,
    });
    const gone = await failureOf(client.conversations.retrieve(id));
    expect(gone).toBeInstanceOf(OpenAI.NotFoundError);
    expect(String(gone)).toContain(`Conversation with id '${id}' not found.`);
  });

  test("one that nobody asked for anything is made as well", async () => {
    expect((await client.conversations.create()).object).toBe("conversation");
  });

  test("items are added, listed page by page, shown and taken out", async () => {
    const { id } = await client.conversations.create({ items: [said("user", "one")] });
    const added = await client.conversations.items.create(id, {
      items: [said("assistant", "two"), said("user", "three 🙂")],
      include: ["message.output_text.logprobs"],
    });
    expect(added.data.length).toBe(2);
    const texts = async (order: "asc" | "desc") => {
      const items = await Array.fromAsync(client.conversations.items.list(id, { limit: 2, order }));
      return items.map((item) => (item as { content: { text: string }[] }).content[0]?.text);
    };
    expect(await texts("asc")).toEqual(["one", "two", "three 🙂"]);
    expect(await texts("desc")).toEqual(["three 🙂", "two", "one"]);
    const item = added.first_id;
    const at = { conversation_id: id };
    expect(await client.conversations.items.retrieve(item, at)).toEqual(added.data[0] as never);
    expect((await client.conversations.items.delete(item, at)).id).toBe(id);
    expect(await texts("asc")).toEqual(["one", "three 🙂"]);
    const gone = await failureOf(client.conversations.items.retrieve(item, at));
    expect(gone).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("a response goes on with it, and what was answered is in it", async () => {
    const { id } = await client.conversations.create({ items: [said("user", "Say something.")] });
    const stream = await client.responses.create({
      model,
      input: [],
      conversation: id,
      stream: true,
    });
    expect((await Array.fromAsync(stream)).at(-1)?.type).toBe("response.completed");
    const items = await Array.fromAsync(client.conversations.items.list(id, { order: "asc" }));
    expect(items.at(-1)).toMatchObject({ role: "assistant", content: [{ text: ANSWER }] });
    // What it listed can be referred to by a request of its own.
    const input = items.map((item) => ({ type: "item_reference" as const, id: String(item.id) }));
    expect((await client.responses.create({ model, input })).output_text).toBe(ANSWER);
  });

  test("a response cannot go on with a conversation that never was", async () => {
    const failure = await failureOf(
      client.responses.create({ model, input: "hi", conversation: "conv_never" }),
    );
    expect(failure).toBeInstanceOf(OpenAI.NotFoundError);
  });
});
