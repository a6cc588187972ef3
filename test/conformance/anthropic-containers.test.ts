/** Containers that Anthropic keeps between requests: who may go on in one, told plainly or in a stream. */
import { expect, test } from "bun:test";
import { conformanceStageForFile, PUBLIC_MODEL } from "./stage.ts";

const { tollgate, through, upstream } = await conformanceStageForFile("anthropic", "/v1");
const stranger = (await tollgate.addToken((await tollgate.addTenant()).id)).token;
const path = "/v1/messages";

const USAGE = { input_tokens: 5, output_tokens: 2 };
const MESSAGE = { id: "msg_1", type: "message", role: "assistant", content: [] };
const event = (one: { readonly type: string }) =>
  `event: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`;

let made = 0;

function answered(stream: boolean) {
  made += 1;
  const container = { id: `container_${made}`, expires_at: "2026-11-29T03:00:00Z" };
  if (!stream) return { pieces: [JSON.stringify({ ...MESSAGE, usage: USAGE, container })] };
  const events = [
    { type: "message_start", message: { ...MESSAGE, usage: USAGE, container: null } },
    { type: "message_delta", delta: { stop_reason: "end_turn", container }, usage: USAGE },
    { type: "message_stop" },
  ];
  return { headers: { "content-type": "text/event-stream" }, pieces: [events.map(event).join("")] };
}

async function ask(more: Readonly<Record<string, unknown>>, by?: string) {
  upstream.answer(() => answered(more["stream"] === true));
  const messages = [{ role: "user", content: "hi" }];
  const body = JSON.stringify({ model: PUBLIC_MODEL, max_tokens: 5, messages, ...more });
  return await through({ path, body, ...(by !== undefined && { headers: { "x-api-key": by } }) });
}

test.each([
  ["by its id", false, (id: string) => id],
  ["by its id, after a stream", true, (id: string) => id],
  ["beside skills", false, (id: string) => ({ id, skills: [] })],
])("a container named %s is its tenant's alone", async (_how, stream, named) => {
  expect((await ask({ stream })).status).toBe(200);
  const container = named(`container_${made}`);
  expect((await ask({ container })).status).toBe(200);
  upstream.forget();
  const refused = await ask({ container }, stranger);
  expect([refused.status, upstream.seen.length]).toEqual([404, 0]);
  expect(refused.text).toContain("not found");
});

test("a container that is yet to be made is nobody's, and its skills pass", async () => {
  const container = { skills: [{ type: "anthropic", skill_id: "pptx" }] };
  expect((await ask({ container }, stranger)).status).toBe(200);
});
