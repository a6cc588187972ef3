/**
 * Files for batches through Tollgate: every line is read before anybody is asked, and goes out with the
 * upstream's name of the model and no other change.
 */
import { beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { freshProvider } from "../support/fresh-provider.ts";
import { cutAt, FORM_HEADERS, formBytes, inPieces, type Part } from "./multipart.ts";
import { conformanceStageForFile, CREDENTIAL, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

const { through, upstream, tollgate, tenantId, token, provider } = await conformanceStageForFile(
  "openai",
  "/v1",
);
beforeEach(() => freshProvider(tollgate, provider));

const path = "/v1/files";
const FILE = { id: "file-in", object: "file", purpose: "batch" };

/** Lines as nobody writes them, which must not matter. */
function lineOf(model: string, more: object = {}): string {
  const body = { model: "?", messages: [{ role: "user", content: "?" }], ...more };
  const text = JSON.stringify({
    custom_id: "é🙂",
    method: "POST",
    url: "/v1/chat/completions",
    body,
  });
  return text.replace('"model":"?"', `"x": 1.0, "model" :${JSON.stringify(model)}`);
}

const linesOf = (model: string, count: number): string =>
  Array.from({ length: count }, (_, at) => lineOf(model, { seed: at })).join("\r\n\n");

/** The purpose behind the file, as it may be. */
function form(text: string, more: readonly Part[] = []): Uint8Array<ArrayBuffer> {
  return formBytes([["file", Buffer.from(text)], ["purpose", "batch"], ...more]);
}

type Body = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;

async function upload(body: Body, headers: object = {}, as = token) {
  upstream.answer({ pieces: [JSON.stringify(FILE)] });
  const authorization = `Bearer ${as}`;
  const url = `${tollgate.url}${path}`;
  const all = { ...FORM_HEADERS, ...headers, authorization };
  const answer = await fetch(url, { method: "POST", headers: all, body });
  return { status: answer.status, text: await answer.text() };
}

async function refusal(body: Body, headers: object = {}, as = token): Promise<unknown> {
  upstream.forget();
  const { status, text } = await upload(body, headers, as);
  const { error } = JSON.parse(text) as { error: Record<string, unknown> };
  expect(upstream.seen).toEqual([]);
  return [status, error["code"], error["message"], error["param"]];
}

describe("a file for batches", () => {
  test("goes out with the upstream's model in every line, in memory and from a spool", async () => {
    for (const count of [3, 20_000]) {
      upstream.forget();
      const answer = await upload(form(linesOf(PUBLIC_MODEL, count)));
      expect(answer).toEqual({ status: 200, text: JSON.stringify(FILE) });
      const [seen] = upstream.seen;
      expect([seen?.path, seen?.headers["authorization"]]).toEqual([path, `Bearer ${CREDENTIAL}`]);
      const sent = form(linesOf(UPSTREAM_MODEL, count));
      expect(Buffer.compare(seen?.body ?? new Uint8Array(0), sent)).toBe(0);
    }
    expect(tollgate.gateway.spools.takenBytes).toBe(0);
    expect(tollgate.gateway.bodyRoom.takenBytes).toBe(0);
  });

  test("goes out the same in any pieces", async () => {
    const text = linesOf(PUBLIC_MODEL, 12);
    const sent = form(linesOf(UPSTREAM_MODEL, 12));
    const places = fc.array(fc.nat({ max: text.length }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(places, async (cuts) => {
        upstream.forget();
        const { status } = await upload(inPieces(cutAt(form(text), cuts)));
        expect(status).toBe(200);
        expect(Buffer.compare(upstream.seen[0]?.body ?? new Uint8Array(0), sent)).toBe(0);
      }),
      { numRuns: 10 },
    );
  });

  test("is remembered with what its lines can cost", async () => {
    const { text } = await upload(form(linesOf(PUBLIC_MODEL, 3)));
    const { id } = JSON.parse(text) as { id: string };
    const [row] = await tollgate.gateway.objects.find(tenantId, [id]);
    expect(row).toMatchObject({ kind: "file", route: PUBLIC_MODEL, model: UPSTREAM_MODEL });
    const bounds = { surface: "chat", lines: 3, unlimitedChoices: 3, beyondPrice: null };
    expect(JSON.parse(row?.batch ?? "null")).toMatchObject({ bounds });
  });

  test("is refused by its line before anybody is asked, in memory and from a spool", async () => {
    const bad = lineOf(PUBLIC_MODEL, { stream: true });
    for (const count of [3, 20_000]) {
      const text = `${linesOf(PUBLIC_MODEL, count)}\n${bad}`;
      const line = 2 * count;
      const message = `Line ${line}: 'body.stream' must not be true in a batch.`;
      expect(await refusal(form(text))).toEqual([400, "invalid_request", message, "body.stream"]);
    }
    expect(tollgate.gateway.spools.takenBytes).toBe(0);
    expect(tollgate.gateway.bodyRoom.takenBytes).toBe(0);
  });

  test("is one file, of one purpose", async () => {
    const text = lineOf(PUBLIC_MODEL);
    const twice = [400, "invalid_request", "'purpose' is given more than once.", "purpose"];
    expect(await refusal(form(text, [["purpose", "user_data"]]))).toEqual(twice);
    const one = [
      400,
      "invalid_request",
      "'file' must be one file where 'purpose' is batch.",
      "file",
    ];
    expect(await refusal(form(text, [["file", Buffer.from(text)]]))).toEqual(one);
    expect(await refusal(form(text, [["file[]", Buffer.from(text)]]))).toEqual(one);
    expect(
      await refusal(
        formBytes([
          ["purpose", "batch"],
          ["file", text],
        ]),
      ),
    ).toEqual(one);
    const missing = [400, "invalid_request", "Missing required parameter: 'file'.", "file"];
    expect(await refusal(formBytes([["purpose", "batch"]]))).toEqual(missing);
  });

  test("is for the model of its lines, which the access token may use", async () => {
    const text = lineOf(PUBLIC_MODEL);
    const header = { "x-tollgate-model": "another" };
    const message = `'x-tollgate-model' must be "${PUBLIC_MODEL}", as in the lines of the file.`;
    const other = [400, "invalid_request", message, "x-tollgate-model"];
    expect(await refusal(form(text), header)).toEqual(other);
    expect((await upload(form(text), { "x-tollgate-model": PUBLIC_MODEL })).status).toBe(200);
    const bound = await tollgate.addToken(tenantId, { allowedModels: ["another"] });
    const notAllowed = `This access token may not use the model "${PUBLIC_MODEL}".`;
    const refused = [403, "model_not_allowed", notAllowed, "model"];
    expect(await refusal(form(text), {}, bound.token)).toEqual(refused);
    const unknown = [404, "model_not_found", 'The model "nobody\'s" does not exist.', "model"];
    expect(await refusal(form(lineOf("nobody's")))).toEqual(unknown);
  });

  test("may name what its tenant has, and nothing else", async () => {
    const naming = (id: string): string =>
      lineOf(PUBLIC_MODEL, {
        messages: [{ role: "user", content: [{ type: "file", file: { file_id: id } }] }],
      });
    expect((await upload(form(lineOf(PUBLIC_MODEL)))).status).toBe(200);
    const own = `${naming("file-in")}\n${naming("file-in")}`;
    expect((await upload(form(own))).status).toBe(200);
    const foreign = `${naming("file-in")}\n${naming("file-other")}`;
    const unknown = [404, "not_found", "File with id 'file-other' not found.", "messages[0]"];
    expect(await refusal(form(foreign))).toEqual(unknown);
  });
});

test("a file of another purpose is the provider's alone, whatever it holds", async () => {
  const body = formBytes([
    ["purpose", "user_data"],
    ["file", Buffer.from(lineOf(PUBLIC_MODEL))],
  ]);
  upstream.answer({ pieces: [JSON.stringify(FILE)] });
  const headers = { ...FORM_HEADERS, "x-tollgate-model": PUBLIC_MODEL };
  const answer = await through({ path, headers, body });
  expect([answer.status, Buffer.compare(answer.seen?.body ?? new Uint8Array(0), body)]).toEqual([
    200, 0,
  ]);
  const [row] = await tollgate.gateway.objects.find(tenantId, [FILE.id]);
  expect(row?.batch).toBeNull();
});
