/**
 * The text that a client's body gives a model to read, whatever its dialect: every string under the
 * members that hold prompts. Inline files are no text; they have a guess of their own, and so have
 * images, which whoever asks adds.
 */

/** Members of bodies of all dialects that become input as they are. */
const PROSE_MEMBERS = [
  "messages",
  "input",
  "prompt",
  "system",
  "instructions",
  "contents",
  "content",
  "systemInstruction",
  "system_instruction",
] as const;
/** Those whose members' names are read by the model as well. */
const SCHEMA_MEMBERS = ["tools", "functions", "response_format"] as const;
/** Those that may hold tokens as numbers. */
const TOKEN_MEMBERS = ["input", "prompt"] as const;

/** What a chat template adds around each message, and before the answer (OpenAI's cookbook on counting, 2026-11). */
const TOKENS_PER_MESSAGE = 3;

/** Sound has some 10 tokens a second, which as base64 of an MP3 or WAV takes 20 to 64 kB. */
const INLINE_FILE_BYTES_PER_TOKEN = 2_048;

export type PromptText = {
  readonly texts: readonly string[];
  /** Tokens that are no text: of the template around it, of inline files, and those given as numbers. */
  readonly otherTokens: number;
};

/** null when the body is cut off or is no JSON object: then only its bytes are known. */
export function promptText(body: string): PromptText | null {
  const parsed = parse(body);
  if (typeof parsed !== "object" || parsed === null) return null;
  const members = new Map<string, unknown>(Object.entries(parsed));
  const found: Found = { texts: [], otherTokens: 0 };
  for (const name of PROSE_MEMBERS) collect(members.get(name), false, found);
  for (const name of SCHEMA_MEMBERS) collect(members.get(name), true, found);
  // A batch of Google's embeddings: what stands beside the contents says how they are embedded.
  for (const content of contentsIn(members.get("requests"))) collect(content, false, found);
  for (const name of TOKEN_MEMBERS) found.otherTokens += numbersIn(members.get(name));
  const messages = members.get("messages");
  if (Array.isArray(messages)) found.otherTokens += TOKENS_PER_MESSAGE * (messages.length + 1);
  return found;
}

type Found = { readonly texts: string[]; otherTokens: number };

/** Embeddings take tokens as numbers, and lists of such lists. */
function numbersIn(value: unknown): number {
  if (typeof value === "number") return 1;
  return Array.isArray(value) ? value.reduce<number>((sum, item) => sum + numbersIn(item), 0) : 0;
}

function contentsIn(requests: unknown): readonly unknown[] {
  const all: readonly unknown[] = Array.isArray(requests) ? requests : [];
  return all.map((one) =>
    typeof one === "object" && one !== null && "content" in one ? one.content : null,
  );
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // A body that was cut to its bound is expected here; the caller goes by its bytes.
    return null;
  }
}

/** Bodies were checked for depth when they were accepted, so this cannot run out of stack. */
function collect(value: unknown, withNames: boolean, found: Found): void {
  if (typeof value === "string") {
    if (!isInlineFile(value)) found.texts.push(value);
    else if (!value.startsWith("data:image/")) found.otherTokens += fileTokens(value);
  } else if (Array.isArray(value)) {
    for (const item of value) collect(item, withNames, found);
  } else if (typeof value === "object" && value !== null) {
    const inline = inlineSource(value);
    if (inline !== null) {
      if (!inline.isImage) found.otherTokens += fileTokens(inline.data);
      return;
    }
    for (const [name, member] of Object.entries(value)) {
      if (NOT_READ.has(name)) continue;
      if (withNames) found.texts.push(name);
      collect(member, withNames, found);
    }
  }
}

/**
 * Members of Anthropic's blocks and Google's parts that no model reads: proofs of who thought, and marks for
 * a cache.
 */
const NOT_READ: ReadonlySet<string> = new Set([
  "signature",
  "cache_control",
  "thoughtSignature",
  "thought_signature",
]);

/** Where a file stands beside what it is: Anthropic's `media_type`, Google's two spellings of its own. */
const TYPE_MEMBERS = ["media_type", "mimeType", "mime_type"];

/** `{"type":"base64","media_type":…,"data":…}`, or Google's blob; null: it is something else. */
function inlineSource(value: object): { readonly isImage: boolean; readonly data: string } | null {
  const members = new Map<string, unknown>(Object.entries(value));
  const data = members.get("data");
  if (typeof data !== "string") return null;
  const type = TYPE_MEMBERS.map((name) => members.get(name)).find((one) => typeof one === "string");
  if (members.get("type") !== "base64" && type === undefined) return null;
  return { isImage: String(type).startsWith("image/"), data };
}

function fileTokens(text: string): number {
  return Math.ceil(text.length / INLINE_FILE_BYTES_PER_TOKEN);
}

/** A data URL, or base64 of a size that nobody writes by hand. */
function isInlineFile(text: string): boolean {
  return text.startsWith("data:") || (text.length > 4_096 && /^[\w+/=-]+$/.test(text));
}
