/**
 * A client that sees the bytes: it speaks HTTP/1.1 over a plain socket, keeps the network reads
 * apart, and tells whether the answer was ended properly. It shares no code with the simulator.
 */

export type RawAnswer = {
  /** 0 when the connection ended before a status line. */
  readonly status: number;
  /** Lower-case names; repeated headers keep all their values. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** The payload, without the chunk framing. */
  readonly body: Buffer;
  /** Sizes of the chunks, or the one announced length. */
  readonly chunks: readonly number[];
  /** Sizes of what each network read brought, headers included. */
  readonly reads: readonly number[];
  /** The message came to its own end: the last chunk, or all of the announced length. */
  readonly isComplete: boolean;
};

export type RawRequest = {
  readonly port: number;
  readonly path?: string;
  readonly method?: string;
  readonly script?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | string;
};

export const chatBody = {
  model: "sim-small",
  messages: [{ role: "user", content: "Say something." }],
};

function requestText(request: RawRequest): string {
  const payload = request.body ?? chatBody;
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  const headers = {
    host: "localhost",
    "content-length": String(Buffer.byteLength(body)),
    ...(request.script === undefined ? {} : { "x-sim-script": request.script }),
    ...request.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const target = `${request.method ?? "POST"} ${request.path ?? "/v1/chat/completions"}`;
  return `${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** A socket that has sent its request; `answer` resolves when the message or the connection ends. */
export type RawConversation = {
  readonly answer: Promise<RawAnswer>;
  /** Resolves as soon as the answer so far satisfies `claim`. */
  readonly until: (claim: (soFar: RawAnswer) => boolean) => Promise<RawAnswer>;
  readonly pause: () => void;
  readonly close: () => void;
};

export async function converse(
  request: RawRequest,
  options: { paused?: boolean } = {},
): Promise<RawConversation> {
  const reads: Buffer[] = [];
  const ended = Promise.withResolvers<RawAnswer>();
  let waits: { claim: (soFar: RawAnswer) => boolean; resolve: (answer: RawAnswer) => void }[] = [];
  const tell = (): void => {
    if (waits.length > 0) {
      const soFar = readAnswer(reads);
      waits.filter((wait) => wait.claim(soFar)).forEach((wait) => wait.resolve(soFar));
      waits = waits.filter((wait) => !wait.claim(soFar));
    }
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: request.port,
    socket: {
      data(own, chunk) {
        reads.push(Buffer.from(chunk));
        tell();
        const soFar = readAnswer(reads);
        if (soFar.isComplete) {
          ended.resolve(soFar);
          own.terminate();
        }
      },
      close: () => ended.resolve(readAnswer(reads)),
      error: () => ended.resolve(readAnswer(reads)),
    },
  });
  if (options.paused === true) {
    socket.pause();
  }
  socket.write(requestText(request));
  return {
    answer: ended.promise,
    until: (claim) =>
      new Promise((resolve) => {
        waits.push({ claim, resolve });
        tell();
      }),
    pause: () => socket.pause(),
    close: () => socket.terminate(),
  };
}

export async function exchange(request: RawRequest): Promise<RawAnswer> {
  const conversation = await converse(request);
  return conversation.answer;
}

function readAnswer(reads: readonly Buffer[]): RawAnswer {
  const bytes = Buffer.concat(reads);
  const sizes = reads.map((read) => read.byteLength);
  const headEnd = bytes.indexOf("\r\n\r\n");
  const nothing = { body: Buffer.alloc(0), chunks: [], reads: sizes, isComplete: false };
  if (headEnd < 0) {
    return { status: 0, headers: new Map(), ...nothing };
  }
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  const status = Number(statusLine.split(" ")[1]);
  const payload = bytes.subarray(headEnd + 4);
  const length = headers.get("content-length")?.[0];
  if (headers.get("transfer-encoding")?.[0] === "chunked") {
    return { status, headers, reads: sizes, ...readChunks(payload) };
  }
  if (length === undefined) {
    const isComplete = status === 204 || status === 304;
    return { status, headers, ...nothing, isComplete };
  }
  const isComplete = payload.byteLength === Number(length);
  return { status, headers, reads: sizes, body: payload, chunks: [Number(length)], isComplete };
}

/** Undoes chunked transfer coding as far as the bytes go. */
function readChunks(payload: Buffer): Pick<RawAnswer, "body" | "chunks" | "isComplete"> {
  const parts: Buffer[] = [];
  const chunks: number[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = payload.indexOf("\r\n", at);
    if (lineEnd < 0) {
      return { body: Buffer.concat(parts), chunks, isComplete: false };
    }
    const size = Number.parseInt(payload.toString("latin1", at, lineEnd), 16);
    if (size === 0) {
      return { body: Buffer.concat(parts), chunks, isComplete: true };
    }
    const part = payload.subarray(lineEnd + 2, lineEnd + 2 + size);
    parts.push(part);
    chunks.push(size);
    at = lineEnd + 2 + size + 2;
    if (part.byteLength < size) {
      return { body: Buffer.concat(parts), chunks, isComplete: false };
    }
  }
}

/** The `data:` payloads of an event stream, in order. */
export function eventsOf(body: Buffer | string): string[] {
  return body
    .toString()
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => event.replace(/^data: /u, ""));
}

/** The same answer to two requests differs in the request's number and its second only. */
export function masked(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replaceAll(/sim\d{1,21}|created":\d{1,10}/gu, (volatile) => "#".repeat(volatile.length));
}
