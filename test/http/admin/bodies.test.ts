import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { startTestAdmin, type CallOptions, type TestAdmin } from "../../support/admin.ts";
import { makeTenant } from "../../support/things.ts";

let api: TestAdmin;
beforeAll(async () => {
  api = await startTestAdmin();
});
afterAll(() => api.stop());

/** Status and error of a POST to /tenants; the message only where `says` asks for it. */
async function refusal(options: CallOptions): Promise<readonly unknown[]> {
  const { status, member } = await api.call("POST", "/tenants", options);
  const { code, param, message } = Object(member("error"));
  return [status, code, param, message];
}

describe("a body", () => {
  test.each<readonly [what: string, options: CallOptions, refused: readonly unknown[]]>([
    ["is broken", { raw: '{"name":' }, [400, "invalid_json", null, "The body is not valid JSON."]],
    ["is empty", { raw: "" }, [400, "invalid_json", null, "The body is empty."]],
    ["is blank", { raw: " \n " }, [400, "invalid_json", null, "The body is empty."]],
    [
      "is not UTF-8",
      { raw: new Uint8Array([0x22, 0xff, 0xfe, 0x22]) },
      [400, "invalid_json", null, "The body is not valid UTF-8, or broke off before its end."],
    ],
    [
      "is nested a hundred thousand times",
      { raw: "[".repeat(100_000) + "]".repeat(100_000) },
      [
        400,
        "invalid_request",
        null,
        "The body must be an object with name, status, strategy, priority_class, metadata.",
      ],
    ],
    [
      "is a list",
      { raw: "[]" },
      [
        400,
        "invalid_request",
        null,
        "The body must be an object with name, status, strategy, priority_class, metadata.",
      ],
    ],
    [
      "is null",
      { raw: "null" },
      [
        400,
        "invalid_request",
        null,
        "The body must be an object with name, status, strategy, priority_class, metadata.",
      ],
    ],
    [
      "is a form",
      { raw: "name=x", headers: { "content-type": "application/x-www-form-urlencoded" } },
      [
        415,
        "unsupported_media_type",
        "content-type",
        "The body must be JSON: send it with content-type application/json, not application/x-www-form-urlencoded.",
      ],
    ],
    [
      "is declared as something that begins like JSON",
      { raw: "{}", headers: { "content-type": "application/jsonp" } },
      [
        415,
        "unsupported_media_type",
        "content-type",
        "The body must be JSON: send it with content-type application/json, not application/jsonp.",
      ],
    ],
    [
      "is larger than a mebibyte",
      { body: { name: "a".repeat(LIMITS.adminBodyBytesMax) } },
      [413, "body_too_large", null, "The body is larger than 1048576 bytes."],
    ],
    [
      "lacks a member",
      { body: {} },
      [
        400,
        "invalid_request",
        "/name",
        "name is required: it must be 1 to 200 characters without line breaks or other control characters.",
      ],
    ],
    [
      "has a mistyped member",
      { body: { nmae: "Acme" } },
      [
        400,
        "invalid_request",
        "/nmae",
        '"nmae" is not a member that can be set here; the nearest known one is name.',
      ],
    ],
    [
      "sets what is read-only",
      { body: { name: "Acme", version: 7 } },
      [400, "invalid_request", "/version", "version is read-only: Tollgate sets it."],
    ],
    [
      "has a wrong word",
      { body: { name: "Acme", status: "paused" } },
      [400, "invalid_request", "/status", 'status must be one of "active", "suspended".'],
    ],
    [
      "has a text that is too long",
      { body: { name: "a".repeat(201) } },
      [
        400,
        "invalid_request",
        "/name",
        "name must be 1 to 200 characters without line breaks or other control characters.",
      ],
    ],
    [
      "has metadata that is no text",
      { body: { name: "Acme", metadata: { seats: 3 } } },
      [
        400,
        "invalid_request",
        "/metadata/seats",
        "metadata.seats must be a text of at most 512 characters.",
      ],
    ],
    [
      "has metadata under a name that is none",
      { body: { name: "Acme", metadata: { "a b": "c" } } },
      [
        400,
        "invalid_request",
        "/metadata/a b",
        'The name "a b" must be 1 to 64 letters, digits or the characters _ . : / -.',
      ],
    ],
    [
      "has a name with a slash that is not allowed",
      { body: { name: "Acme", "a/b~c": 1 } },
      [
        400,
        "invalid_request",
        "/a~1b~0c",
        '"a/b~c" is not a member that can be set here; the nearest known one is name.',
      ],
    ],
    [
      "reaches for a prototype",
      { raw: '{"name":"Acme","__proto__":{"status":"suspended"}}' },
      [
        400,
        "invalid_request",
        "/__proto__",
        '"__proto__" is not a member that can be set here; the nearest known one is strategy.',
      ],
    ],
    [
      "reaches for a prototype inside metadata",
      { raw: '{"name":"Acme","metadata":{"__proto__":"x"}}' },
      [
        400,
        "invalid_request",
        "/metadata/__proto__",
        'The name "__proto__" must be 1 to 64 letters, digits or the characters _ . : / -.',
      ],
    ],
  ])("that %s is refused with what is wrong", async (_what, options, refused) => {
    expect(await refusal(options)).toEqual(refused);
    expect((await api.call("GET", "/tenants")).body).toEqual({
      data: [],
      next_cursor: null,
    });
  });

  test("without a declared length is bounded all the same", async () => {
    let sentBytes = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sentBytes += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    expect(await refusal({ raw: endless })).toEqual([
      413,
      "body_too_large",
      null,
      "The body is larger than 1048576 bytes.",
    ]);
    expect(sentBytes).toBeLessThan(4 * LIMITS.adminBodyBytesMax);
  });

  test("may be declared with a charset, as a JSON of some kind, or not at all", async () => {
    for (const type of ["application/json; charset=utf-8", "application/merge-patch+json"]) {
      const { status, member } = await api.call("POST", "/tenants", {
        body: { name: "Ümläut 東京 🎟" },
        headers: { "content-type": type },
      });
      expect([status, member("name")]).toEqual([201, "Ümläut 東京 🎟"]);
      expect((await api.call("DELETE", `/tenants/${String(member("id"))}`)).status).toBe(204);
    }
  });
});

