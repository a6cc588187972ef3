/** How the OpenAPI document describes what providers keep: its id in a path, an answer about it, its lists. */
import { EXCHANGE_HEADERS, exchangeRefusals, headersOf, refusal } from "./describe.ts";

const text = { type: "string" as const };
const object = { type: "object" as const };

export function pathParameter(name: string, description: string, example: string) {
  return { name, in: "path", required: true, description, example, schema: text };
}

/** `noun`: of what the path names. */
export function idParameter(noun: string, example: string) {
  return pathParameter(
    "id",
    `The id that the provider gave to a ${noun} of this tenant's.`,
    example,
  );
}

export function queryParameter(name: string, description: string) {
  return { name, in: "query", required: false, description, schema: text };
}

/** For what is of no model of its own. */
export function modelHeader(noun: string) {
  const description = `The model that the ${noun} is for.`;
  return { name: "x-tollgate-model", in: "header", required: false, description, schema: text };
}

/** An object of its provider's, in its own words. */
export function answered(description: string, example: object) {
  const content = { "application/json": { schema: object, example } };
  return { description, headers: headersOf(EXCHANGE_HEADERS), content };
}

/** Every refusal of an exchange, and that there is nothing with an id that it names. */
export function keptRefusals() {
  return { ...exchangeRefusals(), 404: refusal("not_found", "model_not_found") };
}

export function pageOf(one: { readonly id: string }) {
  return { object: "list", data: [one], first_id: one.id, last_id: one.id, has_more: false };
}

/** A list from Tollgate's own book, for which nobody is asked. */
export function listed(one: { readonly id: string }) {
  const content = { "application/json": { schema: object, example: pageOf(one) } };
  return {
    200: { description: "A page of them.", content },
    400: refusal("invalid_request"),
    401: refusal("invalid_api_key"),
    403: refusal("tenant_suspended"),
    500: refusal("internal_error"),
    503: refusal("ledger_unavailable"),
  };
}
