/**
 * Which of a client's headers reach the upstream: all that are neither ours, nor the connection's,
 * nor a credential. What the client presented to us is never presented to a provider.
 */
import { ACCOUNT_HEADERS, CREDENTIAL_HEADERS } from "../dialects/catalogue.ts";

const DROPPED = new Set([
  // The connection's own (RFC 9110, 7.6.1).
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
  "content-length",
  "expect",
  // Identity is the only encoding we can watch for usage without holding tokens back.
  "accept-encoding",
  // Credentials and whatever would choose another account at the provider.
  "authorization",
  "proxy-authorization",
  "proxy-authenticate",
  "cookie",
  ...CREDENTIAL_HEADERS,
  ...ACCOUNT_HEADERS,
  // Who the client is, which is nobody's business upstream.
  "forwarded",
  "via",
  "x-real-ip",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "fastly-client-ip",
  "x-auth-token",
  "origin",
  "referer",
  // What frameworks obey in place of the method and the path, which are the ones that were checked.
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
  "x-original-method",
  "x-original-url",
  "x-original-uri",
  "x-rewrite-url",
  // One exchange may be several attempts: its key would make them one at the provider.
  "idempotency-key",
]);

/** By first letter, so that most headers are compared with nothing. */
const DROPPED_PREFIXES: Readonly<Record<string, readonly string[]>> = {
  // What proxies in front of us say about who the client is.
  x: [
    "x-tollgate-",
    "x-forwarded-",
    "x-amz-",
    "x-amzn-",
    "x-goog-",
    "x-auth-request-",
    "x-ms-",
    "x-envoy-",
    // Vertex asks another price by it (priority pay-as-you-go, 2026-11).
    "x-vertex-ai-",
  ],
  c: ["cf-"],
  s: ["sec-"],
};

/** Begins like one of those, and says with what library a client was built, as `user-agent` does. */
const LIBRARY = "x-goog-api-client";

/**
 * Headers for the upstream, before the provider's credential is added. `defaults`: what it must be sent, and a
 * client may say otherwise.
 */
export function upstreamHeaders(
  client: Headers,
  defaults: Readonly<Record<string, string>> | null = null,
): Record<string, string> {
  const kept: Record<string, string> = { ...defaults };
  const named = connectionOptions(client.get("connection"));
  for (const [name, value] of client) {
    if (DROPPED.has(name) || named?.has(name) === true || hasDroppedPrefix(name)) continue;
    kept[name] = value;
  }
  kept["accept-encoding"] = "identity";
  return kept;
}

function hasDroppedPrefix(name: string): boolean {
  const prefixes = DROPPED_PREFIXES[name.charAt(0)];
  if (prefixes === undefined || name === LIBRARY) return false;
  return prefixes.some((prefix) => name.startsWith(prefix));
}

/** Fields that `Connection` names are the connection's own too. */
function connectionOptions(value: string | null): Set<string> | null {
  if (value === null || value === "keep-alive" || value === "close") return null;
  return new Set(value.split(",").map((option) => option.trim().toLowerCase()));
}
