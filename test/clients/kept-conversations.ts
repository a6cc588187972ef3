/**
 * A provider's conversations: what is put into one stays in it, in its order, until it is taken out. Items get
 * ids of the provider's own.
 */
import type { Recorded, Seen } from "../conformance/recorded-upstream.ts";
import type { Item } from "../conformance/responses-answers.ts";

type Conversation = { metadata: Item; readonly items: Item[] };

type Asked = { readonly items?: readonly Item[]; readonly metadata?: Item };

const PATH = /^\/v1\/conversations\/?([^/?]*)(\/items)?\/?([^/?]*)\??(.*)$/;

export class KeptConversations {
  readonly #kept = new Map<string, Conversation>();
  #made = 0;

  /** null: it is about something else. */
  answer({ method, path, body }: Seen): Recorded | null {
    const [, id = "", below, itemId = "", query = ""] = PATH.exec(path) ?? [];
    if (!path.startsWith("/v1/conversations")) return null;
    const asked = body.length === 0 ? {} : (JSON.parse(new TextDecoder().decode(body)) as Asked);
    if (id === "") return this.#create(asked);
    const found = this.#kept.get(id);
    if (found === undefined) return refusal(`Conversation with id '${id}' not found.`);
    if (below !== undefined) return this.#ofItems(method, id, found, itemId, { asked, query });
    if (method === "DELETE") {
      this.#kept.delete(id);
      return json({ id, object: "conversation.deleted", deleted: true });
    }
    if (method === "POST") found.metadata = asked.metadata ?? {};
    return json(shown(id, found));
  }

  has(id: string): boolean {
    return this.#kept.has(id);
  }

  /** With what a response that belongs to it made. */
  goOn(id: string, items: readonly Item[]): void {
    this.#kept.get(id)?.items.push(...items);
  }

  #create({ items = [], metadata = {} }: Asked): Recorded {
    this.#made += 1;
    const id = `conv_${this.#made}`;
    const made = { metadata, items: items.map((item) => this.#own(item)) };
    this.#kept.set(id, made);
    return json(shown(id, made));
  }

  #ofItems(
    method: string,
    id: string,
    found: Conversation,
    itemId: string,
    { asked, query }: { readonly asked: Asked; readonly query: string },
  ): Recorded {
    if (method === "POST") {
      const added = (asked.items ?? []).map((item) => this.#own(item));
      found.items.push(...added);
      return json(page(added, false));
    }
    if (itemId === "") return json(pageOf(found.items, new URLSearchParams(query)));
    const place = found.items.findIndex((item) => item["id"] === itemId);
    const item = found.items[place];
    if (item === undefined) return refusal(`Item with id '${itemId}' not found.`);
    if (method === "GET") return json(item);
    found.items.splice(place, 1);
    return json(shown(id, found));
  }

  #own(item: Item): Item {
    this.#made += 1;
    const { content } = item;
    const part = typeof content === "string" ? [{ type: "input_text", text: content }] : content;
    const labels = { id: `item_${this.#made}`, status: "completed" };
    return {
      type: "message",
      ...item,
      ...labels,
      ...(part === undefined ? {} : { content: part }),
    };
  }
}

function pageOf(items: readonly Item[], query: URLSearchParams): Item {
  const ordered = query.get("order") === "asc" ? items : items.toReversed();
  const after = query.get("after");
  const from = after === null ? 0 : ordered.findIndex((item) => item["id"] === after) + 1;
  const to = from + Number(query.get("limit") ?? 20);
  return page(ordered.slice(from, to), to < ordered.length);
}

function page(data: readonly Item[], has_more: boolean): Item {
  const [first] = data;
  const last = data.at(-1);
  return { object: "list", data, first_id: first?.["id"], last_id: last?.["id"], has_more };
}

function shown(id: string, { metadata }: Conversation): Item {
  return { id, object: "conversation", created_at: 1_763_631_000, metadata };
}

function json(body: object): Recorded {
  return { pieces: [JSON.stringify(body)] };
}

function refusal(text: string): Recorded {
  const error = { message: text, type: "invalid_request_error", param: null, code: null };
  return { status: 404, pieces: [JSON.stringify({ error })] };
}
