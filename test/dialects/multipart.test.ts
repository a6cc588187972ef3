/** A multipart form is found to say the same however it is cut into chunks, and the same to every reader. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { LIMITS } from "../../src/base/limits.ts";
import { boundaryOf } from "../../src/dialects/multipart-headers.ts";
import { type ClientForm, type FormPart, MultipartScan } from "../../src/dialects/multipart.ts";

const BOUNDARY = "----WebKitFormBoundary7MA4YWxk";
const FILE_HEADERS = 'Content-Disposition: form-data; name="file"; filename="a.wav"';

function scan(body: string | Uint8Array, boundary = BOUNDARY, places: number[] = []) {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const scanned = new MultipartScan(boundary, new Bun.CryptoHasher("sha256"));
  let start = 0;
  for (const end of [...places.toSorted((one, other) => one - other), bytes.length]) {
    scanned.push(bytes.subarray(start, end));
    start = end;
  }
  return scanned.end();
}

function parts(body: string | Uint8Array): readonly FormPart[] {
  const form = scan(body);
  if (typeof form === "string") throw new Error(form);
  return form.parts;
}

/** A form of parts as their headers and contents. */
function formOf(all: readonly (readonly [string, string | Uint8Array])[], boundary = BOUNDARY) {
  const pieces = all.flatMap(([headers, content]) => [
    Buffer.from(`--${boundary}\r\n${headers}\r\n\r\n`),
    Buffer.from(content),
    Buffer.from("\r\n"),
  ]);
  return new Uint8Array(Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]));
}

const field = (name: string): string => `Content-Disposition: form-data; name="${name}"`;

/** Contents that look like delimiters as much as they may. */
const trickyContent = fc
  .array(
    fc.oneof(
      fc.constantFrom("\r", "\n", "\r\n", "--", "\r\n--", `\r\n--${BOUNDARY.slice(0, -1)}`, "-"),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 8 },
  )
  .map((all) => all.join("").replaceAll(`--${BOUNDARY}`, ""));

describe("a form", () => {
  test("says the same in any chunks, with every part where it stands", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), trickyContent), { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat({ max: 1_200 }), { maxLength: 30 }),
        (contents, places) => {
          const body = formOf(
            contents.map(([isFile, content], index) => [
              isFile ? FILE_HEADERS : field(`field${index}`),
              content,
            ]),
          );
          const form = scan(body, BOUNDARY, places) as ClientForm;
          const told = form.parts.map(({ filename, value, head, start, end }) => {
            const text = Buffer.from(body.subarray(start, end)).toString();
            return [filename !== null, text, value ?? Buffer.from(head).toString()];
          });
          expect(told).toEqual(contents.map(([isFile, content]) => [isFile, content, content]));
          expect(form).toEqual(scan(body) as ClientForm);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("says the same when it comes byte by byte", () => {
    const body = formOf([
      [field("model"), "whisper-1"],
      [FILE_HEADERS, Buffer.alloc(200_000, 13)],
      [field("language"), ""],
    ]);
    const everywhere = Array.from({ length: body.length }, (_, index) => index);
    const form = scan(body, BOUNDARY, everywhere) as ClientForm;
    expect(form).toEqual(scan(body) as ClientForm);
    expect(form.parts.map(({ name, end, start }) => [name, end - start])).toEqual([
      ["model", 9],
      ["file", 200_000],
      ["language", 0],
    ]);
    expect(form.parts.map(({ head }) => head.length)).toEqual([0, LIMITS.formFileHeadBytes, 0]);
  });

  test("may have a preamble, an epilogue, and white space behind its delimiters", () => {
    const body =
      `a preamble\r\n--${BOUNDARY} \t\r\n${field("model")}\r\n\r\nx\r\n` +
      `--${BOUNDARY}-- \r\nan epilogue`;
    expect(parts(body).map(({ name, value }) => [name, value])).toEqual([["model", "x"]]);
  });

  test("has the digest of what it says, whatever its boundary is", () => {
    const all = [
      [field("model"), "whisper-1"],
      [FILE_HEADERS, "RIFF"],
    ] as const;
    const one = scan(formOf(all)) as ClientForm;
    const other = scan(formOf(all, "another"), "another") as ClientForm;
    const changed = scan(formOf([all[0], [FILE_HEADERS, "RIFX"]])) as ClientForm;
    const moved = scan(formOf([[`${field("model")}\r\n`, "whisper-1"], all[1]].slice(1) as never));
    expect(one.digest).toHaveLength(64);
    expect(other.digest).toBe(one.digest);
    expect(new Set([one.digest, changed.digest, (moved as ClientForm).digest]).size).toBe(3);
  });

  test("keeps no more text than it may, and says of what it did not keep where it stands", () => {
    const long = "x".repeat(LIMITS.formFieldBytesMax + 1);
    const many = Array.from({ length: 9 }, (_, index): [string, string] => {
      return [field(`f${index}`), "y".repeat(LIMITS.formFieldBytesMax)];
    });
    const told = parts(formOf([[field("prompt"), long], ...many]));
    expect(told[0]).toMatchObject({ value: null, end: (told[0]?.start ?? 0) + long.length });
    const kept = told.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    expect(kept).toBeLessThanOrEqual(LIMITS.formFieldsBytesMax);
    expect(parts(formOf([[field("prompt"), Buffer.from([0xff])]]))[0]?.value).toBeNull();
  });

  test.each([
    ['form-data; name="a b"', "a b", null],
    ["form-data; name=model", "model", null],
    ["Form-Data;name=model ;  filename=x.wav", "model", "x.wav"],
    ['form-data; name="file"; filename="Grüße;\\"1\\".wav"', "file", 'Grüße;"1".wav'],
    [
      'form-data; name="file"; filename="x"; filename*=UTF-8\'\'na%C3%AFve.wav',
      "file",
      "naïve.wav",
    ],
    ["form-data; name*=utf-8''caf%C3%A9", "café", null],
    ['form-data; name="file"; filename=""', "file", ""],
  ])("%s names %s and the file %s", (header, name, filename) => {
    const told = parts(formOf([[`Content-Disposition: ${header}`, "x"]]));
    expect(told).toEqual([expect.objectContaining({ name, filename })]);
  });
});

