/**
 * The models that the simulated provider offers. A name that does not begin with `sim-` is served
 * as well, like `sim-small`, so that the simulator can stand in for any provider's real models.
 */

import type { Script } from "./script-members.ts";

type SimulatedModel = {
  readonly id: string;
  /** How the model answers when nobody says otherwise. */
  readonly script: Script & { readonly tokens: number };
};

const small: SimulatedModel = { id: "sim-small", script: { tokens: 16 } };

const simulatedModels: readonly SimulatedModel[] = [
  small,
  { id: "sim-large", script: { tokens: 256 } },
  { id: "sim-slow", script: { tokens: 48, first_token_delay_ms: 300, token_delay_ms: 40 } },
  { id: "sim-embed", script: { tokens: 16 } },
];

/** How the named model answers by itself; undefined for a `sim-` name that nobody knows. */
export function modelScript(name: string): SimulatedModel["script"] | undefined {
  if (!name.startsWith("sim-")) {
    return small.script;
  }
  return simulatedModels.find((model) => model.id === name)?.script;
}

const createdAtSeconds = 1_735_689_600;

function modelObject(id: string) {
  return { id, object: "model", created: createdAtSeconds, owned_by: "tollgate-simulator" };
}

/** The body of `GET /v1/models`. */
export function modelList() {
  return { object: "list", data: simulatedModels.map((model) => modelObject(model.id)) };
}

/** One listed model, or undefined. */
export function listedModel(id: string) {
  return simulatedModels.some((model) => model.id === id) ? modelObject(id) : undefined;
}
