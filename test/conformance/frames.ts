/** Answers in AWS's event stream, framed by AWS's own codec, for a provider that plays Bedrock. */
import { EventStreamCodec } from "@smithy/eventstream-codec";

const codec = new EventStreamCodec(
  (bytes) => new TextDecoder().decode(typeof bytes === "string" ? Buffer.from(bytes) : bytes),
  (text) => new TextEncoder().encode(text),
);

export const FRAMES_TYPE = { "content-type": "application/vnd.amazon.eventstream" };

/** One of Anthropic's events as `InvokeModelWithResponseStream` wraps it, with AWS's padding member. */
export function chunkFrame(data: string): Uint8Array<ArrayBuffer> {
  const body = JSON.stringify({ bytes: Buffer.from(data).toString("base64"), p: "abcdefgh" });
  return frame({ ":event-type": "chunk", ":message-type": "event" }, body);
}

export function exceptionFrame(name: string, message: string): Uint8Array<ArrayBuffer> {
  const headers = { ":exception-type": name, ":message-type": "exception" };
  return frame(headers, JSON.stringify({ message }));
}

function frame(names: Readonly<Record<string, string>>, text: string): Uint8Array<ArrayBuffer> {
  const values = { ":content-type": "application/json", ...names };
  const headers = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { type: "string" as const, value }]),
  );
  return new Uint8Array(codec.encode({ headers, body: new TextEncoder().encode(text) }));
}

/** The data of every event of server-sent events. */
export function dataOf(events: string): string[] {
  return [...events.matchAll(/^data: (.*)$/gm)].map((match) => match[1] ?? "");
}