describe("refused is a form", () => {
  const ok = formOf([[field("model"), "x"]]);

  test("that breaks off anywhere before its last delimiter", () => {
    const text = Buffer.from(ok).toString();
    const last = text.length - "\r\n".length;
    for (let end = 0; end < last; end += 1) {
      expect([end, typeof scan(text.slice(0, end))]).toEqual([end, "string"]);
    }
    expect(typeof scan(text.slice(0, last))).toBe("object");
  });

  const DELIMITER = `--${BOUNDARY}`;
  test.each([
    ["a part after a line that ends in LF", `${DELIMITER}\n${field("a")}\n\nx\n${DELIMITER}--`],
    [
      "a delimiter that only LF comes before",
      `${DELIMITER}\r\n${FILE_HEADERS}\r\n\r\nx\n${DELIMITER}\r\n${field("model")}\r\n\r\ny\r\n${DELIMITER}--`,
    ],
    [
      "its boundary with more behind it",
      `${DELIMITER}\r\n${FILE_HEADERS}\r\n\r\nx\r\n${DELIMITER}0\r\n${DELIMITER}--`,
    ],
    ["a part behind the last delimiter", `${Buffer.from(ok).toString()}\r\n${DELIMITER}\r\n`],
    [
      "a content that begins with a delimiter",
      `${DELIMITER}\r\n${field("a")}\r\n\r\n${DELIMITER}--`,
    ],
    ["a part without headers", `${DELIMITER}\r\n\r\nx\r\n${DELIMITER}--`],
  ])("with %s", (_what, body) => {
    expect(typeof scan(body)).toBe("string");
  });

  test.each([
    ["no disposition", "Content-Type: text/plain"],
    ["a disposition of another kind", 'Content-Disposition: attachment; name="a"'],
    ["no name", "Content-Disposition: form-data"],
    ["an empty name", 'Content-Disposition: form-data; name=""'],
    ["a name twice", 'Content-Disposition: form-data; name="a"; name="model"'],
    ["two dispositions", `${field("a")}\r\n${field("model")}`],
    ["a name with an escape", 'Content-Disposition: form-data; name="mo\\del"'],
    ["a name with percent signs", 'Content-Disposition: form-data; name="%6dodel"'],
    ["two different names", "Content-Disposition: form-data; name=a; name*=utf-8''model"],
    ["a name continued elsewhere", 'Content-Disposition: form-data; name="a"; name*0=model'],
    [
      "a name in pieces",
      "Content-Disposition: form-data; name=\"a\"; name*0*=utf-8''mo; name*1=del",
    ],
    ["a name in another charset", "Content-Disposition: form-data; name=a; name*=us-ascii''model"],
    ["a name that cannot be decoded", "Content-Disposition: form-data; name=a; name*=utf-8''%E9"],
    ["a file for some readers", "Content-Disposition: form-data; name=a; filename*=us-ascii''x"],
    ["a file in pieces", "Content-Disposition: form-data; name=a; filename*0=x"],
    [
      "a value that readers end elsewhere",
      'Content-Disposition: form-data; name=a; filename="\\";name=model;x="',
    ],
    ["a folded header", 'Content-Disposition: form-data;\r\n name="a"'],
    ["a header with a bare LF", `${field("a")}\nX: y`],
    ["a header without a colon", `${field("a")}\r\nnonsense`],
    ["encoded content", `${field("a")}\r\nContent-Transfer-Encoding: base64`],
    ["text in another charset", `${field("a")}\r\nContent-Type: text/plain; charset=utf-16`],
    ["a charset for all", field("_charset_")],
    ["too long headers", `${field("a")}\r\nX: ${"y".repeat(LIMITS.formHeaderBytesMax)}`],
    ["endless headers", `${field("a")}\r\nX: ${"y".repeat(100_000)}`],
  ])("whose part has %s", (_what, headers) => {
    expect(typeof scan(formOf([[headers, "x"]]))).toBe("string");
  });

  test("with more parts than it may have", () => {
    const all = Array.from({ length: LIMITS.formPartsMax + 1 }, (): [string, string] => [
      field("a"),
      "",
    ]);
    expect(scan(formOf(all))).toBe(`The form has more than ${LIMITS.formPartsMax} parts.`);
    expect(parts(formOf(all.slice(1)))).toHaveLength(LIMITS.formPartsMax);
  });
});

describe("the boundary", () => {
  test.each([
    ["multipart/form-data; boundary=abc", "abc"],
    ['Multipart/Form-Data; charset=utf-8; boundary="a b:c"', "a b:c"],
    ["multipart/form-data", null],
    ["multipart/mixed; boundary=abc", null],
    ["multipart/form-data; boundary=a; boundary=b", null],
    ["multipart/form-data; boundary=a; boundary*=utf-8''b", null],
    ["multipart/form-data; boundary=a; boundary*0=b", null],
    ['multipart/form-data; boundary="ends in a space "', null],
    [`multipart/form-data; boundary=${"x".repeat(71)}`, null],
    ["multipart/form-data; boundary=", null],
    ["application/json", null],
  ])("of %s is %s", (contentType, boundary) => {
    expect(boundaryOf(contentType)).toBe(boundary);
  });
});
