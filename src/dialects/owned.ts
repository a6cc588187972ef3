/**
 * The codec of requests about an object that a provider keeps: its path is the client's own, its bytes
 * pass in both directions, and it costs nothing, whatever usage of an earlier request it repeats.
 */
import { isObjectId, type NamedObject, type ObjectKind } from "../base/object-kind.ts";
import { allow, refuse, type Verdict } from "../base/verdict.ts";
import type { ClientRequest, Codec, Place, StreamWatch } from "./contract.ts";
import type { GeneratedOutput, TokenKindApart, Usage } from "./usage-contract.ts";
import { ANSWER_BOUNDS, scanObject } from "./json-scan.ts";
import { specOf, type Surface } from "./surfaces.ts";

type Parts = Pick<Codec, "framing" | "jobState" | "made" | "watch" | "watchBytes"> & {
  readonly surface: Surface;
  readonly kind: ObjectKind;
  /** What its body names beside the object; absent: it has none that matters. */
  readonly named?: (bytes: Uint8Array<ArrayBuffer>) => Verdict<readonly NamedObject[]>;
};

export function ownedCodec({ surface, kind, named = nothing, watch, ...rest }: Parts): Codec {
  const [path = ""] = specOf(surface).paths;
  return {
    surface,
    // Base URLs of providers hold the version.
    path: ({ objects, itemId = "" }) =>
      path
        .slice("/v1".length)
        .replace("{id}", objects?.[0]?.id ?? "")
        .replace("{item_id}", itemId),
    accept: (bytes, place) => accept({ surface, kind, named }, bytes, place),
    isDeterministic: () => false,
    request: ({ bytes }) => bytes,
    watch: (request) => unpaid(watch(request)),
    watchContinuable: () => null,
    continued: () => null,
    usage: (answer) => (isObject(answer) ? NOTHING : undefined),
    // What is told of an object is the answer, also when it is of a failure.
    failureIn: () => null,
    output: () => NO_OUTPUT,
    ...rest,
  };
}

function accept(
  { surface, kind, named }: Required<Pick<Parts, "surface" | "kind" | "named">>,
  bytes: Uint8Array<ArrayBuffer>,
  { objectId = "", itemId, query = "" }: Place,
): Verdict<ClientRequest> {
  if (!isObjectId(objectId) || !isObjectId(itemId ?? objectId)) {
    return refuse("not_found", "There is nothing with such an id.");
  }
  const beside = named(bytes);
  if (!beside.allowed) return beside;
  return allow({
    ...freeRequest(surface, bytes),
    stream: new URLSearchParams(query).get("stream") === "true",
    objects: [{ kind, id: objectId, param: null }, ...beside.value],
    ...(itemId === undefined ? {} : { itemId }),
  });
}

function nothing(): Verdict<readonly NamedObject[]> {
  return allow([]);
}

/** One that is of no model and costs nothing. */
export function freeRequest(surface: Surface, bytes: Uint8Array<ArrayBuffer>): ClientRequest {
  return {
    surface,
    bytes,
    model: "",
    stream: false,
    endUserId: null,
    usageAsked: true,
    outputTokensMax: null,
    choices: 1,
    generates: false,
    textBytes: 0,
    images: 0,
    hasUnsized: false,
    modalities: [],
    offersTools: false,
    without: NO_KINDS,
    toolCallsMax: {},
  };
}

const NO_KINDS: readonly TokenKindApart[] = [
  "audio_input",
  "image_input",
  "audio_output",
  "image_output",
  "cache_write_1h",
];

const NOTHING: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  details: null,
};

const NO_OUTPUT: GeneratedOutput = {
  tokens: 0,
  pieces: 0,
  textBytes: 0,
  keptBytes: 0,
  text: () => "",
};

/** What was generated was paid for when it was. */
function unpaid(watch: StreamWatch): StreamWatch {
  return {
    ...watch,
    // Whatever comes is the answer: there is nothing that another attempt could do better.
    hasContent: () => true,
    usage: () => NOTHING,
    isUsageFinal: () => true,
    output: () => NO_OUTPUT,
    // It makes nothing: what it tells of was made before.
    made: () => [],
  };
}

function isObject(answer: Uint8Array): boolean {
  return scanObject(answer, [], ANSWER_BOUNDS).kind === "object";
}