describe("a query", () => {
  test.each([
    ["?limit=0", "limit", "limit must be a whole number from 1 to 200."],
    ["?limit=201", "limit", "limit must be a whole number from 1 to 200."],
    ["?limit=1.5", "limit", "limit must be a whole number from 1 to 200."],
    ["?limit=ten", "limit", "limit must be a whole number from 1 to 200."],
    ["?limit=", "limit", "limit must be a whole number from 1 to 200."],
    ["?limit=5&limit=6", "limit", "The query parameter limit comes twice."],
    [
      "?limt=5",
      "limt",
      'There is an unknown query parameter "limt"; the nearest known one is limit.',
    ],
    [
      "?__proto__=5",
      "__proto__",
      'There is an unknown query parameter "__proto__"; the nearest known one is cursor.',
    ],
    ["?status=paused", "status", 'status must be one of "active", "suspended".'],
    ["?cursor=nonsense", "cursor", "The cursor is not one that an earlier page gave."],
  ])("%s is refused with what is wrong", async (query, param, message) => {
    const answer = await api.call("GET", `/tenants${query}`);
    expect([answer.status, answer.body]).toEqual([
      400,
      { error: { message, type: "invalid_request_error", code: "invalid_request", param } },
    ]);
  });
});

describe("a list", () => {
  test("comes in pages that hold every row once, in the order of creation", async () => {
    const made: unknown[] = [];
    for (let number = 0; number < 7; number += 1) {
      made.push((await makeTenant(api, { name: `Tenant ${number}` }))["id"]);
    }
    const listed: unknown[] = [];
    const sizes: number[] = [];
    let query = "?limit=3";
    for (let pages = 0; pages < 5; pages += 1) {
      const { member } = await api.call("GET", `/tenants${query}`);
      const rows = Array.from(Object(member("data")), (row) => Object(row).id);
      listed.push(...rows);
      sizes.push(rows.length);
      if (member("next_cursor") === null) break;
      query = `?limit=3&cursor=${String(member("next_cursor"))}`;
    }
    expect({ listed, sizes }).toEqual({ listed: made, sizes: [3, 3, 1] });
  });
});
