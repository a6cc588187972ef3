/** Shapes of the request log: one row per exchange, and everything known of one. */
import { type Static, Type } from "@sinclair/typebox";
import { amounts } from "./price.ts";
import { BudgetScope, EndUserId } from "./scope.ts";
import { Id, ModelName, nullable, oneOf, Paging, strict, Time, TimeInput, Usd } from "./members.ts";

export const RequestsFilter = strict(
  {
    ...Paging,
    tenant_id: Type.Optional(Id("tenant")),
    project_id: Type.Optional(Id("project")),
    token_id: Type.Optional(Id("access token")),
    end_user: Type.Optional(EndUserId),
    route: Type.Optional(ModelName),
    provider: Type.Optional(Type.String({ maxLength: 64, description: "Name of the provider." })),
    model: Type.Optional(ModelName),
    status: Type.Optional(
      Type.Integer({ minimum: 100, maximum: 599, description: "HTTP status of the answer." }),
    ),
    error_code: Type.Optional(
      Type.String({ maxLength: 64, description: "Code of a gateway error." }),
    ),
    from: Type.Optional(TimeInput("From this time on.")),
    to: Type.Optional(TimeInput("Before this time.")),
  },
  { description: "Which requests to list." },
);
export type RequestsFilter = Static<typeof RequestsFilter>;

const counts = {
  input_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  cached_input_tokens: Type.Integer({ description: "Part of the input tokens." }),
  reasoning_tokens: Type.Integer({ description: "Part of the output tokens." }),
  cost_usd: Usd("What it cost."),
  estimated: Type.Boolean({ description: "Whether any part of the cost is not as reported." }),
};

const members = {
  id: Id("request, as in x-request-id"),
  created_at: Time("When it came."),
  tenant_id: nullable(Id("tenant; null: the access token was not valid")),
  project_id: nullable(Id("project; null: none")),
  token_id: nullable(Id("access token; null: not valid")),
  end_user: nullable(Type.String({ description: "Whom the client asked for; null: not told." })),
  route: nullable(Type.String({ description: "Model name that the client asked for." })),
  provider: nullable(Type.String({ description: "Name of the provider that served it." })),
  model: nullable(Type.String({ description: "The upstream's name of the model." })),
  error_code: nullable(Type.String({ description: "Code of a gateway error." })),
  ...counts,
  attempt_count: Type.Integer({ description: "Upstream calls made for it." }),
  tried: nullable(
    Type.Array(
      Type.Object(
        {
          provider: Type.String({ description: "Name of the provider." }),
          model: Type.String({ description: "The upstream's name of the model." }),
          outcome: Type.String({ description: "How it ended, or why no call was made." }),
          status: nullable(Type.Integer({ description: "HTTP status of the provider." })),
          latency_ms: Type.Integer(),
        },
        { description: "One thing that was tried." },
      ),
      {
        description:
          "What was tried, in order, and where nobody took it who rested; null: its one attempt was answered, or nobody was to be asked.",
      },
    ),
  ),
  answered_by: nullable(
    Type.String({
      description: "Id of the request whose answer this one got; null: it had its own.",
    }),
  ),
  first_token_ms: nullable(Type.Integer({ description: "Until the first content of a stream." })),
};

export const LoggedRequest = Type.Object(
  {
    ...members,
    status: Type.Integer({ description: "HTTP status of the answer." }),
    stream: Type.Boolean({ description: "Whether a stream was asked for." }),
    latency_ms: Type.Integer({ description: "From the first byte in to the last byte out." }),
    client_gone: Type.Boolean({ description: "Whether the client left before the end." }),
  },
  { description: "A row of the request log." },
);
export type LoggedRequest = Static<typeof LoggedRequest>;

