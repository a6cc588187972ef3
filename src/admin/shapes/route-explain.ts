/** Shapes of how a route would serve a request. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, ModelName, nullable, oneOf, strict, Time, Usd } from "./members.ts";
import { Strategy } from "./service.ts";

const HEADERS_MAX = 100;

/** What a header may hold (RFC 9110, 5.5), written without controls. */
const HeaderValue = Type.String({
  maxLength: 4_096,
  pattern: String.raw`^[\t\u0020-\u007e\u0080-\u00ff]*$`,
  "x-must": "be the value of a header: at most 4096 characters of Latin-1 in one line",
});

export const RouteExplainInput = strict(
  {
    tenant_id: Type.Optional(Id("tenant that asks; its strategy counts")),
    token_id: Type.Optional(Id("access token that asks, in place of its tenant")),
    headers: Type.Optional(
      Type.Record(Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$" }), HeaderValue, {
        additionalProperties: false,
        maxProperties: HEADERS_MAX,
        "x-must": `be an object of at most ${HEADERS_MAX} headers`,
        "x-must-name": "be the name of a header",
        description: "Headers of the request, such as `x-tollgate-tags`.",
      }),
    ),
    surface: Type.Optional(
      Type.String({
        maxLength: 64,
        description:
          "Where it is asked, such as `responses` or `messages`: one of `surfaces` of `GET /companies` whose bodies are JSON. Without it `embeddings` where the body has `input` and no `messages`, else `chat`.",
      }),
    ),
    request: Type.Object(
      {},
      {
        additionalProperties: true,
        "x-must": "be the body of a request",
        description: "The request's body. The route's model where it names none.",
      },
    ),
  },
  { description: "A request to be explained." },
);
export type RouteExplainInput = Static<typeof RouteExplainInput>;

const Score = Type.Object(
  {
    first_token_ms: nullable(Type.Number({ description: "Lately, as an average." })),
    failure_share: nullable(Type.Number({ description: "Of its outcomes lately, 0 to 1." })),
    cost_usd: Usd("What this request would likely cost."),
    in_flight: Type.Integer({ description: "Attempts under way on the lane." }),
    weight: Type.Integer(),
  },
  { description: "What strategies compare; null: nothing is known." },
);

const Candidate = Type.Object({
  provider: Type.String({ description: "Name of the provider." }),
  model: ModelName,
  lane: nullable(
    Type.Integer({ description: "Place of the credential among the provider's; null: none." }),
  ),
  use: Type.String({ description: "What the target is for, as in the route." }),
  verdict: oneOf(["taken", "next", "left"], {
    description:
      "taken: it would be asked first; next: after the ones above; left: it would not be asked.",
  }),
  reason: Type.Object(
    { code: Type.String({ description: "A word for programs." }), sentence: Type.String() },
    { description: "Why." },
  ),
  score: nullable(Score),
  available_at: nullable(Time("When one that rests may be asked again.")),
});

export const RouteExplanation = Type.Object(
  {
    strategy: Type.Object({
      name: Strategy,
      from: oneOf(["header", "tenant", "route"], { description: "Who chose it." }),
    }),
    sticky: nullable(
      Type.Object(
        { found: Type.Boolean({ description: "The request belongs to a conversation." }) },
        { description: "null: the route keeps no conversations together." },
      ),
    ),
    candidates: Type.Array(Candidate),
  },
  { description: "How a route would serve a request at this moment." },
);
export type RouteExplanation = Static<typeof RouteExplanation>;
