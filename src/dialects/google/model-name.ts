/**
 * Names of models as Google's paths and bodies have them: `models/gemini-3-pro`, or another collection's
 * where an operator configured one.
 */
import { refuseModelName, type Refused, wrong } from "../json-body.ts";

/** Collections whose names stand for themselves; any other name is one of `models`. */
const COLLECTIONS = /^(?:models|tunedModels|publishers|projects|endpoints)\//u;
const MODELS = "models/";

/** The model's name in full, as a body holds it. */
function resourceName(model: string): string {
  return COLLECTIONS.test(model) ? model : MODELS + model;
}

/** The path of a method of the upstream's model, under the base URL. */
export function methodPath(model: string, method: string): string {
  const segments = resourceName(model).split("/").map(encodeURIComponent);
  return `/${segments.join("/")}:${method}`;
}

/** The name that a path holds becomes part of another path: what would lead elsewhere there is none. */
export function refuseModel(model: string): Refused | null {
  const isPath = model.split("/").some((part) => part === "" || part === "." || part === "..");
  return isPath ? wrong("'model' must be the name of a model.", "model") : refuseModelName(model);
}

/**
 * A body may repeat the path's model, and in a batch must. Another one there would be served by a model
 * that nobody asked the gateway for.
 */
export function refuseOtherModel(value: unknown, model: string, param: string): Refused | null {
  if (value === undefined || value === null) return null;
  if (value === model || value === resourceName(model) || value === MODELS + model) return null;
  return wrong(`'${param}' must be the model of the path, ${JSON.stringify(model)}.`, param);
}

/** The upstream's model as a body that named `value` is to name it. */
export function renamed(value: string, model: string, upstreamModel: string): string {
  return value === model && !COLLECTIONS.test(model) ? upstreamModel : resourceName(upstreamModel);
}
