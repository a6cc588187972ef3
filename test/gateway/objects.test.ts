/** What providers keep, while the disk that says whose it is refuses or takes its time. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { GatewayError } from "../../src/base/error.ts";
import type { Store } from "../../src/store/contract.ts";
import { type RecordedUpstream, startRecordedUpstream } from "../conformance/recorded-upstream.ts";
import { message, response, RESPONSE_ID } from "../conformance/responses-answers.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

let tollgate: TestGateway;
let upstream: RecordedUpstream;
let token: string;

/** What the disk does with what it is told of objects; the real one's work where it is null. */
let disk: Pick<Store, "stepObjects"> | null = null;
let steps: number[] = [];

beforeEach(async () => {
  disk = null;
  steps = [];
  upstream = await startRecordedUpstream();
  tollgate = await startTestGateway({
    between: (store) => ({
      ...store,
      stepObjects: (list) => {
        steps.push(list.length);
        return (disk ?? store).stepObjects(list);
      },
    }),
  });
  const tenantId = (await tollgate.addTenant()).id;
  ({ token } = await tollgate.addToken(tenantId));
  const provider = await tollgate.addProvider({ baseUrl: `${upstream.url}/v1` });
  await tollgate.addPrice(provider.id, "m");
  const target = { providerId: provider.id, model: "m", weight: 1, priority: 0 };
  await tollgate.addRoute("m", [target]);
  upstream.answer({ pieces: [JSON.stringify(response([message("Hi")]))] });
});

afterEach(async () => {
  await tollgate.stop();
  await upstream.stop();
});

async function ask(method: string, path: string, body?: object, signal?: AbortSignal) {
  const answer = await fetch(`${tollgate.url}/v1/responses${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  await answer.text();
  return answer.status;
}

const create = (): Promise<number> => ask("POST", "", { model: "m", input: "hi" });
const show = (signal?: AbortSignal): Promise<number> =>
  ask("GET", `/${RESPONSE_ID}`, undefined, signal);

test("a disk that refuses once holds no answer back, and is told again when it is asked", async () => {
  const failure = new GatewayError("ledger_unavailable");
  disk = { stepObjects: () => Promise.reject(failure) };
  expect(await create()).toBe(200);
  expect(tollgate.logLines.filter((line) => line.includes("objects.unsaved")).length).toBe(1);
  disk = null;
  expect(await show()).toBe(200);
  expect(steps).toEqual([2, 2]);
});

test("a disk that stands still holds an answer back for a moment, and a look-up until its client leaves", async () => {
  const hung = Promise.withResolvers<void>();
  disk = { stepObjects: () => hung.promise };
  expect(await create()).toBe(200);
  const leaving = new AbortController();
  const asked = show(leaving.signal).catch(() => "left");
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 1);
  leaving.abort();
  expect(await asked).toBe("left");
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  hung.resolve();
});

test("what many answers make at once is written in few commits", async () => {
  const first = Promise.withResolvers<void>();
  disk = { stepObjects: () => first.promise };
  const all = Array.from({ length: 20 }, () => create());
  await until(() => upstream.seen.length === 20 && steps.length > 0);
  disk = null;
  first.resolve();
  expect(await Promise.all(all)).toEqual(all.map(() => 200));
  expect(steps.length).toBeLessThan(8);
  expect(await show()).toBe(200);
});
