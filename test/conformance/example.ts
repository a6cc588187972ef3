/**
 * What an example of a surface is: a request as a client sends it, its provider's answer to the byte, what that
 * costs, and what it shows.
 */
import type { ObjectKind } from "../../src/base/object-kind.ts";
import type { BatchBounds } from "../../src/dialects/job-contract.ts";
import type { PriceRow } from "../../src/store/contract.ts";
import { FORM_HEADERS, formBytes, type Part } from "./multipart.ts";

/** In nano-dollars: 1,000 a token read, 2,000 one written, 7,000 a search. */
export const PRICE: Partial<PriceRow> = {
  inputPicoUsd: 1_000_000,
  outputPicoUsd: 2_000_000,
  searchUnitPicoUsd: 7_000_000,
};

export type Example = {
  readonly name: string;
  /** null: the request has no body. */
  readonly body: ((model: string) => Uint8Array<ArrayBuffer>) | null;
  /** `x-tollgate-model` and the like. */
  readonly headers?: (model: string) => Readonly<Record<string, string>>;
  readonly query?: string;
  /** json: it is passed on whole or not at all. events, bytes: it is relayed as it comes. */
  readonly kind: "json" | "events" | "bytes";
  readonly contentType: string;
  readonly answer: Uint8Array<ArrayBuffer>;
  readonly costNanoUsd: number;
  /** Its provider goes on after this answer, and what that costs is settled later. */
  readonly goesOn?: true;
  /** The cost is not of the provider's own report. */
  readonly estimated?: true;
  /** What the provider must keep for the request to reach it. */
  readonly kept?: ObjectKind;
  /** What is remembered of the lines in it, where it is a file for batches. */
  readonly keptBounds?: BatchBounds;
  /** What its provider says where it fails within a stream; absent: as its dialect does. */
  readonly errorWithin?: object;
  /** Beside that it is answered at all. */
  readonly shows?: readonly Content[];
};

/** What an answer or a request may be about. */
export type Content =
  | "tools"
  | "parallel_tools"
  | "refusal"
  | "length_stop"
  | "structured_output"
  | "image_input";

export const encoded = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

const JSON_TYPE = "application/json; charset=utf-8";
export const SSE_TYPE = "text/event-stream; charset=utf-8";

type Told = Pick<Example, "costNanoUsd"> & Partial<Example>;

/** `members` follow the model's. */
export function plain(members: string, answer: string, told: Told): Example {
  return {
    name: "plain",
    body: (model) => encoded(`{"model" : "${model}",${members},"x_unknown":1.50}`),
    kind: "json",
    contentType: JSON_TYPE,
    answer: encoded(answer),
    ...told,
  };
}

export function streamed(members: string, answer: string, told: Told): Example {
  const events = { name: "streamed", kind: "events", contentType: SSE_TYPE } as const;
  return plain(`${members},"stream":true`, answer, { ...events, ...told });
}

export function inPath(members: string, answer: string, told: Told): Example {
  return plain("", answer, { body: () => encoded(`{${members},"x_unknown":1.50}`), ...told });
}

/** About an object that the provider keeps. */
export function about(kept: ObjectKind, answer: string, told: Partial<Example> = {}): Example {
  return plain("", answer, { body: null, kept, costNanoUsd: 0, ...told });
}

export const FILE = Uint8Array.from(
  { length: 3_000 },
  (_, index) => (index * 7 + (index >> 8)) % 256,
);

export function form(parts: readonly Part[], answer: string, told: Told): Example {
  const body = (model: string) =>
    formBytes([["x_unknown", "1.50 Grüße 🙂"], ["model", model], ...parts]);
  return plain("", answer, { body, headers: () => FORM_HEADERS, ...told });
}

export const event = (told: object): string => `data: ${JSON.stringify(told)}\n\n`;
