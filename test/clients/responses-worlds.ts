/**
 * A provider of responses that keeps them, and Tollgate in front of it with budgets in force: what an
 * official client does with the one must work with the other. What it answers follows from what it is asked:
 * tools are called until their outputs come, a schema is filled, and "refuse" is refused.
 */
import { afterAll, beforeEach, expect } from "bun:test";
import {
  type Recorded,
  type RecordedUpstream,
  type Seen,
  startRecordedUpstream,
} from "../conformance/recorded-upstream.ts";
import {
  begun,
  called,
  compaction,
  completed,
  events,
  functionCall,
  type Item,
  message,
  response,
  usage,
  written,
} from "../conformance/responses-answers.ts";
import { KeptConversations } from "./kept-conversations.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** The same name in both worlds. */
export const MODEL = "small";
export const ANSWER = 'Grüße 🙂 "quoted"';
export const STRUCTURED = { city: "Zürich", days: 3 };

export type ResponsesWorld = {
  readonly baseURL: string;
  readonly apiKey: string;
  readonly upstream: RecordedUpstream;
};

/** For `describe.each`. Everything is given back and accounted for at the file's end. */
export async function responsesWorldsForFile(): Promise<
  readonly (readonly [name: string, world: ResponsesWorld])[]
> {
  const upstream = await startRecordedUpstream();
  const tollgate = await startTestGateway();
  const provider = await tollgate.addProvider({ baseUrl: `${upstream.url}/v1` });
  await tollgate.addPrice(provider.id, MODEL, { inputPicoUsd: 1_000_000 });
  const target = { providerId: provider.id, model: MODEL, weight: 1, priority: 0 };
  await tollgate.addRoute(MODEL, [target]);
  const tenantId = (await tollgate.addTenant()).id;
  const { token } = await tollgate.addToken(tenantId);
  const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 50_000_000_000 });
  const conversations = new KeptConversations();
  const kept = new KeptResponses(conversations);
  beforeEach(() => {
    upstream.forget();
    upstream.answer((seen) => conversations.answer(seen) ?? kept.answer(seen));
  });
  afterAll(async () => {
    await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
    const budgets = await tollgate.gateway.directory.budgetStates(tenantId);
    expect(budgets.map(({ heldNanoUsd }) => heldNanoUsd)).toEqual([0]);
    await tollgate.stop();
    await upstream.stop();
  });
  const direct = { baseURL: `${upstream.url}/v1`, apiKey: "sk-any", upstream };
  const through = { baseURL: `${tollgate.url}/v1`, apiKey: token, upstream };
  return [
    ["directly", direct],
    ["through Tollgate", through],
  ];
}

type Asked = {
  readonly stream?: boolean;
  readonly input?: unknown;
  readonly tools?: readonly { readonly name?: string }[];
  readonly text?: { readonly format?: { readonly type?: string } };
  readonly previous_response_id?: string | null;
  readonly conversation?: string;
};

class KeptResponses {
  readonly #kept = new Map<string, Item>();
  readonly #conversations: KeptConversations;
  #made = 0;

  constructor(conversations: KeptConversations) {
    this.#conversations = conversations;
  }

  answer({ method, path, body }: Seen): Recorded {
    const [, id = "", below = ""] = /^\/v1\/responses\/?([^/?]*)\/?([a-z_]*)/.exec(path) ?? [];
    if (id === "") return this.#create(JSON.parse(new TextDecoder().decode(body)));
    if (id === "compact") return json(compaction());
    if (id === "input_tokens") return json({ object: "response.input_tokens", input_tokens: 11 });
    const found = this.#kept.get(id);
    if (found === undefined) return refusal(404, `Response with id '${id}' not found.`);
    if (method === "DELETE") {
      this.#kept.delete(id);
      return json({ id, object: "response", deleted: true });
    }
    if (below === "cancel") return json({ ...found, status: "cancelled" });
    if (below !== "input_items") return json(found);
    const data = [{ id: `in_${id}`, ...message("Say something.") }];
    return json({ object: "list", data, first_id: "a", last_id: "a", has_more: false });
  }

  #create(asked: Asked): Recorded {
    const before = asked.previous_response_id ?? null;
    if (before !== null && !this.#kept.has(before)) {
      return refusal(404, `Response with id '${before}' not found.`);
    }
    const { conversation = null } = asked;
    if (conversation !== null && !this.#conversations.has(conversation)) {
      return refusal(404, `Conversation with id '${conversation}' not found.`);
    }
    this.#made += 1;
    const id = `resp_${this.#made}`;
    const labels = { id, model: MODEL, previous_response_id: before };
    const items = this.#itemsFor(asked);
    const whole = response(items, { ...labels, usage: usage(9, 4, 2, 1) });
    this.#kept.set(id, whole);
    if (conversation !== null) this.#conversations.goOn(conversation, items);
    if (asked.stream !== true) return json(whole);
    const list = [
      ...begun(labels),
      ...items.flatMap((item, index) => eventsOf(item, index)),
      completed(items, { ...labels, usage: usage(9, 4, 2, 1) }),
    ];
    return { headers: { "content-type": "text/event-stream" }, pieces: [events(list)] };
  }

  #itemsFor({ input, tools = [], text }: Asked): Item[] {
    const said = JSON.stringify(input ?? "");
    const id = `msg_${this.#made}`;
    if (tools.length > 0 && !said.includes("function_call_output")) {
      return tools.map(({ name = "" }, place) =>
        functionCall(`fc_${this.#made}_${place}`, name, '{"city":"Zürich"}'),
      );
    }
    if (text?.format?.type === "json_schema") return [message(JSON.stringify(STRUCTURED), id)];
    if (!said.includes("refuse")) return [message(ANSWER, id)];
    return [{ ...message("", id), content: [{ type: "refusal", refusal: "I will not." }] }];
  }
}

function eventsOf(item: Item, index: number) {
  if (item["type"] === "function_call") return called(item, ['{"city":', '"Zürich"}'], index);
  const [part] = item["content"] as readonly { readonly text?: string }[];
  return written([...((part?.text ?? "").match(/.{1,3}/gu) ?? [])], index, String(item["id"]));
}

function json(body: object): Recorded {
  return { pieces: [JSON.stringify(body)] };
}

function refusal(status: number, text: string): Recorded {
  const error = { message: text, type: "invalid_request_error", param: null, code: null };
  return { status, pieces: [JSON.stringify({ error })] };
}
