/** Watches a JSON array of GenerateContentResponses, which is what a stream is that is not asked for as events. */
import type { StreamWatch } from "../contract.ts";
import { ArraySplitter } from "../json-array-stream.ts";
import { isObject, parseJsonText } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { meterContents, searchContents } from "./answer.ts";
import { GOOGLE_PART_BYTES_MAX } from "./bounds.ts";
import { StreamShape } from "./stream-shape.ts";

const decoder = new TextDecoder();

export function watchArray(): StreamWatch {
  const shape = new StreamShape();
  const meter = new OutputMeter();
  const contents = searchContents();
  let hasEnded = false;
  const splitter = new ArraySplitter(
    {
      element: (bytes, start, end) => {
        meterContents(bytes, start, end, contents, meter);
        const data = decoder.decode(bytes.subarray(start, end));
        const chunk = parseJsonText(data);
        if (isObject(chunk)) shape.see(chunk, data);
      },
      // An array that ends too early must not look complete: an error is to stand at its end.
      mayClose: () => shape.isComplete || shape.failure !== null,
    },
    GOOGLE_PART_BYTES_MAX,
  );
  return {
    push: (chunk) => {
      contents.forget();
      return splitter.push(chunk);
    },
    hasContent: () => shape.content,
    hasEnded: () => hasEnded,
    bodyEnded: () => {
      hasEnded = shape.failure === null && shape.isComplete && splitter.isClosed;
      return [];
    },
    failure: () => shape.failure,
    usage: () => shape.usage,
    isUsageFinal: () => shape.isUsageFinal,
    output: () => meter.output(shape.content ? 1 : 0),
    lengthEnding: (usage) =>
      new TextEncoder().encode(`,${JSON.stringify(shape.lengthEnding(usage))}]`),
  };
}