const Refusal = Type.Object(
  {
    kind: oneOf(["requests", "tokens", "concurrency", "max_requests", "budget", "breaker"], {
      description: "What refused.",
    }),
    scope: BudgetScope,
    rule_id: Id("budget, limit, access token or provider that refused"),
    unit: oneOf(["usd", "requests", "tokens", "slots"], {
      description: "Unit of the amounts; US dollars are decimal texts.",
    }),
    limit: Type.Union([Type.String(), Type.Number()], { description: "The bound." }),
    posted: Type.Union([Type.String(), Type.Number()], { description: "Used already." }),
    held: Type.Union([Type.String(), Type.Number()], {
      description: "Held by requests in flight.",
    }),
    asked: Type.Union([Type.String(), Type.Number()], {
      description: "What this request asked for.",
    }),
    frees_at: nullable(Time("When enough is free again; null: time alone frees nothing.")),
  },
  { description: "Why the request was refused." },
);

const Details = Type.Object(
  {
    cache_write_tokens: Type.Integer({ description: "Part of the input tokens." }),
    cache_write_1h_tokens: Type.Integer({ description: "Part of the input tokens." }),
    audio_input_tokens: Type.Integer({ description: "Part of the input tokens." }),
    cached_audio_input_tokens: Type.Integer({
      description: "Part of the audio and of the cached input tokens.",
    }),
    image_input_tokens: Type.Integer({ description: "Part of the input tokens." }),
    audio_output_tokens: Type.Integer({ description: "Part of the output tokens." }),
    image_output_tokens: Type.Integer({ description: "Part of the output tokens." }),
    tool_calls: Type.Record(Type.String(), Type.Integer(), {
      description: "Calls of tools that the provider ran itself, by tool.",
    }),
    units: Type.Record(Type.String(), Type.Integer(), {
      description: "What is no token: images, audio_seconds, characters, search_units.",
    }),
  },
  { description: "Tokens and calls beyond the common counts; null: there were none." },
);

const PriceUsed = Type.Object(
  { source: Type.String({ description: "Whose price it is." }), ...amounts },
  { description: "What it was priced by; null: written in a way that is not known here." },
);

const Attempt = Type.Object(
  {
    id: Id("attempt"),
    number: Type.Integer(),
    provider_id: Id("provider"),
    provider: Type.String({ description: "Name of the provider, or its id when it is removed." }),
    model: Type.String({ description: "The upstream's name of the model." }),
    held_usd: Usd("The worst case that was held before the call."),
    held_at: Time("When it was held."),
    outcome: nullable(Type.String({ description: "How it ended; null: still running." })),
    status: nullable(Type.Integer({ description: "HTTP status of the provider." })),
    ...counts,
    details: nullable(Details),
    price: nullable(PriceUsed),
    latency_ms: nullable(Type.Integer()),
  },
  { description: "One upstream call." },
);
export type Attempt = Static<typeof Attempt>;

const LedgerEntry = Type.Object(
  {
    attempt_id: Id("attempt"),
    kind: oneOf(["hold", "settle", "void", "expire", "correct"], {
      description: "hold: before the call; one of the others resolves it; correct amends that.",
    }),
    amount_usd: Usd("Held, or posted; a correction may be negative."),
    estimated: Type.Boolean(),
    at: Time("When it was written."),
  },
  { description: "An entry of the ledger, which is only ever added to." },
);
export type LedgerEntry = Static<typeof LedgerEntry>;

export const RequestDetail = Type.Object(
  {
    ...members,
    status: nullable(Type.Integer({ description: "HTTP status of the answer." })),
    stream: nullable(Type.Boolean({ description: "Whether a stream was asked for." })),
    latency_ms: nullable(Type.Integer()),
    client_gone: nullable(Type.Boolean()),
    logged: Type.Boolean({
      description: "false: the log dropped the row, and only what the ledger knows is shown.",
    }),
    attempts: Type.Array(Attempt),
    ledger: Type.Array(LedgerEntry),
    refusal: nullable(Refusal),
  },
  { description: "Everything known of one request." },
);
export type RequestDetail = Static<typeof RequestDetail>;
