/**
 * The simulated provider as a server: one port, node:http on Bun, no timeouts of its own, so that a
 * silent stream lives as long as its client wants. Every request is received once and ended once in
 * the tally, through the one `close` event of its response.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { assert } from "../../src/base/assert.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { answer } from "./answer.ts";
import type { UpstreamStats } from "./counts.ts";
import { FailGate } from "./fail-gate.ts";
import { errorBody, invalidRequest } from "./openai-error.ts";
import type { Received } from "./received.ts";
import { readScript } from "./script.ts";
import type { Script } from "./script-members.ts";
import { simApi } from "./sim-api.ts";
import { Tally } from "./tally.ts";
import { TickWheel } from "./tick-wheel.ts";
import type { Turn, World } from "./turn.ts";

/** How a simulated provider starts; without options on a free port of the loopback. */
export type UpstreamOptions = {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly hostname?: string;
  /** Keep the bytes of request bodies, for {@link Upstream.requests}. */
  readonly keepBodies?: boolean;
  /** How many requests are remembered; 10,000. */
  readonly requestsMax?: number;
  /** A script for all requests, laid under those of model and header. */
  readonly script?: string;
  readonly clock?: Clock;
};

/** A running simulated provider and the truth it keeps. */
export type Upstream = {
  /** Without a path: `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly stats: () => UpstreamStats;
  /** The last requests in the order of arrival, live: what is known of them may still grow. */
  readonly requests: () => readonly Readonly<Received>[];
  /** Counters, remembered requests and `fail_times` start over; requests in flight go on. */
  readonly reset: () => void;
  /** Replaces the script for all requests; throws what is wrong with it. */
  readonly script: (text: string) => void;
  /** Resolves as soon as the stats satisfy `claim`; rejects after `waitMsMax`, 5 s. */
  readonly until: (
    claim: (stats: UpstreamStats) => boolean,
    waitMsMax?: number,
  ) => Promise<UpstreamStats>;
  /** Drops every connection and frees the port. */
  readonly stop: () => Promise<void>;
};

const requestBodyBytesMax = 256 * 1_024 * 1_024;
const noBody = new Uint8Array();

/** Starts a simulated provider; rejects when the port is taken or the script is wrong. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const clock = options.clock ?? systemClock;
  const tally = new Tally({
    clock,
    requestsMax: options.requestsMax ?? 10_000,
    keepBodies: options.keepBodies ?? false,
  });
  const wheel = new TickWheel(clock);
  const failures = new FailGate();
  let defaultScript = scriptOf(options.script ?? "");
  const world: World = {
    tally,
    wheel,
    failures,
    defaultScript: () => defaultScript,
    nowSeconds: () => Math.floor(clock.nowMs() / 1_000),
  };
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/sim/") === true) {
      answerSim(world, request, response);
    } else {
      answerOpenai(world, request, response);
    }
  });
  const hostname = options.hostname ?? "127.0.0.1";
  const port = await listen(server, options.port ?? 0, hostname);
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
    port,
    stats: () => tally.stats(),
    requests: () => tally.requests(),
    reset: () => {
      tally.reset();
      failures.reset();
    },
    script: (text) => {
      defaultScript = scriptOf(text);
    },
    until: (claim, waitMsMax = 5_000) => tally.until(claim, waitMsMax),
    stop: () => stop(server, wheel),
  };
}

/** A script that the operator gave: a wrong one is the operator's mistake and throws. */
function scriptOf(text: string): Script {
  const reading = readScript(text);
  if (!reading.ok) {
    throw new Error(reading.complaint);
  }
  return reading.script;
}

function listen(server: Server, port: number, hostname: string): Promise<number> {
  // 0 turns each of these off; all of them would end silent streams or idle connections.
  server.timeout = 0;
  server.keepAliveTimeout = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: hostname, backlog: 4_096 }, () => {
      server.off("error", reject);
      const address = server.address();
      assert(typeof address === "object" && address !== null, "a listening server has an address");
      resolve(address.port);
    });
  });
}

/** Waiting tasks go first, so that none of them meets a closed connection. */
function stop(server: Server, wheel: TickWheel): Promise<void> {
  wheel.stop();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Everything but /sim: counted, remembered, scripted. */
function answerOpenai(world: World, request: IncomingMessage, response: ServerResponse): void {
  const received = world.tally.receive(
    request.method ?? "GET",
    pathOf(request.url ?? "/"),
    request.headers,
  );
  let turn: Turn | undefined;
  // The one place where a request ends: after its last byte, or when its connection is gone.
  response.once("close", () => {
    turn?.stop?.();
    const usage = turn?.usage;
    const isFinished = response.writableFinished;
    if (usage !== undefined && (isFinished || received.bodyBytesSent >= usage.untilByte)) {
      received.usage = usage.reported;
    }
    world.tally.ended(received, isFinished);
  });
  readBody(request, (body) => {
    if (body === undefined) {
      world.tally.answering(received, 413);
      response.writeHead(413, { "content-type": "application/json" });
      response.end(errorBody({ ...invalidRequest("The body is too large.", null), status: 413 }));
      return;
    }
    world.tally.bodyArrived(received, body);
    try {
      turn = answer(world, response, received, body);
    } catch (error) {
      answerBug(world, response, received, error);
    }
  });
}

/** A bug of ours costs one answer, not the process that we may be a guest of. */
function answerBug(
  world: World,
  response: ServerResponse,
  received: Received,
  error: unknown,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const message = `Bug of the simulator: ${error instanceof Error ? error.message : String(error)}`;
  world.tally.answering(received, 500);
  response.writeHead(500, { "content-type": "application/json" });
  response.end(errorBody({ ...invalidRequest(message, null), status: 500, type: "server_error" }));
}

/** Questions about the truth, which do not change it. */
function answerSim(world: World, request: IncomingMessage, response: ServerResponse): void {
  readBody(request, (body) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const { tally, failures } = world;
    const reply = simApi(tally, failures, request.method ?? "GET", url, body ?? noBody);
    response.writeHead(reply.status, { "content-type": "application/json" });
    response.end(reply.body);
  });
}

/** Calls back once with the whole body, or with undefined as soon as it is too large. */
function readBody(request: IncomingMessage, onBody: (body: Uint8Array | undefined) => void): void {
  let first: Uint8Array = noBody;
  let more: Uint8Array[] | undefined;
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    if (bytes > requestBodyBytesMax) {
      return;
    }
    bytes += chunk.byteLength;
    if (bytes > requestBodyBytesMax) {
      onBody(undefined);
    } else if (bytes === chunk.byteLength) {
      first = chunk;
    } else {
      more ??= [first];
      more.push(chunk);
    }
  });
  request.on("end", () => {
    if (bytes <= requestBodyBytesMax) {
      onBody(more === undefined ? first : Buffer.concat(more));
    }
  });
}

function pathOf(url: string): string {
  const mark = url.indexOf("?");
  return mark < 0 ? url : url.slice(0, mark);
}
