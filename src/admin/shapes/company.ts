/** Shapes of companies as the catalogue knows them, and of what providers say about theirs. */
import { type Static, Type } from "@sinclair/typebox";
import { nullable, oneOf, strict } from "./members.ts";

const KINDS = ["bearer", "header", "azure_entra", "aws_sigv4", "google_service_account"] as const;

const KIND_TEXT =
  "bearer: `authorization: Bearer …`; header: the header `name`; azure_entra, google_service_account: a token that is got for the credential; aws_sigv4: every request is signed.";

export const AuthenticationInput = strict(
  {
    kind: oneOf(KINDS, { description: KIND_TEXT }),
    name: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9-]{1,64}$",
        "x-must": "be the name of a header, of at most 64 letters, digits and hyphens",
        description: "Of a header; x-api-key by default.",
      }),
    ),
    scope: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        pattern: String.raw`^[\x21-\x7e]+(?: [\x21-\x7e]+)*$`,
        "x-must": "be 1 to 512 printable ASCII characters",
        description: "Of a token; the company's or the cloud's own by default.",
      }),
    ),
  },
  { description: "How the credential is presented, where it is not as the company asks." },
);

export const Authentication = Type.Object(
  {
    kind: oneOf(KINDS, { description: KIND_TEXT }),
    name: nullable(Type.String({ description: "Of a header." })),
    scope: nullable(Type.String({ description: "Of a token." })),
  },
  { description: "How the credential is presented." },
);

export const Parameters = Type.Record(
  Type.String({ pattern: "^[a-z_]{1,64}$" }),
  Type.String({
    maxLength: 128,
    pattern: "^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$",
    "x-must":
      "be at most 128 letters, digits, dots, hyphens or underscores that begin and end with a letter or digit",
  }),
  {
    additionalProperties: false,
    maxProperties: 16,
    "x-must": "be an object of at most 16 texts",
    "x-must-name": "be 1 to 64 lower-case letters or underscores",
    description:
      "What the company's address leaves open, such as a region: see `parameters` of `GET /companies`.",
  },
);

export const Company = Type.Object(
  {
    id: Type.String({ description: "What `company` of a provider says." }),
    name: Type.String({ description: "Name for people." }),
    dialect: oneOf(["openai", "anthropic", "google"], { description: "The wire language." }),
    base_url: Type.String({ description: "`{name}` stands for a parameter." }),
    parameters: Type.Array(
      Type.Object({
        name: Type.String(),
        description: Type.String(),
        default: nullable(Type.String({ description: "null: it must be named." })),
      }),
      { description: "What its address and requests leave open." },
    ),
    authentication: Authentication,
    needs_credential: Type.Boolean(),
    local: Type.Boolean({ description: "A server of one's own; private addresses are allowed." }),
    surfaces: Type.Array(Type.String(), { description: "What it may be asked." }),
    quirks: Type.Object({
      output_cap_member: oneOf(["max_tokens", "max_completion_tokens"], {
        description: "Where it takes an output limit.",
      }),
      repeats_text: Type.Boolean({
        description: "An answer that goes on with a given text begins with that text.",
      }),
      ends_with_finish: Type.Boolean({
        description: "A stream may end without its terminator, once every choice has finished.",
      }),
      tells_usage_unasked: Type.Boolean({
        description: "Streams tell usage unasked, and a request that asks for it is refused.",
      }),
      keeps_batch_files_only: Type.Boolean({ description: "It keeps files for batches alone." }),
      thinks_beyond_limit: Type.Boolean({
        description: "An output limit does not count what models think before they answer.",
      }),
      sound_seconds_least: Type.Integer({
        description: "Shorter sound is billed as if it were so long; 0: by its length.",
      }),
    }),
    reference: Type.String({ description: "Its API reference." }),
    reference_seen_on: Type.String({
      description: "The day on which this was last compared with what is published.",
    }),
  },
  { description: "A company or server that Tollgate knows." },
);
export type Company = Static<typeof Company>;
