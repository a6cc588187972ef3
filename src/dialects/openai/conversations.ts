/**
 * Conversations that a provider keeps, and the items in them (types of openai-node 7.55, 2026-11). None of
 * it costs anything. A conversation is of no model; the client says for which one it is meant, as of a file.
 * Which items are in it, its provider alone knows; those that a body names must be the tenant's own.
 */
import type { MadeObject, NamedObject } from "../../base/object-kind.ts";
import { LIMITS } from "../../base/limits.ts";
import { allow, type Verdict } from "../../base/verdict.ts";
import { watchBytes } from "../bytes-watch.ts";
import type { ClientRequest, Codec, Place } from "../contract.ts";
import { listOf, readJsonBody, refuseModelName, wrong } from "../json-body.ts";
import { withoutMark } from "../json.ts";
import { freeRequest, ownedCodec } from "../owned.ts";
import { pageMade } from "./responses/answer.ts";
import { membersOf } from "./responses/event.ts";
import { namedByItems } from "./responses/input.ts";

const KEPT = { kind: "conversation", watch: watchBytes } as const;

export const conversationsCodec: Codec = {
  ...ownedCodec({ surface: "conversations", ...KEPT }),
  modelInHeader: true,
  accept: acceptConversation,
  made: (answer) => idMade("conversation", answer),
};

export const conversationCodec = ownedCodec({ surface: "conversation", ...KEPT });
export const conversationDeleteCodec = ownedCodec({ surface: "conversation_delete", ...KEPT });
export const conversationUpdateCodec = ownedCodec({
  surface: "conversation_update",
  ...KEPT,
  named: namedInBody,
});

export const conversationItemsCodec = ownedCodec({
  surface: "conversation_items",
  ...KEPT,
  made: itemsMade,
});
export const conversationItemsCreateCodec = ownedCodec({
  surface: "conversation_items_create",
  ...KEPT,
  named: namedInBody,
  made: itemsMade,
});
export const conversationItemCodec = ownedCodec({
  surface: "conversation_item",
  ...KEPT,
  made: (answer) => idMade("item", answer),
});
export const conversationItemDeleteCodec = ownedCodec({
  surface: "conversation_item_delete",
  ...KEPT,
});

function acceptConversation(
  bytes: Uint8Array<ArrayBuffer>,
  { model }: Place,
): Verdict<ClientRequest> {
  const refused = model === null ? null : refuseModelName(model);
  if (refused !== null) return refused;
  const named = namedInBody(bytes);
  if (!named.allowed) return named;
  const objects = named.value.length === 0 ? {} : { objects: named.value };
  return allow({ ...freeRequest("conversations", bytes), model: model ?? "", ...objects });
}

/** Refuses with `invalid_json` or `invalid_request`. Nothing has to be said. */
function namedInBody(bytes: Uint8Array<ArrayBuffer>): Verdict<readonly NamedObject[]> {
  if (bytes.length === 0) return allow([]);
  const read = readJsonBody(bytes, ["items"]);
  if (!read.allowed) return read;
  const items = read.value.body["items"] ?? [];
  if (!Array.isArray(items)) return wrong("'items' must be an array.", "items");
  return allow(namedByItems(listOf(items)));
}

const UNTIL_DELETED = { keptMs: LIMITS.filesKeptMs } as const;

function idMade(kind: "conversation" | "item", answer: Uint8Array): readonly MadeObject[] {
  const { id } = membersOf(withoutMark(answer), ["id"]);
  return typeof id === "string" ? [{ kind, id, ...UNTIL_DELETED }] : [];
}

/** Of a page of items. They stay as long as their conversation. */
function itemsMade(answer: Uint8Array): readonly MadeObject[] {
  return pageMade(answer).map((item) => ({ ...item, ...UNTIL_DELETED }));
}
