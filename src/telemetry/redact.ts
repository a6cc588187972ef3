/**
 * Makes anything safe to write into a log: a plain, bounded copy in which members that hold secrets
 * or content are replaced by what they are, and every text is searched for what looks like a secret
 * or is one of ours. Never throws, whatever it is given.
 */
import { LIMITS } from "../base/limits.ts";

export type Redactor = {
  /** A text without what looks like a secret, cut to the bound. */
  readonly text: (text: string) => string;
  /** A copy of any value as JSON can hold it. */
  readonly value: (value: unknown) => unknown;
};

const hidden = "[redacted]";
const content = "[not logged]";

/** Member names, in lower case without separators, whose values are secrets. */
const secretNames = new Set(["key", "credentialsealed", "xapikey", "passwd", "setcookie", "hash"]);
const secretEndings =
  /(token|password|passphrase|secret|apikey|credentials?|privatekey|encryptionkey|authorization|cookie)$/;
/** Member names whose values are what people and models said to each other. */
const contentNames = new Set([
  "body",
  "choices",
  "completion",
  "content",
  "delta",
  "input",
  "messages",
  "output",
  "prompt",
  "requestbody",
  "responsebody",
]);

/**
 * What secrets look like in running text. Where a group is captured, it is the harmless beginning
 * that stays. Every alternative is linear: no nested repetition.
 */
const secretShapes = new RegExp(
  [
    String.raw`(\b(?:authorization|(?:x-)?(?:goog-)?api[-_]?key|passw(?:or)?d|secret|credential|access[-_]?token|admin[-_]?token|token|cookie)["']?\s*[:=]\s*["']?(?:bearer\s+|basic\s+)?)[^\s"',;}&]+`,
    String.raw`(\bbearer\s+)[\w.~+/=-]{6,}`,
    String.raw`(\bbasic\s+)[\w+/=-]{16,}`,
    String.raw`([?&](?:key|sig|signature)=)[^&\s"']+`,
    String.raw`(:\/\/)[^\s/@]+(?=@)`,
    String.raw`\btg-admin-[\w-]+`,
    String.raw`\bsk-[\w-]{6,}`,
    String.raw`\b(?:gsk_|xai-|pplx-|hf_|ghp_|AIza|AKIA|ya29\.)[\w.-]{8,}`,
    String.raw`\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*`,
  ].join("|"),
  "gi",
);

/** `secrets` are values that must not appear in any form of text; very short ones are ignored. */
export function createRedactor(secrets: readonly string[]): Redactor {
  const exact = secrets.filter((secret) => secret.length >= 8);

  function text(given: string): string {
    let safe = cut(given);
    for (const secret of exact) safe = safe.replaceAll(secret, hidden);
    return safe.replace(secretShapes, (_match, ...groups: unknown[]) => {
      const kept = groups.slice(0, 5).find((group) => typeof group === "string");
      return typeof kept === "string" ? kept + hidden : hidden;
    });
  }

  function value(given: unknown): unknown {
    return copyOf(given, { text, ancestors: [] });
  }
  return { text, value };
}

/** Cut between words, so that no secret is cut into something that no longer looks like one. */
function cut(text: string): string {
  if (text.length <= LIMITS.logTextCharsMax) return text;
  const kept = text.slice(0, LIMITS.logTextCharsMax).replace(/\S*$/, "");
  return `${kept}… (${text.length} characters)`;
}

type Walk = {
  readonly text: (text: string) => string;
  /** The containers around this value, outermost first. */
  readonly ancestors: readonly object[];
};

function copyOf(given: unknown, walk: Walk): unknown {
  if (given === null || typeof given === "boolean") return given;
  if (typeof given === "string") return walk.text(given);
  if (typeof given === "number") return Number.isFinite(given) ? given : String(given);
  if (typeof given === "bigint") return String(given);
  return typeof given === "object" ? copyOfObject(given, walk) : undefined;
}

function copyOfObject(given: object, walk: Walk): unknown {
  if (walk.ancestors.includes(given)) return "[circular]";
  if (walk.ancestors.length >= LIMITS.logDepthMax) return "[too deep]";
  const inner: Walk = { text: walk.text, ancestors: [...walk.ancestors, given] };
  try {
    if (given instanceof Error) return copyOfError(given, inner);
    if (ArrayBuffer.isView(given) || given instanceof ArrayBuffer) {
      return `[${given.byteLength} bytes]`;
    }
    if (given instanceof URL) return walk.text(given.href);
    if (given instanceof Date) return Number.isFinite(given.getTime()) ? given.toISOString() : null;
    if (Array.isArray(given) || given instanceof Set) return copyOfList([...given], inner);
    if (given instanceof Map || given instanceof Headers) {
      return copyOfMembers([...given.entries()], inner);
    }
    return copyOfMembers(Object.entries(given), inner);
  } catch {
    // A getter or proxy of somebody else's threw; the log line matters more than this member.
    return "[unreadable]";
  }
}

function copyOfList(items: readonly unknown[], walk: Walk): unknown[] {
  const copy = items.slice(0, LIMITS.logListItemsMax).map((item) => copyOf(item, walk) ?? null);
  if (items.length > copy.length) copy.push(`… (${items.length} items)`);
  return copy;
}

function copyOfMembers(
  members: readonly (readonly [unknown, unknown])[],
  walk: Walk,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, member] of members.slice(0, LIMITS.logListItemsMax)) {
    const plainName = typeof name === "string" ? name : "[key]";
    copy[walk.text(plainName)] = memberIsPlain(member)
      ? copyOf(member, walk)
      : (replacementOf(plainName) ?? copyOf(member, walk));
  }
  return copy;
}

/** Numbers and the like hold neither secrets nor content, whatever they are called. */
function memberIsPlain(member: unknown): boolean {
  return member === null || (typeof member !== "string" && typeof member !== "object");
}

/** Names repeat from line to line; what they mean is looked up once. Reset when full. */
const replacements = new Map<string, string | null>();

function replacementOf(name: string): string | null {
  const known = replacements.get(name);
  if (known !== undefined) return known;
  const bare = name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const isSecret = secretNames.has(bare) || secretEndings.test(bare);
  const replacement = isSecret ? hidden : contentNames.has(bare) ? content : null;
  if (replacements.size >= 1_000) replacements.clear();
  replacements.set(name, replacement);
  return replacement;
}

/** Name, message, stack and cause, then whatever else the error carries. */
function copyOfError(error: Error, walk: Walk): Record<string, unknown> {
  const copy: Record<string, unknown> = {
    type: walk.text(error.name),
    message: walk.text(error.message),
    ...copyOfMembers(Object.entries(error), walk),
  };
  if (error.stack !== undefined) copy["stack"] = walk.text(error.stack);
  if (error.cause !== undefined) copy["cause"] = copyOf(error.cause, walk);
  if (error instanceof AggregateError) copy["errors"] = copyOf(error.errors, walk);
  return copy;
}
