/**
 * A provider that answers with recorded bytes: any status, headers, pieces and way to end, on any path.
 * It keeps what it was sent, to the byte, so that a request made directly can be compared with the same
 * one made through Tollgate.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "../support/until.ts";

/** What is answered with. */
export type Recorded = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Each piece is a write of its own; at a promise the answer waits for it. */
  readonly pieces: readonly (string | Uint8Array | Promise<void>)[];
  /** close: the answer is complete. cut: the connection breaks off. hang: nothing more comes. */
  readonly end?: "close" | "cut" | "hang";
  /** Nothing is answered before this. */
  readonly after?: Promise<unknown>;
  /** The end does not come before this. */
  readonly endAfter?: Promise<unknown>;
};

/** What it was sent. */
export type Seen = {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

export interface RecordedUpstream {
  readonly url: string;
  /** Requests whose whole body has come, in that order. */
  readonly seen: readonly Seen[];
  /** Connections on which an answer is under way. */
  readonly inFlight: () => number;
  /** From now on every request is answered so. */
  readonly answer: (recorded: Recorded | ((seen: Seen) => Recorded)) => void;
  /** Breaks off whatever is under way. */
  readonly cutOff: () => void;
  /** Forgets what it was sent. */
  readonly forget: () => void;
  /** Resolves when nothing is under way any more. */
  readonly quiet: () => Promise<void>;
  /** Cuts every connection, whatever is under way. */
  readonly breakOff: () => void;
  readonly stop: () => Promise<void>;
}

export async function startRecordedUpstream(): Promise<RecordedUpstream> {
  const seen: Seen[] = [];
  let inFlight = 0;
  let answerTo = nothingRecorded;
  const server = createServer((request, response) => {
    inFlight += 1;
    response.once("close", () => {
      inFlight -= 1;
    });
    const play = async (): Promise<void> => {
      const one = await read(request);
      seen.push(one);
      await tell(response, answerTo(one));
    };
    play().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    inFlight: () => inFlight,
    answer: (recorded) => {
      answerTo = typeof recorded === "function" ? recorded : () => recorded;
    },
    cutOff: () => server.closeAllConnections(),
    forget: () => void seen.splice(0),
    breakOff: () => server.closeAllConnections(),
    quiet: () => until(() => inFlight === 0),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function nothingRecorded(_one: Seen): Recorded {
  return { status: 404, pieces: ["nothing is recorded"] };
}

async function read(request: IncomingMessage): Promise<Seen> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: Object.fromEntries(headers),
    body: new Uint8Array(Buffer.concat(pieces)),
  };
}

async function tell(response: ServerResponse, recorded: Recorded): Promise<void> {
  const { status = 200, headers = {}, pieces, end = "close", after, endAfter } = recorded;
  await after;
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.flushHeaders();
  for (const piece of pieces) {
    if (piece instanceof Promise) {
      await piece;
      continue;
    }
    // Each on its way before the next: else the kernel makes one segment of several.
    await new Promise<void>((resolve, reject) => {
      response.write(piece, (error) => (error ? reject(error) : resolve()));
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await endAfter;
  if (end === "close") response.end();
  else if (end === "cut") response.destroy();
}
