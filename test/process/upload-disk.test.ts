/**
 * A large form meets a disk that is full, in a real process. Guaranteed: its client is told that there is no
 * room and when to come back, nothing reaches a provider, nothing is held, neither a descriptor nor a byte of
 * the disk is kept, and the next request is served, with the disk as full as it is.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { type RecordedUpstream, startRecordedUpstream } from "../conformance/recorded-upstream.ts";
import { BOUNDARY, FORM_HEADERS } from "../conformance/multipart.ts";
import { until } from "../support/until.ts";
import { type Child, MAIN, Stage } from "./harness.ts";
import { breachesIn, readLedger } from "./ledger.ts";
import { budgetsAt, furnish } from "./operator.ts";
import { type UploadDisk, uploadDisks } from "./upload-disks.ts";

setDefaultTimeout(60_000);

const MB = 1_000_000;
const TRANSCRIPT = '{"text":"a","usage":{"type":"tokens","input_tokens":9,"output_tokens":3}}';
const FILE = '{"id":"file-1","object":"file"}';

async function startProvider(stage: Stage): Promise<RecordedUpstream> {
  const provider = await startRecordedUpstream();
  stage.later(() => provider.stop());
  provider.answer(({ path }) => ({ pieces: [path.endsWith("/files") ? FILE : TRANSCRIPT] }));
  return provider;
}

function part(name: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; ${name}\r\n\r\n`;
}

/** The form in pieces of a megabyte; `between` is waited for behind the first ones. */
async function* formPieces(megabytes: number, between: () => Promise<void>) {
  const head =
    part('name="model"') + "steady/sim-small\r\n" + part('name="purpose"') + "user_data\r\n";
  yield Buffer.from(head + part('name="file"; filename="f.mp3"'));
  for (let sent = 0; sent < megabytes; sent += 1) {
    if (sent === 2) await between();
    yield Buffer.alloc(MB, sent);
  }
  yield Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
}

type Uploading = {
  readonly url: string;
  readonly token: string;
  readonly path: string;
  readonly megabytes: number;
  readonly between?: () => Promise<void>;
};

async function upload({ url, token, path, megabytes, between }: Uploading) {
  const pieces = formPieces(megabytes, between ?? (() => Promise.resolve()));
  const answer = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { ...FORM_HEADERS, authorization: `Bearer ${token}`, "x-tollgate-provider": "steady" },
    body: new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(new Uint8Array(value));
      },
    }),
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** Open files of the process that have no name any more. */
function spoolsOf({ pid }: Child): number {
  return readdirSync(`/proc/${pid}/fd`).filter((descriptor) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${descriptor}`).includes("/spool-");
    } catch {
      // Closed since the list was read.
      return false;
    }
  }).length;
}

async function heldAt(url: string): Promise<readonly string[]> {
  return (await budgetsAt(url)).map((budget) => budget.held_usd);
}

async function expectNoRoom(disk: UploadDisk, path: string, answer: string): Promise<void> {
  await using stage = new Stage();
  const folder = stage.path("disk");
  mkdirSync(folder);
  const prefix = disk.make(stage, folder);
  const provider = await startProvider(stage);
  const dataDir = join(folder, "data");
  const tollgate = stage.serve(dataDir, { command: [...prefix, process.execPath, MAIN] });
  const url = await tollgate.url();
  const { token } = await furnish(url, provider.url);
  const asked = { url, token, path };
  expect(await upload({ ...asked, megabytes: 3 })).toMatchObject({ status: 200, text: answer });
  await until(() => spoolsOf(tollgate) === 0);

  const fill = async (): Promise<void> => {
    await until(() => spoolsOf(tollgate) > 0);
    disk.fill(tollgate, folder);
  };
  if (disk.isFull === "before") disk.fill(tollgate, folder);
  const between = disk.isFull === "before" ? {} : { between: fill };
  const refused = await upload({ ...asked, megabytes: 24, ...between });
  // Nobody is told twice in a minute: they would be many.
  if (disk.isFull === "before") await upload({ ...asked, megabytes: 24 });
  expect([refused.status, JSON.parse(refused.text)]).toEqual([
    503,
    { error: expect.objectContaining({ code: "gateway_overloaded" }) },
  ]);
  expect(refused.text).toContain("There is no room for so large a body at this time.");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  await tollgate.said(/upload\.no_room/, "err");
  await until(() => spoolsOf(tollgate) === 0);
  expect([provider.seen.length, await heldAt(url)]).toEqual([1, ["0.00", "0.00", "0.00"]]);
  expect(readdirSync(dataDir).filter((name) => name.startsWith("spool-"))).toEqual([]);

  expect(await upload({ ...asked, megabytes: 0 })).toMatchObject({ status: 200, text: answer });
  disk.free(tollgate, folder);
  expect(await upload({ ...asked, megabytes: 24 })).toMatchObject({ status: 200, text: answer });
  await until(() => spoolsOf(tollgate) === 0);
  expect(provider.seen.length).toBe(3);
  expect(await tollgate.stop()).toEqual({ code: 0, signal: null });
  expect(tollgate.logged("upload.no_room")).toEqual([expect.stringMatching(disk.told)]);
  const ledger = readLedger(dataDir);
  expect([breachesIn(ledger), ledger.openIds, ledger.attempts.length]).toEqual([[], [], 3]);
}

await using trial = new Stage();

describe.each(uploadDisks(trial.folder).map((disk) => [disk.name, disk] as const))(
  "%s",
  (_, disk) => {
    test("is told to who sends sound, and keeps nothing of it", () =>
      expectNoRoom(disk, "/v1/audio/transcriptions", TRANSCRIPT));

    test("is told to who sends a file to be kept, and keeps nothing of it", () =>
      expectNoRoom(disk, "/v1/files", FILE));
  },
);
