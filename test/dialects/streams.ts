/** Recorded streams, ways to cut them into network chunks, and a plain reference reader of events. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import type { StreamWatch } from "../../src/dialects/contract.ts";

const folder = join(import.meta.dir, "fixtures");

export const FIXTURES: readonly string[] = readdirSync(folder).filter((name) =>
  name.endsWith(".sse"),
);

export function fixture(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

/** The line ends that the standard allows, and a mix of them that never makes CR LF by accident. */
export const LINE_ENDS: Readonly<Record<string, (text: string) => string>> = {
  LF: (text) => text,
  "CR LF": (text) => text.replaceAll("\n", "\r\n"),
  CR: (text) => text.replaceAll("\n", "\r"),
  mixed: (text) => {
    const ends = ["\r\n", "\n", "\r\n", "\r\n", "\r"];
    let index = 0;
    return text.replace(/\n/g, () => ends[index++ % ends.length] ?? "\n");
  },
};

/** The bytes cut at every given place, places taken modulo the length. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [...new Set(places.map((place) => place % bytes.length))].sort((a, b) => a - b);
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const place of [...sorted, bytes.length]) {
    chunks.push(bytes.slice(at, place));
    at = place;
  }
  return chunks;
}

export const cutPlaces: fc.Arbitrary<number[]> = fc.array(fc.nat(1_000_000), { maxLength: 60 });

export function singleBytes(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

export function joined(slices: Iterable<Uint8Array>): string {
  return Buffer.concat([...slices]).toString("utf8");
}

export type Watched = {
  readonly forwarded: string;
  readonly hasContent: boolean;
  readonly hasEnded: boolean;
  readonly failure: unknown;
  readonly usage: unknown;
  readonly outputTokensSeen: number;
};

/** Everything a watch has to say once all chunks went through it. */
export function watchAll(watch: StreamWatch, chunks: readonly Uint8Array[]): Watched {
  const slices = chunks.flatMap((chunk) => watch.push(chunk));
  return {
    forwarded: joined(slices),
    hasContent: watch.hasContent(),
    hasEnded: watch.hasEnded(),
    failure: watch.failure(),
    usage: watch.usage(),
    outputTokensSeen: watch.output().tokens,
  };
}

/** `data` of every event, read line by line as the standard words it; shares no code with us. */
export function referenceData(text: string): string[] {
  const events: string[] = [];
  let data: string[] = [];
  for (const line of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .slice(0, -1)) {
    if (line === "") {
      if (data.length > 0) events.push(data.join("\n"));
      data = [];
    } else if (line === "data" || line.startsWith("data:")) {
      data.push(line.slice(5).replace(/^ /, ""));
    }
  }
  return events;
}
