/**
 * Claude on Vertex AI: the model is in the path, where the body had it there is the version; a stream is
 * asked for by path and body, and comes as Anthropic's own events
 * (docs.claude.com/en/api/claude-on-vertex-ai, 2026-11). Tokens are counted by a model of that name.
 */
import { withMembers } from "./json-members.ts";
import { bytesOf, segment, type Wire } from "./wire.ts";

const VERSION = { anthropic_version: '"vertex-2023-10-16"' };

export const vertexAnthropic: Wire = {
  put: (asked) => {
    const { model, stream, path, headers } = asked;
    const isCount = path.endsWith("/count_tokens");
    const method = stream ? "streamRawPredict" : "rawPredict";
    return {
      path: `/models/${isCount ? "count-tokens" : segment(model)}:${method}`,
      // `?beta=true` of Anthropic's own libraries means nothing here.
      query: "",
      headers,
      body: withMembers(bytesOf(asked), { remove: isCount ? [] : ["model"], add: VERSION }),
    };
  },
};
