/**
 * The truth over HTTP, under /sim: counters, the last requests, reset, and keeping bodies. These
 * requests are not counted. Credentials leave only as the first digits of their hash.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { FailGate } from "./fail-gate.ts";
import { readObject } from "./json.ts";
import { errorBody, invalidRequest, unknownUrl } from "./openai-error.ts";
import type { Received } from "./received.ts";
import type { Tally } from "./tally.ts";

/** Always JSON. */
type SimReply = { readonly status: number; readonly body: string };

const pageSizeDefault = 50;
const pageSizeMax = 200;

/** Answers `method url` under /sim. */
export function simApi(
  tally: Tally,
  failures: FailGate,
  method: string,
  url: URL,
  body: Uint8Array,
): SimReply {
  switch (`${method} ${url.pathname}`) {
    case "GET /sim/stats":
      return ok(snakeCase(tally.stats()));
    case "GET /sim/requests":
      return listRequests(tally, url.searchParams);
    case "POST /sim/reset":
      tally.reset();
      failures.reset();
      return ok({});
    case "POST /sim/record":
      return record(tally, body);
    default: {
      const error = unknownUrl(method, url.pathname);
      return { status: error.status, body: errorBody(error) };
    }
  }
}

function ok(value: unknown): SimReply {
  return { status: 200, body: JSON.stringify(value) };
}

function refuse(message: string, param: string): SimReply {
  return { status: 400, body: errorBody(invalidRequest(message, param)) };
}

/** Newest first, because a page must not move while requests arrive; the cursor is a number. */
function listRequests(tally: Tally, query: URLSearchParams): SimReply {
  const limit = Number(query.get("limit") ?? pageSizeDefault);
  if (!Number.isInteger(limit) || limit < 1 || limit > pageSizeMax) {
    return refuse(`'limit' must be a whole number from 1 to ${pageSizeMax}.`, "limit");
  }
  const before = Number(query.get("cursor") ?? Number.MAX_SAFE_INTEGER);
  if (!Number.isInteger(before)) {
    return refuse("'cursor' must be one that an earlier page gave.", "cursor");
  }
  // Numbers only grow, so a page stays what it was whatever arrives meanwhile.
  const older = tally.requests().filter((received) => received.number < before);
  const page = older.slice(-limit).toReversed();
  const last = page.at(-1);
  const nextCursor = last !== undefined && older.length > page.length ? String(last.number) : null;
  return ok({ data: page.map(describe), next_cursor: nextCursor });
}

/** Switches the keeping of request bodies on or off. */
function record(tally: Tally, body: Uint8Array): SimReply {
  const reading = readObject(body);
  const keepBodies = reading.ok ? reading.value["keep_bodies"] : undefined;
  if (typeof keepBodies !== "boolean") {
    return refuse("'keep_bodies' must be true or false.", "keep_bodies");
  }
  tally.keepBodies = keepBodies;
  return ok({ keep_bodies: keepBodies });
}

/** A request as JSON tells it. */
function describe(received: Received) {
  const { headers, body, usage, receivedAtMs, firstByteAtMs, endedAtMs, ...plain } = received;
  return {
    ...snakeCase(plain),
    headers: withoutCredentials(headers),
    body_base64: body === undefined ? null : Buffer.from(body).toString("base64"),
    usage: usage === undefined ? null : snakeCase(usage),
    received_at: new Date(receivedAtMs).toISOString(),
    first_byte_after_ms: firstByteAtMs === undefined ? null : firstByteAtMs - receivedAtMs,
    ended_after_ms: endedAtMs === undefined ? null : endedAtMs - receivedAtMs,
  };
}

/** Headers whose values are never shown. */
const credentialHeaders = new Set([
  "authorization",
  "proxy-authorization",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "cookie",
]);

/** Enough of a hash to see whether two requests carried the same credential. */
function withoutCredentials(headers: IncomingHttpHeaders) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (!credentialHeaders.has(name) || value === undefined) {
        return [name, value];
      }
      const digest = new Bun.CryptoHasher("sha256").update(value.toString()).digest("hex");
      return [name, { present: true, sha256_prefix: digest.slice(0, 12) }];
    }),
  );
}

/** Members in snake_case, as JSON carries them; the keys of nested counts are names, not members. */
function snakeCase(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name.replace(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`),
      member,
    ]),
  );
}
