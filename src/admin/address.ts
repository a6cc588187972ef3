/**
 * The rules for a provider's base URL, checked on the parsed URL so that every spelling of an
 * address (`127.1`, `0x7f.1`, circled digits, a trailing dot) is the address it means. A name is
 * judged again by what it resolves to, each time a connection is made.
 */
import { addressProblem } from "../base/address.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";

const URL_CHARACTERS_MAX = 2_048;

/** Names by which clouds serve credentials to their own machines; never a provider. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  "instance-data",
  "instance-data.ec2.internal",
  "metadata",
  "metadata.azure.internal",
  "metadata.goog",
  "metadata.google.internal",
  "metadata.platformequinix.com",
  "metadata.tencentyun.com",
]);

/** Names that mean this machine or the network around it: reserved ones, and those without a dot. */
const LOCAL_NAMES = /^[^.]+$|(?:^|\.)(?:localhost|local|internal|home\.arpa)$/;

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*$/;

/**
 * A base URL in its normal form, without a slash at the end; paths of the dialect follow it.
 * Refused with `invalid_request` and the reason.
 */
export function readBaseUrl(text: string, allowPrivateNetwork: boolean): AdminVerdict<string> {
  const problem = textProblem(text);
  if (problem !== null) return refused(problem);
  const url = URL.parse(text);
  if (url === null) return refused("must be a complete URL such as https://api.openai.com/v1");
  const host = url.hostname.replace(/\.$/, "");
  const wrong = partsProblem(url, text) ?? hostProblem(host, allowPrivateNetwork);
  if (wrong !== null) return refused(wrong);
  const port = url.port === "" ? "" : `:${url.port}`;
  return allow(`${url.protocol}//${host}${port}${url.pathname.replace(/\/+$/, "")}`);
}

function refused(problem: string) {
  return refuse("invalid_request", `base_url ${problem}.`, "/base_url");
}

function textProblem(text: string): string | null {
  if (text.length > URL_CHARACTERS_MAX) {
    return `must have at most ${URL_CHARACTERS_MAX} characters`;
  }
  // The URL parser would drop or turn these silently, so that the text would not say what it means.
  if (/[\s\\\p{Cc}]/u.test(text)) {
    return "must not contain spaces, backslashes or control characters";
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === "https" || scheme === "http") return null;
  return scheme === undefined
    ? "must spell out its scheme: https://, or http:// for a server without TLS"
    : `must be https:// or http://, not ${scheme}://`;
}

function partsProblem(url: URL, text: string): string | null {
  if (url.username !== "" || url.password !== "" || /^[^/]*\/\/[^/]*@/.test(text)) {
    return "must not contain a user name or password; the credential is a member of its own";
  }
  if (text.includes("?") || text.includes("#")) return "must not contain a query or fragment";
  return url.port === "0" ? "must not name port 0" : null;
}

function hostProblem(host: string, allowPrivateNetwork: boolean): string | null {
  const isAddress = host.startsWith("[") || /^\d+(?:\.\d+){3}$/.test(host);
  if (isAddress) {
    const problem = addressProblem(host, allowPrivateNetwork);
    return problem === null ? null : `is refused: ${problem}`;
  }
  if (!HOST_NAME.test(host)) return `must name a host, and ${JSON.stringify(host)} is not one`;
  if (METADATA_NAMES.has(host)) return `is refused: ${host} names a metadata service`;
  return LOCAL_NAMES.test(host) && !allowPrivateNetwork
    ? `is refused: ${host} is a loopback or private name, which needs allow_private_network`
    : null;
}
