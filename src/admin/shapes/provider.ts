/** Shapes of providers: configured companies or servers that speak a dialect. */
import { type Static, Type } from "@sinclair/typebox";
import { Authentication, AuthenticationInput, Parameters } from "./company.ts";
import { Id, nullable, oneOf, Paging, strict, Time, Versioned, Whole } from "./members.ts";

const READ_ONLY = ["has_credential", "credential_count", "simulated", "health"] as const;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const Slug = Type.String({
  maxLength: 64,
  pattern: "^(?!prv_)[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$",
  "x-must":
    "be a slug of at most 64 lower-case letters, digits, dots, hyphens or underscores that begins and ends with a letter or digit",
  description: "Unique; clients may call `NAME/MODEL` directly.",
});

const Dialect = oneOf(["openai", "anthropic", "google"], {
  description:
    "The wire language the provider speaks; it serves the clients that speak the same one.",
});

const OnClientDisconnect = oneOf(["abort", "drain"], {
  description:
    "When a client leaves a stream: abort closes the upstream at once, drain reads on to the usage.",
});

const BaseUrl = Type.String({
  maxLength: 2_048,
  "x-must": "be a complete URL such as https://api.openai.com/v1",
  description:
    "Where the dialect's paths begin. http:// must be spelled out; loopback and private addresses need `allow_private_network`; link-local and metadata addresses are always refused.",
});

const Credential = Type.String({
  minLength: 1,
  maxLength: 16_384,
  pattern: String.raw`^[\x20-\x7e\t\r\n]+$`,
  "x-must": "be 1 to 16384 printable ASCII characters",
  description:
    "What Tollgate presents to the provider, without spaces; where tokens are got or requests signed, a JSON text: of aws_sigv4 `access_key_id`, `secret_access_key`, `session_token`; of azure_entra `tenant_id`, `client_id`, `client_secret`, `authority`; of google_service_account the key file. Stored encrypted and never shown.",
});

const CompanyId = Type.String({
  maxLength: 64,
  description:
    "Whose server it is, of `GET /companies`: tells its dialect, address, authentication, surfaces and quirks.",
});

const Surfaces = Type.Array(Type.String({ maxLength: 64 }), {
  minItems: 1,
  maxItems: 64,
  description: "The only surfaces it may be asked on, of those that its company serves.",
});

const TimeoutsInput = strict(
  {
    connect: Type.Optional(Whole(1, HOUR_MS, "Until a connection is there.")),
    first_byte: Type.Optional(Whole(1, HOUR_MS, "Until the answer's first byte.")),
    first_token: Type.Optional(
      Whole(1, HOUR_MS, "From the headers of a stream until its first content."),
    ),
    idle: Type.Optional(Whole(1, HOUR_MS, "Silence within an answer.")),
    total: Type.Optional(Whole(1, DAY_MS, "The whole attempt.")),
  },
  { description: "Milliseconds; what is not named keeps its value, at first the default." },
);

const MaxConcurrent = nullable(Whole(1, 1_000_000, "Attempts at once; null: any number."));

const MoreCredentials = Type.Array(Credential, {
  maxItems: 15,
  description:
    "Further credentials, all of them together; attempts rotate over them and leave one that is refused, unpaid or throttled alone. Never shown.",
});

const BreakerRule = oneOf(["auto", "open", "closed"], {
  description:
    "auto: its breakers open after failures and close by themselves; open: it gets no requests; closed: failures never open them, but what the provider itself asks for (429, retry-after) is kept.",
});

const Throughput = strict(
  {
    tokens_per_second: Whole(1, 100_000, "Output that a stream must bring at least."),
    over_ms: Whole(1_000, HOUR_MS, "Over how long it is measured."),
  },
  { description: "A stream that is slower than this is given up." },
);

const Queue = strict(
  {
    waiting_max: Whole(1, 10_000, "Attempts that may wait for a slot."),
    wait_ms: Whole(1, HOUR_MS, "How long one may wait."),
  },
  {
    description:
      "Attempts that find no slot wait for one, interactive ones first and tenants in turn, before the next target of their route is asked; without it they are refused at once, and the next target is asked.",
  },
);

const members = {
  parameters: Type.Optional(nullable(Parameters)),
  authentication: Type.Optional(nullable(AuthenticationInput)),
  surfaces: Type.Optional(nullable(Surfaces)),
  credential: Type.Optional(nullable(Credential)),
  more_credentials: Type.Optional(nullable(MoreCredentials)),
  breaker: Type.Optional(BreakerRule),
  throughput_min: Type.Optional(nullable(Throughput)),
  queue: Type.Optional(nullable(Queue)),
  allow_private_network: Type.Optional(
    Type.Boolean({ description: "Allows loopback and private addresses; false by default." }),
  ),
  timeouts_ms: Type.Optional(TimeoutsInput),
  max_concurrent: Type.Optional(MaxConcurrent),
  on_client_disconnect: Type.Optional(OnClientDisconnect),
  enabled: Type.Optional(
    Type.Boolean({ description: "A provider that is not enabled gets no requests." }),
  ),
};

