/**
 * How the OpenAPI document describes operations of the client API: headers, examples and refusals that
 * several have in common. The handlers check bodies in their dialect's own way, so these descriptions
 * are for people alone.
 */
import { ERRORS, type ErrorCode } from "../../base/error.ts";
import { DIALECTS } from "../../dialects/catalogue.ts";
import type { ClientSchemaName } from "../openapi/client-schemas.ts";

const HEADERS = {
  "x-request-id": "Names this request in the log.",
  "x-tollgate-provider": "The provider that answered.",
  "x-tollgate-model": "The model that it was asked for.",
  "x-tollgate-attempts": "How many calls of providers it took.",
  "x-tollgate-cost-usd": "What it cost; not on streams, where only the end tells.",
  "x-tollgate-output-capped": "The output limit that a small budget set, when it did.",
  "x-tollgate-error": "The code of the error.",
  "x-tollgate-timeout": "The clock that ended the last attempt.",
  "x-tollgate-idempotency":
    "attached or replayed: the answer is that of the first request with the same idempotency key.",
  "retry-after": "Seconds after which to come back.",
} as const;

/**
 * What a request may say beside its body. Without examples: Swagger UI would send them with a newcomer's
 * first request.
 */
const ASKED_HEADERS = {
  "idempotency-key": "Repeating the request with it gets the first one's answer for 24 hours.",
  "last-event-id":
    "Id of the last event of a resumable stream that came; the stream goes on behind it.",
  "x-tollgate-strategy": "How targets are ordered: fastest, cheapest, reliable or default.",
  "x-tollgate-tags": "Tags that targets may be meant for, joined by commas.",
  "x-tollgate-priority": "interactive, default or batch; never above that of the access token.",
  "x-tollgate-timeout-ms": "Milliseconds after which the request is given up.",
} as const;

/** What every answer of an exchange carries. */
export const EXCHANGE_HEADERS = [
  "x-request-id",
  "x-tollgate-provider",
  "x-tollgate-model",
  "x-tollgate-attempts",
  "x-tollgate-cost-usd",
  "x-tollgate-output-capped",
  "x-tollgate-idempotency",
] as const;

export function client(operationId: string, summary: string) {
  return { operationId, summary, tags: ["client"], security: [{ accessToken: [] }] };
}

export function health(operationId: string, summary: string) {
  // An empty list: no credential, whatever the document asks for elsewhere.
  return { operationId, summary, tags: ["health"], security: [] };
}

export function json(schema: ClientSchemaName, example: object) {
  return {
    "application/json": { schema: { $ref: `#/components/schemas/${schema}` }, example },
  };
}

export function text(description: string, example: string) {
  return {
    description,
    content: { "text/plain": { schema: { type: "string" as const }, example } },
  };
}

export function broken() {
  return text("A failure of ours.", "Internal Server Error");
}

export function askedHeaders() {
  const schema = { type: "string" as const };
  return Object.entries(ASKED_HEADERS).map(([name, description]) => {
    return { name, in: "header", required: false, description, schema };
  });
}

export function headersOf(names: readonly (keyof typeof HEADERS)[]) {
  const schema = { type: "string" as const };
  return Object.fromEntries(names.map((name) => [name, { description: HEADERS[name], schema }]));
}

/** How errors of each dialect that is described look. */
const ERROR_SCHEMAS = {
  openai: "Error",
  anthropic: "AnthropicError",
  google: "GoogleError",
} as const;

type Described = keyof typeof ERROR_SCHEMAS;

/** One response per status that an exchange can be refused with, naming every code that has it. */
export function exchangeRefusals(dialect: Described = "openai") {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const ofExchange = codes.filter((code) => code !== "not_found");
  const statuses = new Set(ofExchange.map((code) => ERRORS[code].status));
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      refusalIn(
        dialect,
        ofExchange.filter((code) => ERRORS[code].status === status),
      ),
    ]),
  );
}

export function refusal(...codes: readonly ErrorCode[]) {
  return refusalIn("openai", codes);
}

/** The same in another dialect. */
export function refusalIn(dialect: Described, codes: readonly ErrorCode[]) {
  const [first = "internal_error"] = codes;
  const { text: message, type } = ERRORS[first];
  const told = { code: first, message, type, param: null, requestId: "req_1" };
  const comesBack = codes.some((code) => ERRORS[code].retry === "later");
  const meanings = codes.map((code) => `\`${code}\`: ${ERRORS[code].text}`);
  return {
    description: meanings.length === 1 ? meanings.join("") : `- ${meanings.join("\n- ")}`,
    headers: {
      ...headersOf(["x-request-id", "x-tollgate-error"]),
      ...(codes.includes("upstream_timeout") && headersOf(["x-tollgate-timeout"])),
      ...(comesBack && headersOf(["retry-after"])),
    },
    content: {
      "application/json": {
        schema: { $ref: `#/components/schemas/${ERROR_SCHEMAS[dialect]}` },
        example: exampleOf(DIALECTS[dialect].errorBody(told)),
      },
    },
  };
}

function exampleOf(body: string): object {
  return JSON.parse(body) as object;
}
