/**
 * `GET /v1/models` and `/v1/models/{model}`: what an access token may call in the dialect that the client
 * speaks, in its shape; and whatever else is asked under /v1, which does not exist. One path serves
 * several dialects: Anthropic's clients tell themselves by their version header, Google's by the path or by
 * where they present their credential.
 */
import type { DialectName } from "../../base/dialect.ts";
import { ERRORS } from "../../base/error.ts";
import { newId } from "../../base/ids.ts";
import { refuse, type Refusal } from "../../base/verdict.ts";
import { DIALECTS } from "../../dialects/catalogue.ts";
import type { Dialect } from "../../dialects/contract.ts";
import { authenticate } from "../../gateway/authenticate.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { findModel, listModels } from "../../gateway/models.ts";
import {
  ANTHROPIC_MODELS,
  GOOGLE_MODELS,
  type ModelShapes,
  OPENAI_MODELS,
} from "./model-shapes.ts";
import { decoded } from "./mounts.ts";
import { presentedBy } from "./query-credential.ts";

const VERSION_HEADER = "anthropic-version";

export function modelsRoute(gateway: Gateway, request: Request): Response {
  const identified = authenticate(gateway, headersOf(request));
  if (!identified.allowed) return refusedReply(gateway, request, identified.refusal);
  const { searchParams } = urlOf(request);
  const language = languageOf(request);
  const models = listModels(gateway, identified.value, language);
  const list = SHAPES[language].list(models, searchParams);
  return list.allowed
    ? jsonReply(gateway, request, list.value)
    : refusedReply(gateway, request, list.refusal);
}

const PATH_PREFIX = /^\/v1(?:beta)?\/models\//u;

export function modelRoute(gateway: Gateway, request: Request): Response {
  const identified = authenticate(gateway, headersOf(request));
  if (!identified.allowed) return refusedReply(gateway, request, identified.refusal);
  const name = nameInPath(urlOf(request).pathname);
  const language = languageOf(request);
  const model = findModel(gateway, identified.value, language, name);
  if (model !== null) return jsonReply(gateway, request, SHAPES[language].one(model));
  const message = `The model ${JSON.stringify(name)} does not exist.`;
  const { refusal } = refuse("model_not_found", message, { param: "model" });
  return refusedReply(gateway, request, refusal);
}

/** Any other path or method under /v1. */
export function unknownRoute(gateway: Gateway, request: Request): Response {
  const message = `There is nothing at ${request.method} ${urlOf(request).pathname}.`;
  return refusedReply(gateway, request, refuse("not_found", message).refusal);
}

function headersOf(request: Request): Headers {
  return isGoogles(request) ? presentedBy("google", request).headers : request.headers;
}

const SHAPES: Readonly<Record<DialectName, ModelShapes>> = {
  openai: OPENAI_MODELS,
  anthropic: ANTHROPIC_MODELS,
  google: GOOGLE_MODELS,
};

/** Of the client, where several languages have a path. */
export function languageOf(request: Request): DialectName {
  if (request.headers.has(VERSION_HEADER)) return "anthropic";
  return isGoogles(request) ? "google" : "openai";
}

const MODELS_PATH = /^\/v1\/models(?:\/|$)/u;

/** Nobody else has methods of models, or presents a credential in the address. */
function isGoogles(request: Request): boolean {
  const { pathname, searchParams } = urlOf(request);
  const isAsked = request.method === "POST" || searchParams.has("key");
  return (
    request.headers.has("x-goog-api-key") ||
    pathname.startsWith("/v1beta/") ||
    (MODELS_PATH.test(pathname) && isAsked)
  );
}

function dialectFor(request: Request): Dialect {
  const isAnthropics = /^\/v1\/messages(?:\/|$)/.test(urlOf(request).pathname);
  return DIALECTS[isAnthropics ? "anthropic" : languageOf(request)];
}

const NOWHERE = new URL("http://localhost/");

/** Bun leaves the origin out, or in as it came, where the Host header cannot be one. */
export function urlOf(request: Request): URL {
  return URL.parse(request.url, NOWHERE.href) ?? NOWHERE;
}

/** Names hold slashes (`provider-name/upstream-model`), escaped or not. */
function nameInPath(pathname: string): string {
  return decoded(pathname.replace(PATH_PREFIX, ""));
}

export function jsonReply(gateway: Gateway, request: Request, body: object): Response {
  const headers = answerHeaders(dialectFor(request), newId("request", gateway.random));
  return Response.json(body, { headers });
}

export function refusedReply(gateway: Gateway, request: Request, refusal: Refusal): Response {
  const { code, message, param } = refusal;
  const { status, type } = ERRORS[code];
  const dialect = dialectFor(request);
  const requestId = newId("request", gateway.random);
  const body = dialect.errorBody({ code, message, type, param: param ?? null, requestId });
  const headers = {
    "content-type": "application/json",
    ...answerHeaders(dialect, requestId),
    "x-tollgate-error": code,
  };
  return new Response(body, { status, headers });
}

function answerHeaders(dialect: Dialect, requestId: string): Record<string, string> {
  const told = dialect.headers.told?.({ requestId, requests: null, tokens: null });
  return { "x-request-id": requestId, ...told };
}