export const ProviderInput = strict(
  {
    name: Type.Optional(Slug),
    company: Type.Optional(CompanyId),
    dialect: Type.Optional(Dialect),
    base_url: Type.Optional(BaseUrl),
    ...members,
  },
  {
    description:
      "A provider to create. A company needs a credential and nothing else: it is its name, dialect and address unless they are said. Without one, name and base_url are needed. Dialect openai, enabled, abort unless said otherwise.",
    "x-read-only": READ_ONLY,
  },
);
export type ProviderInput = Static<typeof ProviderInput>;

export const ProviderChange = strict(
  {
    name: Type.Optional(Slug),
    company: Type.Optional(nullable(CompanyId)),
    dialect: Type.Optional(Dialect),
    base_url: Type.Optional(BaseUrl),
    ...members,
  },
  {
    description: "What to change of a provider; null clears a member that may be null.",
    "x-read-only": READ_ONLY,
  },
);
export type ProviderChange = Static<typeof ProviderChange>;

export const ProviderFilter = strict(
  { ...Paging, name: Type.Optional(Slug), enabled: Type.Optional(Type.Boolean()) },
  { description: "Which providers to list." },
);
export type ProviderFilter = Static<typeof ProviderFilter>;

const Lane = Type.Object(
  {
    family: Type.String({
      description:
        "Models that fail together: dated snapshots of one count as one. Empty: questions about what it keeps.",
    }),
    credential: nullable(
      Type.Integer({
        description: "Place among the provider's credentials, from 1; null: it has none.",
      }),
    ),
    breaker: oneOf(["closed", "open", "half_open"], {
      description: "What an operator forces counts.",
    }),
    available_at: nullable(Time("When it is tried again; null: available now.")),
    rests_for: nullable(
      oneOf(
        [
          "failures",
          "probing",
          "throttled",
          "exhausted",
          "credential_refused",
          "slow_start",
          "forced",
          "full",
        ],
        {
          description:
            "failures: left alone after them; probing: being tried again; throttled: the provider asked for fewer requests; exhausted: no credit or quota; credential_refused: 401 or 403; slow_start: gets a share only; forced: an operator's word; full: no free slot; null: nothing.",
        },
      ),
    ),
    in_flight: Type.Integer({ description: "Attempts running now." }),
    first_token_ms: nullable(
      Type.Number({ description: "Average time to the first content lately; null: not known." }),
    ),
    failure_share: nullable(
      Type.Number({ description: "Failures among its outcomes lately, 0 to 1; null: not known." }),
    ),
  },
  { description: "One credential and one family of models: what fails, and rests, apart." },
);

const Health = Type.Object(
  {
    breaker: oneOf(["closed", "open", "half_open"], {
      description: "closed: in use; open: left alone after failures; half_open: being probed.",
    }),
    available_at: nullable(Time("When it is tried again; null: available now.")),
    in_flight: Type.Integer({ description: "Attempts running now." }),
    lanes: Type.Array(Lane, { description: "Those that have been asked for." }),
  },
  { description: "What Tollgate has learned of it, now; of several lanes the best." },
);

export const Provider = Type.Object(
  {
    id: Id("provider"),
    name: Slug,
    company: nullable(CompanyId),
    dialect: Dialect,
    base_url: BaseUrl,
    parameters: Parameters,
    authentication: Authentication,
    surfaces: Type.Array(Type.String(), { description: "What it may be asked." }),
    has_credential: Type.Boolean({ description: "Whether a credential is stored." }),
    credential_count: Type.Integer({ description: "Credentials that attempts rotate over." }),
    breaker: BreakerRule,
    throughput_min: nullable(Throughput),
    queue: nullable(Queue),
    allow_private_network: Type.Boolean(),
    timeouts_ms: Type.Object(
      {
        connect: Type.Integer(),
        first_byte: Type.Integer(),
        first_token: Type.Integer(),
        idle: Type.Integer(),
        total: Type.Integer(),
      },
      { description: "Milliseconds." },
    ),
    max_concurrent: MaxConcurrent,
    on_client_disconnect: OnClientDisconnect,
    enabled: Type.Boolean(),
    simulated: Type.Boolean({
      description: "The built-in simulated provider; its base URL is set anew at each start.",
    }),
    health: Health,
    ...Versioned,
  },
  { description: "A provider, without its credential." },
);
export type Provider = Static<typeof Provider>;
