/**
 * Google's clients may present their credential in the address, as `?key=…`. It is taken out of there before
 * anything else looks at the address, so that it reaches neither a provider nor a log; with it go the other
 * parameters in which credentials are presented, or another account is chosen.
 */
import type { DialectName } from "../../base/dialect.ts";
import { CREDENTIAL_HEADERS } from "../../dialects/catalogue.ts";

const KEY = "key";

/** System parameters (cloud.google.com/apis/docs/system-parameters, 2026-11), with and without the `$`, in any case. */
const DROPPED: ReadonlySet<string> = new Set([
  KEY,
  "access_token",
  "oauth_token",
  "quotauser",
  "userproject",
  "httpheaders",
]);

export type Presented = {
  /** What is the provider's to read, as it came, with its `?`; else empty. */
  readonly query: string;
  /** With the credential of the address, where no header presents one. */
  readonly headers: Headers;
};

const PRESENTING = ["authorization", ...CREDENTIAL_HEADERS] as const;

export function presentedBy(dialect: DialectName, request: Request): Presented {
  const { url, headers } = request;
  const query = queryOf(url);
  if (dialect !== "google" || query === "") return { query, headers };
  const parameters = query.slice(1).split("&");
  const kept = parameters.filter((parameter) => !DROPPED.has(nameOf(parameter)));
  const key = new URLSearchParams(query).get(KEY);
  return {
    query: kept.length === 0 ? "" : `?${kept.join("&")}`,
    headers: key === null ? headers : withCredential(headers, key),
  };
}

function queryOf(url: string): string {
  const at = url.indexOf("?");
  return at < 0 || at === url.length - 1 ? "" : url.slice(at);
}

function nameOf(parameter: string): string {
  const [name = ""] = new URLSearchParams(parameter).keys();
  return name.replace(/^\$/u, "").toLowerCase();
}

function withCredential(headers: Headers, key: string): Headers {
  if (PRESENTING.some((name) => headers.has(name))) return headers;
  const presented = new Headers(headers);
  // What a header cannot carry is no access token, and is refused as what it is then: malformed.
  presented.set("x-goog-api-key", /^[\x21-\x7e]+$/u.test(key) ? key : "malformed");
  return presented;
}
