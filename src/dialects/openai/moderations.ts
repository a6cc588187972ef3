/** Moderations: what a text or picture is judged to be. Most providers ask nothing for it. */
import { NO_CACHE } from "../beyond-price.ts";
import type { Codec } from "../contract.ts";
import type { Refused } from "../json-body.ts";
import type { JsonObject } from "../json.ts";
import { acceptJson } from "./accept-json.ts";
import { ALL_SHOWN, missing, NOTHING_MADE } from "./body-checks.ts";
import { inputModalities } from "./modalities.ts";
import { PLAIN_CODEC } from "./plain-codec.ts";

/** What OpenAI takes where the client names none (API reference, 2026-11). */
const DEFAULT_MODEL = "omni-moderation-latest";

export const moderationsCodec: Codec = {
  ...PLAIN_CODEC,
  surface: "moderations",
  path: () => "/moderations",
  accept: acceptJson({
    surface: "moderations",
    members: ["input"],
    refuse: refuseModeration,
    asks: (body, bytes) => ({
      ...NOTHING_MADE,
      ...ALL_SHOWN,
      ...NO_CACHE,
      textBytes: bytes.length,
      modalities: inputModalities(body["input"]),
    }),
    defaultModel: DEFAULT_MODEL,
  }),
};

function refuseModeration(body: JsonObject): Refused | null {
  return body["input"] === undefined || body["input"] === null ? missing("input") : null;
}
