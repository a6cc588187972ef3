/** Small chat requests for tests, and what came back in one value. */

export type ChatOptions = {
  readonly token: string;
  readonly body?: object;
  /** For the simulated provider, in its script grammar. */
  readonly script?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

export type ChatReply = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
};

export const HELLO = [{ role: "user", content: "hello" }];

export function chatInit({ token, body, script, headers, signal }: ChatOptions): RequestInit {
  return {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      ...(script === undefined ? {} : { "x-sim-script": script }),
      ...headers,
    },
    body: JSON.stringify({ model: "small", messages: HELLO, ...body }),
    ...(signal === undefined ? {} : { signal }),
  };
}

export async function chat(url: string, options: ChatOptions): Promise<ChatReply> {
  const response = await fetch(`${url}/v1/chat/completions`, chatInit(options));
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The `error` member of an answer's body. */
export function errorOf(reply: ChatReply): unknown {
  return JSON.parse(reply.text).error;
}

/** The data of every event of a streamed answer. */
export function eventsOf(text: string): string[] {
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => event.replace(/^data: /, ""));
}
