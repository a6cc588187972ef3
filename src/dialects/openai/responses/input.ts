/**
 * What the input of a response holds beside text: pictures, sound, files, and items that the provider
 * keeps. Items are messages, outputs of tools, and what earlier responses made; all of them hold their
 * parts in `content` or `output`, as a text or a list.
 */
import type { NamedObject } from "../../../base/object-kind.ts";
import type { Modality } from "../../contract.ts";
import { listOf } from "../../json-body.ts";
import { isObject, type JsonObject } from "../../json.ts";

export type InputHeld = {
  /** Inline and linked ones. */
  readonly images: number;
  /** Bytes of the body that inline ones take; never more than they do. */
  readonly inlineBytes: number;
  /** There is something whose size only the provider knows. */
  readonly hasUnsized: boolean;
  readonly modalities: readonly Modality[];
  /** Items and files that are meant by their ids. */
  readonly references: readonly NamedObject[];
};

const KINDS: Readonly<Record<string, Modality>> = {
  input_text: "text",
  output_text: "text",
  text: "text",
  refusal: "text",
  summary_text: "text",
  reasoning_text: "text",
  input_image: "image",
  computer_screenshot: "image",
  input_audio: "audio",
};

/** Items that hold a picture themselves, beside those in their parts. */
const IMAGE_ITEM = "image_generation_call";

export function inputHeld(input: unknown): InputHeld {
  const found = new Found("input", isReference);
  if (typeof input === "string") found.kinds.add("text");
  for (const [place, item] of (Array.isArray(input) ? input : []).entries()) {
    if (isObject(item)) found.addItem(item, place);
  }
  const { images, inlineBytes, hasUnsized, kinds, references } = found;
  return { images, inlineBytes, hasUnsized, modalities: [...kinds], references };
}

/**
 * What items name that are to be kept in a conversation. Whatever else they hold, an id may mean the item
 * that is kept under it already (SGLang's router, pull request 11369).
 */
export function namedByItems(items: readonly unknown[]): readonly NamedObject[] {
  const found = new Found("items", () => true);
  for (const [place, item] of items.entries()) if (isObject(item)) found.addItem(item, place);
  return found.references;
}

/** Is what the item holds only to be found at its provider, by its id? */
function isReference({
  type,
  role,
  result,
  content,
  encrypted_content: sealed,
}: JsonObject): boolean {
  switch (type ?? null) {
    // OpenAI takes an id alone for a reference (types of openai-node 7.55, 2026-11).
    case null:
      return role === undefined;
    case "item_reference":
      return true;
    // Images guide, "Multi-turn image generation": the picture that an earlier answer made (2026-11).
    case IMAGE_ITEM:
      return typeof result !== "string";
    // A summary is not what was thought; servers that keep nothing write that down.
    case "reasoning":
      return typeof sealed !== "string" && listOf(content).length === 0;
    case "compaction":
      return typeof sealed !== "string";
    default:
      return false;
  }
}

class Found {
  images = 0;
  inlineBytes = 0;
  hasUnsized = false;
  readonly kinds = new Set<Modality>();
  readonly references: NamedObject[] = [];
  readonly #member: string;
  readonly #isReference: (item: JsonObject) => boolean;

  constructor(member: string, isReferenceHere: (item: JsonObject) => boolean) {
    this.#member = member;
    this.#isReference = isReferenceHere;
  }

  addItem(item: JsonObject, place: number): void {
    const { id, type } = item;
    const named = `${this.#member}[${place}]`;
    if (this.#isReference(item) && typeof id === "string") {
      this.references.push({ kind: "item", id, param: `${named}.id` });
      // What it stands for may be anything.
      this.hasUnsized = true;
    }
    if (type === IMAGE_ITEM) this.#addImage(item["result"]);
    for (const member of ["content", "output", "summary"]) {
      this.#addParts(item[member], `${named}.${member}`);
    }
  }

  #addParts(parts: unknown, named: string): void {
    if (typeof parts === "string") this.kinds.add("text");
    if (isObject(parts)) this.#addPart(parts, named);
    if (!Array.isArray(parts)) return;
    for (const [place, part] of parts.entries()) {
      if (isObject(part)) this.#addPart(part, `${named}[${place}]`);
    }
  }

  #addPart(part: JsonObject, named: string): void {
    const { type, file_id: file } = part;
    if (typeof file === "string") {
      this.references.push({ kind: "file", id: file, param: `${named}.file_id` });
    }
    const isKnown = typeof type === "string" && Object.hasOwn(KINDS, type);
    const kind = (isKnown && KINDS[type]) || "file";
    this.kinds.add(kind);
    if (kind === "image") this.#addImage(part["image_url"]);
    else if (kind === "file") this.hasUnsized = true;
  }

  /** One by its id has no bytes here, and the bound of every other. */
  #addImage(url: unknown): void {
    this.images++;
    this.kinds.add("image");
    // A UTF-16 unit takes at least one byte of JSON, so text is never mistaken for less.
    if (typeof url === "string" && url.startsWith("data:image/")) this.inlineBytes += url.length;
  }
}
