/**
 * Requests for chat completions as complete HTTP/1.1 messages, serialised before they are needed, so
 * that sending one costs a write and nothing else. What is measured gets always the same one, of
 * about a kilobyte.
 */

/** Whom to ask, and with which credential. */
export type ChatTarget = {
  /** Where chat completions are asked for, path included. */
  readonly endpoint: URL;
  readonly token: string | undefined;
};

/** What to ask for; the prompt is always the same. */
export type ChatWorkload = {
  readonly model: string;
  readonly stream: boolean;
  readonly tokensMax: number;
};

const notes =
  "The delivery left the warehouse on Monday, two days late, because the customs form named the " +
  "wrong weight. The carrier asks who pays for the storage in between. ";

const prompt =
  "Summarise the following notes for a colleague who was away, in three sentences, and name the " +
  `open questions. ${notes.repeat(4)}`;

/** The body of a chat completion as far as the bench asks for one. */
export type ChatBody = {
  readonly model: string;
  readonly messages: readonly { readonly role: "system" | "user"; readonly content: string }[];
  readonly max_tokens: number;
  readonly stream?: true;
};

/** The complete request that is measured, head and body. */
export function chatRequest(target: ChatTarget, workload: ChatWorkload): Uint8Array {
  return encodeRequest(target, {
    model: workload.model,
    messages: [
      { role: "system", content: "You are a careful assistant of a logistics company." },
      { role: "user", content: prompt },
    ],
    max_tokens: workload.tokensMax,
    ...(workload.stream && { stream: true }),
  });
}

/** A complete request with this body. */
export function encodeRequest({ endpoint, token }: ChatTarget, content: ChatBody): Uint8Array {
  const body = JSON.stringify(content);
  const head = [
    `POST ${endpoint.pathname}${endpoint.search} HTTP/1.1`,
    `host: ${endpoint.host}`,
    "user-agent: tollgate-bench",
    "accept-encoding: identity",
    `accept: ${content.stream === true ? "text/event-stream" : "application/json"}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
  ].join("\r\n");
  return new TextEncoder().encode(`${head}\r\n\r\n${body}`);
}

/**
 * Where a gateway or provider takes chat completions: a bare origin gets `/v1/chat/completions`, a
 * base address that ends in a version (`…/v1`) gets the rest, a full path stays as it is.
 */
export function chatEndpoint(base: URL): URL {
  const endpoint = new URL(base);
  endpoint.hash = "";
  const path = endpoint.pathname.replace(/\/+$/, "");
  if (path.endsWith("/chat/completions")) endpoint.pathname = path;
  else if (/\/v\d+[a-z]*$/.test(path)) endpoint.pathname = `${path}/chat/completions`;
  else endpoint.pathname = `${path}/v1/chat/completions`;
  return endpoint;
}
