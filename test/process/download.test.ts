/**
 * Memory of a process through which sound passes. Guaranteed: an answer of 200 MB is never held in memory,
 * neither for a client that reads it at once nor for one that stops reading: then its provider is stopped
 * too. At its highest the process has 40 MB more than before.
 */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "../support/until.ts";
import { type Child, Stage } from "./harness.ts";
import { budgetsAt, furnish } from "./operator.ts";

const MB = 1_000_000;
const SOUND_MB = 200;
const GROWTH_BYTES_MAX = 40 * MB;
/** What kernels and sockets between provider and client may take of an answer that nobody reads. */
const UNREAD_BYTES_MAX = 60 * MB;
const TEST_MS_MAX = 120_000;
const STOPPED_MS_MAX = 20_000;
/** Looks at the provider in a row, some milliseconds apart, between which it sent nothing. */
const LOOKS = 100;

const PIECE = Uint8Array.from({ length: MB }, (_, index) => (index * 131 + (index >> 7)) % 256);

/** What so many megabytes of sound hash to. */
function hashOf(megabytes: number): string {
  const hash = createHash("sha256");
  for (let sent = 0; sent < megabytes; sent += 1) hash.update(PIECE);
  return hash.digest("hex");
}

type Speaker = { readonly url: string; readonly sentBytes: () => number };

/** A provider that answers with as many megabytes of sound as the input names, as fast as they are taken. */
async function startSpeaker(stage: Stage): Promise<Speaker> {
  let sentBytes = 0;
  const speak = async (response: ServerResponse, megabytes: number): Promise<void> => {
    response.writeHead(200, { "content-type": "audio/mpeg" });
    sentBytes = 0;
    for (let sent = 0; sent < megabytes; sent += 1) {
      const hasRoom = response.write(PIECE);
      sentBytes += PIECE.length;
      if (!hasRoom) await once(response, "drain");
    }
    response.end();
  };
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      let body = "";
      for await (const piece of request) body += String(piece);
      await speak(response, Number(JSON.parse(body).input));
    };
    answer().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.later(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, sentBytes: () => sentBytes };
}

/** `pause` is waited for when the first piece has come. */
async function listen(
  url: string,
  token: string,
  megabytes: number,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const answer = await fetch(`${url}/v1/audio/speech`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ model: "steady/sim-small", input: String(megabytes), voice: "alloy" }),
  });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "audio/mpeg"]);
  const hash = createHash("sha256");
  const reader = answer.body?.getReader();
  for (let isFirst = true; ; isFirst = false) {
    const read = await reader?.read();
    if (read === undefined || read.done) return hash.digest("hex");
    hash.update(read.value);
    if (isFirst) await pause();
  }
}

/** Resolves when the provider has sent nothing for a while, because nobody takes it. */
async function untilStopped({ sentBytes }: Speaker): Promise<void> {
  let last = -1;
  let looks = 0;
  await until(() => {
    looks = sentBytes() === last ? looks + 1 : 0;
    last = sentBytes();
    return looks >= LOOKS;
  }, STOPPED_MS_MAX);
}

/** The most memory that it had since the last call; the kernel keeps it exactly. */
function highestBytes({ pid }: Child): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

test(
  "200 MB of sound pass, once with a pause, through a process that grows by less than 40 MB",
  async () => {
    await using stage = new Stage();
    const speaker = await startSpeaker(stage);
    const tollgate = stage.serve(stage.path("data"));
    const url = await tollgate.url();
    const { token } = await furnish(url, speaker.url);
    // Code is compiled and pools are filled by a few small ones.
    for (let warming = 0; warming < 5; warming += 1) {
      expect(await listen(url, token, 4)).toBe(hashOf(4));
    }
    highestBytes(tollgate);
    const before = highestBytes(tollgate);

    expect(await listen(url, token, SOUND_MB)).toBe(hashOf(SOUND_MB));
    const read = highestBytes(tollgate) - before;
    let unreadBytes = Number.NaN;
    const pausing = listen(url, token, SOUND_MB, async () => {
      await untilStopped(speaker);
      unreadBytes = speaker.sentBytes();
    });
    expect(await pausing).toBe(hashOf(SOUND_MB));
    const paused = highestBytes(tollgate) - before;
    console.info(
      `an answer of ${SOUND_MB} MB: the process grew by ${(read / MB).toFixed(1)} MB, ` +
        `with a pause by ${(paused / MB).toFixed(1)} MB, in which ${unreadBytes / MB} MB were sent`,
    );

    expect(Math.max(read, paused)).toBeLessThan(GROWTH_BYTES_MAX);
    expect(unreadBytes).toBeLessThan(UNREAD_BYTES_MAX);
    const held = (await budgetsAt(url)).map((budget) => budget.held_usd);
    expect(held).toEqual(["0.00", "0.00", "0.00"]);
    expect(await tollgate.stop()).toEqual({ code: 0, signal: null });
  },
  TEST_MS_MAX,
);
