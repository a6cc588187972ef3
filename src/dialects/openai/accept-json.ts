/**
 * How surfaces whose bodies are JSON accept one: read once, refused in OpenAI's words, and told of as a
 * request. A surface says which members it depends on and what it makes of them.
 */
import { allow, type Verdict } from "../../base/verdict.ts";
import { BEYOND_PRICE_MEMBERS, beyondPrice } from "../beyond-price.ts";
import type { ClientRequest } from "../contract.ts";
import { readJsonBody, type Refused, repeated } from "../json-body.ts";
import { type ScannedObject, scanObject } from "../json-scan.ts";
import type { JsonObject } from "../json.ts";
import type { Surface } from "../surfaces.ts";
import { endUserOf, refuseModel } from "./body-checks.ts";
import { END_USER_MEMBERS, INCLUDE_USAGE } from "./members.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What every body says in the same members; the rest is its surface's to say. */
type Told = "surface" | "bytes" | "model" | "endUserId" | "beyondPrice";

/** What a surface makes of a body. */
export type JsonAsked = Omit<ClientRequest, Told>;

type JsonBody = {
  readonly surface: Surface;
  /** Its own members that the gateway depends on, each of which may come once. */
  readonly members: readonly string[];
  readonly refuse: (body: JsonObject) => Refused | null;
  readonly asks: (body: JsonObject, bytes: Bytes) => JsonAsked;
  /** What the surface takes where the client names no model. */
  readonly defaultModel?: string;
};

/** Refuses with `invalid_json`, or with `invalid_request` and the member's name in `param`. */
export function acceptJson({
  surface,
  members,
  refuse,
  asks,
  defaultModel,
}: JsonBody): (bytes: Bytes) => Verdict<ClientRequest> {
  const wanted = ["model", ...END_USER_MEMBERS, ...BEYOND_PRICE_MEMBERS, ...members];
  return (bytes) => {
    const read = readJsonBody(bytes, wanted);
    if (!read.allowed) return read;
    const { body, scan } = read.value;
    const model: unknown = body["model"] ?? defaultModel;
    const refused = refuseRepeatedOption(scan, bytes) ?? refuseModel(model) ?? refuse(body);
    if (refused !== null) return refused;
    const asked = asks(body, bytes);
    return allow({
      ...asked,
      ...beyondPrice(body, asked),
      surface,
      bytes,
      model: String(model),
      endUserId: endUserOf(body),
    });
  };
}

function refuseRepeatedOption(scan: ScannedObject, bytes: Uint8Array): Refused | null {
  const options = scan.members.get("stream_options")?.value;
  if (options === undefined) return null;
  const inner = scanObject(bytes.subarray(options.start, options.end), [INCLUDE_USAGE]);
  const isRepeated = inner.kind === "object" && inner.repeated !== null;
  return isRepeated ? repeated(`stream_options.${INCLUDE_USAGE}`) : null;
}
