/**
 * Ends a stream of responses in its provider's place when its cost has reached its hold, so that the client
 * sees what it knows from `max_output_tokens`: what was begun is done as far as it came, then
 * `response.incomplete`. A comment in front says that it was us.
 *
 * Bound: past {@link LIMITS.countedOutputBytesMax} of items none is repeated in the last event; clients put
 * the answer together from the events that they saw.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { Usage } from "../../usage-contract.ts";
import { isObject, type JsonObject } from "../../json.ts";
import { OutputMeter } from "../../output-meter.ts";
import { writeEvent } from "../../sse-event.ts";
import { membersOf, objectWithin, type ResponseEvent } from "./event.ts";

const HOLD_REACHED_COMMENT = new TextEncoder().encode(": x-tollgate-stopped: hold_reached\n\n");

/** Instructions and tools are repeated in it: one that is longer is known by its labels alone. */
const RESPONSE_BYTES_MAX = 64 * 1024;
const LABELS = ["id", "object", "created_at", "model", "store", "previous_response_id"];

/** An item whose end has not come, and the part of it that is being written. */
type OpenItem = { readonly index: number; readonly item: JsonObject; part: JsonObject | null };

export class ResponseShape {
  #response: JsonObject = {};
  #done: (readonly [index: number, item: JsonObject])[] | null = [];
  #doneBytes = 0;
  #open: OpenItem | null = null;
  #written = new OutputMeter();

  /** Told of every text that is written, which belongs to what was begun last. */
  addText(bytes: Uint8Array, start: number, end: number): void {
    this.#written.addText(bytes, start, end);
  }

  see(event: ResponseEvent): void {
    const response = event.bytes("response");
    if (response !== null) {
      const labels = (): JsonObject => membersOf(response, LABELS);
      this.#response = objectWithin(response, RESPONSE_BYTES_MAX) ?? labels();
    }
    const index = event.number("output_index");
    if (index === null) return;
    if (event.type === "response.output_item.added") {
      const item = objectWithin(event.bytes("item"), LIMITS.countedOutputBytesMax);
      this.#open = item === null ? null : { index, item, part: null };
      this.#written = new OutputMeter();
    } else if (event.type === "response.content_part.added") {
      const part = objectWithin(event.bytes("part"), LIMITS.countedOutputBytesMax);
      if (this.#open?.index === index) this.#open.part = part;
      this.#written = new OutputMeter();
    } else if (event.type === "response.output_item.done") {
      this.#keep(index, event.bytes("item"));
      if (this.#open?.index === index) this.#open = null;
    }
  }

  /** `sequence`: the number of the first event that is still to come. */
  ending(usage: Usage, sequence: number): Uint8Array {
    const closing = this.#open === null ? [] : closingEvents(this.#open, this.#text());
    const last = closing.at(-1);
    const finished =
      isObject(last?.["item"]) && this.#open !== null
        ? [[this.#open.index, last["item"]] as const]
        : [];
    const output =
      this.#done &&
      [...this.#done, ...finished]
        .toSorted(([one], [other]) => one - other)
        .map(([, item]) => item);
    const response = {
      ...this.#response,
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      ...(output === null ? {} : { output }),
      usage: usageMembers(usage),
    };
    const events = [...closing, { type: "response.incomplete", response }].map((event, place) =>
      writeEvent(JSON.stringify({ ...event, sequence_number: sequence + place }), event.type),
    );
    return Buffer.concat([HOLD_REACHED_COMMENT, ...events]);
  }

  #text(): string {
    return this.#written.output(0).text();
  }

  #keep(index: number, bytes: Uint8Array | null): void {
    this.#doneBytes += bytes?.byteLength ?? 0;
    const item = objectWithin(bytes, LIMITS.countedOutputBytesMax);
    if (item === null || this.#doneBytes > LIMITS.countedOutputBytesMax) this.#done = null;
    else this.#done?.push([index, item]);
  }
}

type Closing = JsonObject & { readonly type: string };

/** What OpenAI sends when an item ends, with what was written of it (streaming reference, 2026-11). */
function closingEvents({ index, item, part }: OpenItem, text: string): Closing[] {
  const { id: item_id, type } = item;
  const place = { item_id, output_index: index };
  const done = (whole: JsonObject): Closing => {
    const ended = { ...item, ...whole, status: "incomplete" };
    return { type: "response.output_item.done", output_index: index, item: ended };
  };
  if (type === "message" && part !== null) {
    const isRefusal = part["type"] === "refusal";
    const member = isRefusal ? "refusal" : "text";
    const whole = { ...part, [member]: text };
    const at = { ...place, content_index: 0 };
    return [
      {
        type: isRefusal ? "response.refusal.done" : "response.output_text.done",
        ...at,
        [member]: text,
      },
      { type: "response.content_part.done", ...at, part: whole },
      done({ content: [whole] }),
    ];
  }
  if (type === "function_call") {
    const kind = "response.function_call_arguments.done";
    return [
      { type: kind, ...place, name: item["name"], arguments: text },
      done({ arguments: text }),
    ];
  }
  if (type === "custom_tool_call") {
    return [
      { type: "response.custom_tool_call_input.done", ...place, input: text },
      done({ input: text }),
    ];
  }
  return [done({})];
}

function usageMembers(usage: Usage): JsonObject {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}
