/**
 * Codex, the real program: it does a turn with a tool through Tollgate against a provider that plays its
 * part. Optional, because it is a download of 400 MB: `bun run test:programs`.
 */
import { expect, test } from "bun:test";
import {
  begun,
  called,
  completed,
  events,
  functionCall,
  message,
  written,
} from "../conformance/responses-answers.ts";
import { conformanceStageForFile, PUBLIC_MODEL } from "../conformance/stage.ts";
import { readLedger } from "../process/ledger.ts";
import { installed, runProgram } from "./program.ts";

const { tollgate, token, upstream } = await conformanceStageForFile("openai", "/v1");

const COMMAND = "echo tollgate-was-here";
const SAID = "It printed what was asked.";

/** It calls providers of its own under a name, in the wire language that is asked for here. */
const CONFIG = `
model = "${PUBLIC_MODEL}"
model_provider = "tollgate"
[model_providers.tollgate]
name = "Tollgate"
base_url = "${tollgate.url}/v1"
env_key = "TOLLGATE_TOKEN"
wire_api = "responses"
`;

const ARGUMENTS = JSON.stringify({ cmd: COMMAND });
const ITEM = functionCall("1", "exec_command", ARGUMENTS);
const CALL = [...called(ITEM, [ARGUMENTS]), completed([ITEM])];

test("a turn with a tool is made, and the provider is told what the tool printed", async () => {
  const program = await installed({
    packageName: "@openai/codex",
    version: `0.169.0-${process.platform}-${process.arch}`,
    path: "vendor/x86_64-unknown-linux-musl/bin/codex",
  });
  const inputs: object[][] = [];
  upstream.answer(({ body }) => {
    inputs.push(JSON.parse(new TextDecoder().decode(body)).input);
    const stream = inputs.length === 1 ? CALL : [...written([SAID]), completed([message(SAID)])];
    const pieces = [events([...begun(), ...stream])];
    return { headers: { "content-type": "text/event-stream" }, pieces };
  });
  const { code, out, err } = await runProgram(
    [program, "exec", "--skip-git-repo-check", "--json", `Run ${COMMAND}.`],
    { TOLLGATE_TOKEN: token },
    { ".codex/config.toml": CONFIG },
  );

  expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
  const items = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ type, item }) => type === "item.completed" && item.type !== "error")
    .map(({ item: { type, text, aggregated_output: printed } }) => [type, text ?? printed]);
  expect(items).toEqual([
    ["command_execution", "tollgate-was-here\n"],
    ["agent_message", SAID],
  ]);
  expect(inputs[1]?.at(-1)).toMatchObject({
    type: "function_call_output",
    call_id: "call_1",
    output: expect.stringContaining("tollgate-was-here"),
  });
  expect(upstream.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /v1/responses",
    "POST /v1/responses",
  ]);
  await tollgate.store.flush();
  const ledger = readLedger(tollgate.dataDir);
  expect(ledger.openIds).toEqual([]);
  const ends = ledger.attempts.map(({ postings: [posting] }) => posting?.outcome);
  expect(ends).toEqual(["ok", "ok"]);
});
