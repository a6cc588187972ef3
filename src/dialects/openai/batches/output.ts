/**
 * What came of a batch: reads the file that holds its answers, one a line, while it comes. Each line says
 * what one request cost, as the plain answer of its surface would.
 */
import { assert } from "../../../base/assert.ts";
import { LIMITS } from "../../../base/limits.ts";
import { NOTHING_SEEN } from "../../bytes-watch.ts";
import type { Codec } from "../../contract.ts";
import type { JobOutput, OutputLine } from "../../job-contract.ts";
import { ANSWER_BOUNDS, scanObject } from "../../json-scan.ts";
import { parseJson } from "../../json.ts";
import type { Surface } from "../../surfaces.ts";
import { lineCodecOf } from "./line-codecs.ts";
import { type Line, LineSplitter } from "./line-splitter.ts";

export class BatchOutput implements JobOutput {
  readonly #codec: Codec;
  /** A line holds an answer, and as much around it as a header. */
  readonly #splitter = new LineSplitter<ArrayBufferLike>(
    LIMITS.answerBytesMax + LIMITS.headerBytesMax,
  );

  /** `surface`: of all its lines. */
  constructor(surface: Surface) {
    const codec = lineCodecOf(surface);
    assert(codec !== null, "a batch is of a surface that lines may ask for");
    this.#codec = codec;
  }

  /** The lines that end within the piece. */
  push(piece: Uint8Array): readonly OutputLine[] {
    return this.#read(this.#splitter.push(piece));
  }

  /** All of it has come: the last line, if no newline ends it. */
  end(): readonly OutputLine[] {
    return this.#read(this.#splitter.end());
  }

  #read(lines: Iterable<Line<ArrayBufferLike>>): OutputLine[] {
    const read: OutputLine[] = [];
    // One by one: each is in memory until the next is asked for.
    for (const { bytes } of lines) {
      read.push(bytes === null ? UNREAD : outputLine(this.#codec, bytes));
    }
    return read;
  }
}

/** No line uploads a file. */
const NO_FILE = {};

/** What says nothing was perhaps answered all the same. */
const UNREAD: OutputLine = { isAnswered: true, usage: null, output: NOTHING_SEEN, made: [] };

const FAILED: OutputLine = { ...UNREAD, isAnswered: false };

/** As OpenAI's API writes it: `{"custom_id":…,"response":{"status_code":200,"body":{…}},"error":null}` (2026-11). */
function outputLine(codec: Codec, line: Uint8Array): OutputLine {
  const { custom_id: id, response, error } = membersIn(line, ["custom_id", "response", "error"]);
  const { status_code: status, body } = membersIn(response, ["status_code", "body"]);
  if (isFailure(status)) return FAILED;
  if (body === undefined) {
    // Where nothing was answered, as after the batch's time, the error says why; one without an id is no line's.
    const isError = isNull(response) && !isNull(error) && !isNull(id);
    return isError ? FAILED : UNREAD;
  }
  const usage = codec.usage(body) ?? null;
  if (usage === null && codec.failureIn(body) !== null) return FAILED;
  return {
    isAnswered: true,
    usage,
    output: codec.output(body),
    made: codec.made?.(body, NO_FILE) ?? [],
  };
}

type Found<Name extends string> = Partial<Readonly<Record<Name, Uint8Array>>>;

/** The bytes of those members that are there; none in what is no object. */
function membersIn<Name extends string>(
  bytes: Uint8Array | undefined,
  names: readonly Name[],
): Found<Name> {
  if (bytes === undefined) return {};
  const scan = scanObject(bytes, names, ANSWER_BOUNDS);
  if (scan.kind !== "object") return {};
  const found: Partial<Record<Name, Uint8Array>> = {};
  for (const name of names) {
    const span = scan.members.get(name)?.value;
    if (span !== undefined) found[name] = bytes.subarray(span.start, span.end);
  }
  return found;
}

function isFailure(status: Uint8Array | undefined): boolean {
  const code = status === undefined ? null : parseJson(status);
  return typeof code === "number" && code >= 400;
}

function isNull(value: Uint8Array | undefined): boolean {
  return value === undefined || parseJson(value) === null;
}
