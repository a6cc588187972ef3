/** `GET /v1/models` and `/v1/models/{model}`: what an access token may call, in OpenAI's shape. */
import { ERRORS } from "../../base/error.ts";
import { newId } from "../../base/ids.ts";
import { refuse, type Refusal } from "../../base/verdict.ts";
import { DIALECTS } from "../../dialects/catalogue.ts";
import { authenticate } from "../../gateway/authenticate.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { findModel, listModels, type CallableModel } from "../../gateway/models.ts";

export function modelsRoute(gateway: Gateway, request: Request): Response {
  const identified = authenticate(gateway, request.headers);
  if (!identified.allowed) return refusedReply(gateway, identified.refusal);
  const data = listModels(gateway, identified.value).map(modelShape);
  return jsonReply(gateway, { object: "list", data });
}

const PATH_PREFIX = "/v1/models/";

export function modelRoute(gateway: Gateway, request: Request): Response {
  const identified = authenticate(gateway, request.headers);
  if (!identified.allowed) return refusedReply(gateway, identified.refusal);
  const name = nameInPath(pathOf(request));
  const model = findModel(gateway, identified.value, name);
  if (model !== null) return jsonReply(gateway, modelShape(model));
  const message = `The model ${JSON.stringify(name)} does not exist.`;
  const { refusal } = refuse("model_not_found", message, { param: "model" });
  return refusedReply(gateway, refusal);
}

/** Any other path or method under /v1. */
export function unknownRoute(gateway: Gateway, request: Request): Response {
  const message = `There is nothing at ${request.method} ${pathOf(request)}.`;
  return refusedReply(gateway, refuse("not_found", message).refusal);
}

/** Bun leaves the origin out, or in as it came, where the Host header cannot be one. */
function pathOf(request: Request): string {
  return URL.parse(request.url, "http://localhost")?.pathname ?? "";
}

/** Names hold slashes (`provider-name/upstream-model`), escaped or not. */
function nameInPath(pathname: string): string {
  const escaped = pathname.slice(PATH_PREFIX.length);
  try {
    return decodeURIComponent(escaped);
  } catch {
    // Not valid percent-encoding: then it is the name of no model.
    return escaped;
  }
}

function modelShape({ name, createdAtMs, ownedBy }: CallableModel): object {
  return {
    id: name,
    object: "model",
    created: Math.floor(createdAtMs / 1_000),
    owned_by: ownedBy,
  };
}

function jsonReply(gateway: Gateway, body: object): Response {
  return Response.json(body, { headers: { "x-request-id": newId("request", gateway.random) } });
}

function refusedReply(gateway: Gateway, refusal: Refusal): Response {
  const { code, message, param } = refusal;
  const { status, type } = ERRORS[code];
  const requestId = newId("request", gateway.random);
  const told = { code, message, type, param: param ?? null, requestId };
  const body = DIALECTS.openai.errorBody(told);
  return new Response(body, {
    status,
    headers: {
      "content-type": "application/json",
      "x-request-id": requestId,
      "x-tollgate-error": code,
    },
  });
}
