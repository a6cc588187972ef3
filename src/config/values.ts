/**
 * Reads one setting's text into its value, or says what it must be. A complaint finishes the
 * sentence that begins with the setting's place, and never repeats a secret.
 */

export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly complaint: string };

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ["json", "pretty"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
export const DEMO_MODES = ["auto", "off"] as const;
export type DemoMode = (typeof DEMO_MODES)[number];

const ADMIN_TOKEN_CHARACTERS_MIN = 32;
export const ENCRYPTION_KEY_BYTES = 32;

function good<T>(value: T): Reading<T> {
  return { ok: true, value };
}

function bad(complaint: string): { readonly ok: false; readonly complaint: string } {
  return { ok: false, complaint };
}

/** One of `words`, or a complaint that lists them. */
export function readWord<const W extends string>(
  words: readonly W[],
): (text: string) => Reading<W> {
  return (text) => {
    const found = words.find((word) => word === text);
    return found === undefined ? bad(`must be ${words.join(" or ")}, not "${text}"`) : good(found);
  };
}

/** A host name or an address without a port; brackets around IPv6 are optional. */
export function readHost(text: string): Reading<string> {
  const host = /^\[(.+)\]$/.exec(text)?.[1] ?? text;
  const isName = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(host);
  const isAddress = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(host) && host.split(":").length > 2;
  return isName || isAddress
    ? good(host)
    : bad(`must be a host name or an IP address without a port, not "${text}"`);
}

/** 0 to 65535; 0 lets the system pick. */
export function readPort(text: string): Reading<number> {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? good(port) : bad(`must be a whole number from 0 to 65535, not "${text}"`);
}

/** Any path; the file system has the last word on it. */
export function readPath(text: string): Reading<string> {
  return text.includes("\0") ? bad("must be a path") : good(text);
}

/** A secret that people can paste into a header: printable, long, and not out of a manual. */
export function readAdminToken(text: string): Reading<string> {
  if (text.length < ADMIN_TOKEN_CHARACTERS_MIN) {
    return bad(`must have at least ${ADMIN_TOKEN_CHARACTERS_MIN} characters, not ${text.length}`);
  }
  if (!/^[\x21-\x7e]+$/.test(text)) return bad("must be printable ASCII without spaces");
  return isSample(text)
    ? bad("is a sample value; make your own, for example with `openssl rand -hex 32`")
    : good(text);
}

const sampleWords =
  /change[-_ ]?(me|it|this)|example|sample|placeholder|dummy|password|replace[-_ ]?(me|it|this)|your[-_ ]/i;

/** Values out of manuals: telling words, few characters, one piece repeated, or a plain count. */
function isSample(text: string): boolean {
  if (sampleWords.test(text)) return true;
  if (new Set(text).size < 8) return true;
  // A text that occurs in its own doubling before the end is a shorter piece repeated.
  const period = (text + text).indexOf(text, 1);
  if (period * 2 <= text.length) return true;
  let steps = 0;
  for (let at = 1; at < text.length; at += 1) {
    if (text.charCodeAt(at) === text.charCodeAt(at - 1) + 1) steps += 1;
  }
  return steps * 2 > text.length;
}

/** Exactly 32 bytes in base64 or base64url, with or without padding. */
export function readEncryptionKey(text: string): Reading<Uint8Array> {
  const shaped = /^[A-Za-z0-9+/_-]+={0,2}$/.test(text);
  const bytes = shaped ? new Uint8Array(Buffer.from(text, "base64")) : new Uint8Array();
  if (bytes.length !== ENCRYPTION_KEY_BYTES) {
    return bad("must be 32 bytes in base64, as `openssl rand -base64 32` prints them");
  }
  return new Set(bytes).size < 8
    ? bad("is a sample value; make your own with `openssl rand -base64 32`")
    : good(bytes);
}

/** Only what is built: one process with an embedded database. */
export function readDatabaseUrl(text: string): Reading<"embedded"> {
  return text === "embedded"
    ? good("embedded")
    : bad(
        "asks for a shared database, which this version cannot use yet; leave it out or say `embedded`",
      );
}

export function readRedisUrl(text: string): Reading<"none"> {
  return text === "none"
    ? good("none")
    : bad("asks for Redis, which this version cannot use yet; leave it out or say `none`");
}

export function readWorkers(text: string): Reading<1> {
  if (!/^[1-9]\d{0,3}$/.test(text)) return bad(`must be a whole number from 1, not "${text}"`);
  return text === "1"
    ? good(1)
    : bad(`asks for ${text} processes, but this version runs one; leave it out or say 1`);
}
