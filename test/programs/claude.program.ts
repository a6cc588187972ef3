/**
 * Claude Code, the real program: it does a turn with a tool through Tollgate against a provider that plays
 * its part. Optional, because it is a download of 250 MB: `bun run test:programs`.
 */
import { expect, test } from "bun:test";
import { conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "../conformance/stage.ts";
import { readLedger } from "../process/ledger.ts";
import { installed, runProgram } from "./program.ts";

const { tollgate, token, upstream } = await conformanceStageForFile("anthropic", "/v1");

const COMMAND = "echo tollgate-was-here";
const SAID = "It printed what was asked.";

function event(data: { readonly type: string }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** One block, as Anthropic streams it (API reference, 2026-11). */
function stream(block: object, delta: object, stopReason: string): string[] {
  const usage = { input_tokens: 10, output_tokens: 1 };
  const message = { id: "msg_1", type: "message", role: "assistant", model: UPSTREAM_MODEL };
  const empty = { content: [], stop_reason: null, stop_sequence: null, usage };
  return [
    { type: "message_start", message: { ...message, ...empty } },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: { output_tokens: 20 },
    },
    { type: "message_stop" },
  ].map(event);
}

test("a turn with a tool is made, and the provider is told what the tool printed", async () => {
  const program = await installed({
    packageName: `@anthropic-ai/claude-code-${process.platform}-${process.arch}`,
    version: "2.1.329",
    path: "claude",
  });
  const bodies: { messages: object[] }[] = [];
  upstream.answer(({ body }) => {
    bodies.push(JSON.parse(new TextDecoder().decode(body)));
    const input = { type: "input_json_delta", partial_json: JSON.stringify({ command: COMMAND }) };
    const pieces =
      bodies.length === 1
        ? stream({ type: "tool_use", id: "toolu_1", name: "Bash", input: {} }, input, "tool_use")
        : stream({ type: "text", text: "" }, { type: "text_delta", text: SAID }, "end_turn");
    return { headers: { "content-type": "text/event-stream" }, pieces };
  });
  const asked = ["-p", `Run ${COMMAND}.`, "--allowedTools", "Bash(echo:*)"];
  const { code, out, err } = await runProgram(
    [program, ...asked, "--output-format", "json", "--model", PUBLIC_MODEL],
    {
      ANTHROPIC_BASE_URL: tollgate.url,
      ANTHROPIC_API_KEY: token,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    },
  );

  expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
  const { result, is_error: isError, num_turns: turns } = JSON.parse(out);
  expect({ result, isError, turns }).toEqual({ result: SAID, isError: false, turns: 2 });
  const told = JSON.stringify(bodies[1]?.messages.at(-1));
  expect(told).toContain('"tool_use_id":"toolu_1"');
  expect(told).toContain("tollgate-was-here");
  expect(upstream.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /v1/messages?beta=true",
    "POST /v1/messages?beta=true",
  ]);
  await tollgate.store.flush();
  const ledger = readLedger(tollgate.dataDir);
  expect(ledger.openIds).toEqual([]);
  const ends = ledger.attempts.map(({ postings: [posting] }) => posting?.outcome);
  expect(ends).toEqual(["ok", "ok"]);
});
