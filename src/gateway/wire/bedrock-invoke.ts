/**
 * Claude on Amazon Bedrock by `InvokeModel`: model and streaming are in the path, version and beta names in
 * the body (Bedrock user guide, "Anthropic Claude Messages API", 2026-11). Streams come in AWS's frames, each
 * around one of Anthropic's events: they are taken out, and given on as the server-sent events that
 * Anthropic sends. This is the one place where an answer's bytes are put together anew.
 */
import { framesToEvents } from "./event-stream.ts";
import { withMembers } from "./json-members.ts";
import { bytesOf, segment, type Wire } from "./wire.ts";

const FRAMES = "application/vnd.amazon.eventstream";

export const bedrockInvoke: Wire = {
  put: (asked) => {
    const { model, stream } = asked;
    const {
      "anthropic-beta": beta,
      "anthropic-version": _,
      accept: __,
      ...headers
    } = asked.headers;
    const names = (beta ?? "").split(",").map((name) => name.trim());
    const betas = names.filter((name) => name !== "");
    return {
      path: `/model/${segment(model)}/${stream ? "invoke-with-response-stream" : "invoke"}`,
      query: "",
      headers,
      body: withMembers(bytesOf(asked), {
        remove: ["model", "stream"],
        add: {
          anthropic_version: '"bedrock-2023-05-31"',
          ...(betas.length === 0 ? {} : { anthropic_beta: JSON.stringify(betas) }),
        },
      }),
    };
  },
  answer: async ({ status, headers, reader }) => {
    if (headers.get("content-type")?.toLowerCase().startsWith(FRAMES) !== true) {
      return { status, headers, reader };
    }
    const told = new Headers(headers);
    told.set("content-type", "text/event-stream; charset=utf-8");
    told.delete("content-length");
    return { status, headers: told, reader: await framesToEvents(reader) };
  },
};
