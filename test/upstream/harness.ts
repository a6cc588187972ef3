/**
 * A simulated provider for one test file, and short ways to ask it something over fetch.
 */

import { afterAll, beforeEach } from "bun:test";
import { startUpstream, type Upstream, type UpstreamOptions } from "../../bench/upstream/server.ts";

/** Started once, reset before each test, stopped with the file. */
export async function upstreamForFile(options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = await startUpstream(options);
  beforeEach(() => upstream.reset());
  afterAll(() => upstream.stop());
  return upstream;
}

export const messages = [{ role: "user", content: "Say something." }];

export function postChat(
  upstream: Upstream,
  body: object,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return post(upstream, "/v1/chat/completions", { messages, ...body }, headers, signal);
}

export function post(
  upstream: Upstream,
  path: string,
  body: object | string,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${upstream.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** JSON of an answer, for whole-value comparison. */
export async function jsonOf(response: Response | Promise<Response>): Promise<unknown> {
  const answer = await response;
  return answer.json();
}

/** The text deep inside a JSON value; "" when there is none. */
export function textAt(value: unknown, ...path: (string | number)[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

/** One member deep inside a JSON value; undefined when any step is missing. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let found: unknown = value;
  for (const step of path) {
    found =
      typeof found === "object" && found !== null
        ? (found as Record<string | number, unknown>)[step]
        : undefined;
  }
  return found;
}
