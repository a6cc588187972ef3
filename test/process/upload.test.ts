/**
 * Memory of a process through which a large form passes, or a large file. Guaranteed: 200 MB, sent to a
 * provider that fails and to it again, or given to a client, are never held in memory: at its highest the
 * process has 40 MB more than before.
 */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Child, Stage } from "./harness.ts";
import { budgetsAt, furnish } from "./operator.ts";

const MB = 1_000_000;
const GROWTH_BYTES_MAX = 40 * MB;
const TEST_MS_MAX = 120_000;
const BOUNDARY = "----upload-0123456789";
const ANSWER =
  '{"created":1,"data":[{"b64_json":"aGk="}],"usage":{"input_tokens":9,"output_tokens":3}}';

/** What a provider was sent: how long it is, and what it hashes to. */
type Counted = { readonly bytes: number; readonly sha256: string };

type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

type Counter = { readonly url: string; readonly seen: readonly Counted[] };

const FILE_ID = "file-large";
const SMALL_ID = "file-small";

function fileObject(id: string): string {
  return `{"id":"${id}","object":"file"}`;
}

/**
 * A provider that keeps nothing of what it is sent, fails the first time that it is sent so much, and has a
 * file of 200 MB.
 */
async function startCounter(stage: Stage, failsAtBytes: number): Promise<Counter> {
  const seen: Counted[] = [];
  let hasFailed = false;
  const server = createServer((request, response) => {
    if (request.url?.endsWith("/content") === true) {
      const megabytes = request.url.includes(FILE_ID) ? 200 : 2;
      response.writeHead(200, { "content-type": "application/octet-stream" });
      pipeline(Readable.from(filePieces(megabytes)), response).catch(() => response.destroy());
      return;
    }
    const answer = async (): Promise<void> => {
      const counted = await count(request as AsyncIterable<Buffer>);
      seen.push(counted);
      const isFailing = !hasFailed && counted.bytes >= failsAtBytes;
      hasFailed ||= isFailing;
      response.writeHead(isFailing ? 500 : 200, { "content-type": "application/json" });
      response.end(isFailing ? "{}" : answerAt(request.url ?? "", seen.length));
    };
    answer().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.later(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, seen };
}

/** The first file that is uploaded is small, all others are large. */
function answerAt(url: string, uploads: number): string {
  if (!url.endsWith("/files")) return ANSWER;
  return fileObject(uploads === 1 ? SMALL_ID : FILE_ID);
}

async function count(pieces: Pieces): Promise<Counted> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    hash.update(piece);
  }
  return { bytes, sha256: hash.digest("hex") };
}

const PIECE = Uint8Array.from({ length: MB }, (_, index) => (index * 131 + (index >> 7)) % 256);

function* filePieces(megabytes: number): Generator<Uint8Array> {
  for (let sent = 0; sent < megabytes; sent += 1) yield PIECE;
}

/** The form that is sent for a model with a picture of so many megabytes, piece by piece. */
function* formPieces(model: string, megabytes: number): Generator<Uint8Array<ArrayBuffer>> {
  const part = (name: string): string =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; ${name}\r\n\r\n`;
  yield new TextEncoder().encode(part('name="image"; filename="a.png"'));
  for (let sent = 0; sent < megabytes; sent += 1) yield PIECE;
  const tail = `\r\n${part('name="prompt"')}a cat\r\n${part('name="model"')}${model}\r\n`;
  yield new TextEncoder().encode(`${tail}--${BOUNDARY}--\r\n`);
}

/** The form of a file for batches: ten thousand lines in 100 megabytes, and one of a megabyte. */
function* batchPieces(model: string): Generator<Uint8Array<ArrayBuffer>> {
  const part = (name: string): string =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; ${name}\r\n\r\n`;
  const line = (content: string): string =>
    `{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"${model}",` +
    `"messages":[{"role":"user","content":${JSON.stringify(content)}}]}}\n`;
  const encoder = new TextEncoder();
  yield encoder.encode(part('name="file"; filename="a.jsonl"'));
  const lines = encoder.encode(line('an "ordinary" line \n'.repeat(430)).repeat(100));
  for (let sent = 0; sent < 100; sent += 1) yield lines;
  yield encoder.encode(line("x".repeat(MB)));
  yield encoder.encode(`\r\n${part('name="purpose"')}batch\r\n--${BOUNDARY}--\r\n`);
}

function countedOf(model: string, megabytes: number): Promise<Counted> {
  return count(formPieces(model, megabytes));
}

