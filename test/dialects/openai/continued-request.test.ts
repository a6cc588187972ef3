/** The body that asks for the rest of an answer: the client's bytes, and the answer so far. */
import { describe, expect, test } from "bun:test";
import type { AnswerSoFar, ClientRequest } from "../../../src/dialects/contract.ts";
import { codecOf } from "../../../src/dialects/catalogue.ts";
import { chatCodec } from "../../../src/dialects/openai/chat.ts";
import { acceptedChat } from "./accepted-chat.ts";
import { NOWHERE } from "../nowhere.ts";

const SO_FAR: AnswerSoFar = { how: "prefix", text: 'Say "hi"\n', outputTokens: 4 };

function textOf(request: ClientRequest | null): string {
  return new TextDecoder().decode(request?.bytes);
}

function accepted(text: string): ClientRequest {
  const verdict = codecOf("chat").accept(new TextEncoder().encode(text), NOWHERE);
  if (!verdict.allowed) throw new Error(verdict.refusal.message);
  return verdict.value;
}

describe("the request for the rest of an answer", () => {
  const body =
    '{ "odd": 1.0, "messages" : [ {"role":"user","content":"Hi"} ] ,"max_tokens":10,"stream":true,"model":"small"}';

  test("has the answer so far as the assistant's last message, and every other byte as it was", () => {
    expect(textOf(chatCodec.continued(accepted(body), SO_FAR))).toBe(
      '{ "odd": 1.0, "messages" : [ {"role":"user","content":"Hi"} ,{"role":"assistant","content":"Say \\"hi\\"\\n","prefix":true}] ,"max_tokens":6,"stream":true,"model":"small"}',
    );
  });

  test("asks in the way of servers that know the final message", () => {
    const continued = chatCodec.continued(accepted(body), {
      ...SO_FAR,
      how: "continue_final_message",
    });
    expect(textOf(continued)).toBe(
      '{ "odd": 1.0, "messages" : [ {"role":"user","content":"Hi"} ,{"role":"assistant","content":"Say \\"hi\\"\\n"}] ,"max_tokens":6,"stream":true,"model":"small","continue_final_message":true,"add_generation_prompt":false}',
    );
  });

  test("is measured by what it became, and limited by what is left", () => {
    const request = accepted(body);
    const continued = chatCodec.continued(request, SO_FAR);
    expect(continued?.outputTokensMax).toBe(6);
    const grown = (continued?.bytes.byteLength ?? 0) - request.bytes.byteLength;
    expect(continued?.textBytes).toBe(request.textBytes + grown);
    expect(chatCodec.continued(request, { ...SO_FAR, outputTokens: 10 })).toBeNull();
  });

  test("goes through the splices of every request", () => {
    const continued = chatCodec.continued(acceptedChat({ stream: true }), SO_FAR);
    const bytes = chatCodec.request(continued ?? acceptedChat(), {
      model: "upstream",
      outputTokensCap: 5,
      outputCapMember: "max_tokens",
      includeUsage: true,
    });
    expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual({
      model: "upstream",
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content: SO_FAR.text, prefix: true },
      ],
      stream: true,
      max_tokens: 5,
      stream_options: { include_usage: true },
    });
  });
});

describe("nothing goes on with an answer", () => {
  test.each([
    ["that is no stream", {}],
    ["of several choices", { stream: true, n: 2 }],
    ["that has a format", { stream: true, response_format: { type: "json_object" } }],
    ["with log probabilities", { stream: true, logprobs: true }],
    ["that goes on already", { stream: true, continue_final_message: true }],
    [
      "to a message of the assistant",
      { stream: true, messages: [{ role: "assistant", content: "a" }] },
    ],
  ])("%s", (_what, more) => {
    expect(chatCodec.watchContinuable(acceptedChat(more))).toBeNull();
  });

  test("but of a format that is plain text", () => {
    const format = { stream: true, response_format: { type: "text" }, logprobs: false };
    expect(chatCodec.watchContinuable(acceptedChat(format))).not.toBeNull();
  });
});
