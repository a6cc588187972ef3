/** The request that every way gets is a complete message, sent to where chat completions live. */
import { describe, expect, test } from "bun:test";
import { chatEndpoint, chatRequest } from "../../bench/chat-request.ts";

describe("a chat endpoint", () => {
  test("is found from a bare address, a versioned base and a full path", () => {
    const paths = {
      "http://h:1": "http://h:1/v1/chat/completions",
      "http://h:1/": "http://h:1/v1/chat/completions",
      "https://api.groq.com/openai/v1": "https://api.groq.com/openai/v1/chat/completions",
      "https://h/v1/": "https://h/v1/chat/completions",
      "https://h/v1beta": "https://h/v1beta/chat/completions",
      "https://h/gateway": "https://h/gateway/v1/chat/completions",
      "https://h/x/chat/completions?a=1": "https://h/x/chat/completions?a=1",
    };
    for (const [base, endpoint] of Object.entries(paths)) {
      expect(chatEndpoint(new URL(base)).href).toBe(endpoint);
    }
  });
});

describe("a chat request", () => {
  test("arrives at a server as it was meant", async () => {
    const seen: unknown[] = [];
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const { method, headers } = request;
        const body: unknown = await request.json();
        seen.push({ method, url: request.url, authorization: headers.get("authorization"), body });
        return new Response();
      },
    });
    const endpoint = chatEndpoint(new URL(server.url));
    const bytes = chatRequest(
      { endpoint, token: "sk-tg-x" },
      { model: "a?b=ü", stream: true, tokensMax: 7 },
    );
    const done = Promise.withResolvers<undefined>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.port ?? 0,
      socket: { data: () => done.resolve(undefined) },
    });
    socket.write(bytes);
    await done.promise;
    socket.end();
    await server.stop(true);
    expect(seen).toEqual([
      {
        method: "POST",
        url: endpoint.href,
        authorization: "Bearer sk-tg-x",
        body: {
          model: "a?b=ü",
          stream: true,
          max_tokens: 7,
          messages: [
            { role: "system", content: expect.any(String) },
            { role: "user", content: expect.stringMatching(/^Summarise/) },
          ],
        },
      },
    ]);
    expect(bytes.length).toBeGreaterThan(1_000);
  });
});