function countedFile(megabytes: number): Promise<Counted> {
  return count(filePieces(megabytes));
}

async function download(url: string, token: string, id: string): Promise<Counted> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/v1/files/${id}/content`, { headers });
  return await count(answer.body ?? []);
}

async function upload(
  url: string,
  token: string,
  megabytes: number,
  path = "/v1/images/edits",
): Promise<string> {
  return await send(url, token, path, formPieces("steady/sim-small", megabytes));
}

async function send(
  url: string,
  token: string,
  path: string,
  pieces: Generator<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => {
      const { done, value } = pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
  const answer = await fetch(`${url}${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": `multipart/form-data; boundary=${BOUNDARY}`,
    },
    body,
  });
  return await answer.text();
}

/** The most memory that it had since the last call; the kernel keeps it exactly. */
function highestBytes({ pid }: Child): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

test(
  "200 MB pass twice through a process that grows by less than 40 MB",
  async () => {
    await using stage = new Stage();
    const counter = await startCounter(stage, 200 * MB);
    const tollgate = stage.serve(stage.path("data"));
    const url = await tollgate.url();
    const { token } = await furnish(url, counter.url);
    // Code is compiled and pools are filled by a few small ones.
    for (let warming = 0; warming < 5; warming += 1) {
      expect(await upload(url, token, 2)).toBe(ANSWER);
    }
    highestBytes(tollgate);
    const before = highestBytes(tollgate);

    expect(await upload(url, token, 200)).toBe(ANSWER);
    const grown = highestBytes(tollgate) - before;
    console.info(`an upload of 200 MB: the process grew by ${(grown / MB).toFixed(1)} MB`);

    expect(grown).toBeLessThan(GROWTH_BYTES_MAX);
    const whole = await countedOf("sim-small", 200);
    expect(counter.seen.slice(-2)).toEqual([whole, whole]);
    const held = (await budgetsAt(url)).map((budget) => budget.held_usd);
    expect(held).toEqual(["0.00", "0.00", "0.00"]);
    expect(await tollgate.stop()).toEqual({ code: 0, signal: null });
  },
  TEST_MS_MAX,
);

test(
  "a file of 200 MB is given to a client by a process that grows by less than 40 MB",
  async () => {
    await using stage = new Stage();
    const counter = await startCounter(stage, Infinity);
    const tollgate = stage.serve(stage.path("data"));
    const url = await tollgate.url();
    const { token } = await furnish(url, counter.url);
    for (const id of [SMALL_ID, FILE_ID]) {
      expect(await upload(url, token, 2, "/v1/files")).toBe(fileObject(id));
    }
    for (let warming = 0; warming < 5; warming += 1) {
      expect(await download(url, token, SMALL_ID)).toEqual(await countedFile(2));
    }
    highestBytes(tollgate);
    const before = highestBytes(tollgate);

    expect(await download(url, token, FILE_ID)).toEqual(await countedFile(200));
    const grown = highestBytes(tollgate) - before;
    console.info(`a file of 200 MB: the process grew by ${(grown / MB).toFixed(1)} MB`);

    expect(grown).toBeLessThan(GROWTH_BYTES_MAX);
    expect(await tollgate.stop()).toEqual({ code: 0, signal: null });
  },
  TEST_MS_MAX,
);

test(
  "a file of 100 MB for batches is read line by line by a process that grows by less than 40 MB",
  async () => {
    await using stage = new Stage();
    const counter = await startCounter(stage, 100 * MB);
    const tollgate = stage.serve(stage.path("data"));
    const url = await tollgate.url();
    const { token } = await furnish(url, counter.url);
    for (let warming = 0; warming < 5; warming += 1) await upload(url, token, 2, "/v1/files");
    highestBytes(tollgate);
    const before = highestBytes(tollgate);

    const told = await send(url, token, "/v1/files", batchPieces("steady/sim-small"));
    expect(told).toBe(fileObject(FILE_ID));
    const grown = highestBytes(tollgate) - before;
    console.info(`a file of 100 MB for batches: the process grew by ${(grown / MB).toFixed(1)} MB`);

    expect(grown).toBeLessThan(GROWTH_BYTES_MAX);
    const whole = await count(batchPieces("sim-small"));
    expect(counter.seen.slice(-2)).toEqual([whole, whole]);
    expect(await tollgate.stop()).toEqual({ code: 0, signal: null });
  },
  TEST_MS_MAX,
);
