/**
 * What a body for a response names beside its input that its provider keeps: what it goes on from, files
 * and containers of tools, files in variables of a prompt (types of openai-node 7.55, 2026-11). All of it is
 * checked to be its tenant's own, so a place that is missing here is a way to what others keep.
 */
import type { NamedObject, ObjectKind } from "../../../base/object-kind.ts";
import { listOf } from "../../json-body.ts";
import { isObject, type JsonObject } from "../../json.ts";

export function namedBeside(body: JsonObject): readonly NamedObject[] {
  return [...namedByTools(listOf(body["tools"])), ...namedByPrompt(body["prompt"])];
}

/** What its input goes on from. */
export function earlier(body: JsonObject): readonly NamedObject[] {
  const { conversation } = body;
  const id = isObject(conversation) ? conversation["id"] : conversation;
  return [
    ...named("response", body["previous_response_id"], "previous_response_id"),
    ...named("conversation", id, "conversation"),
  ];
}

function namedByTools(tools: readonly unknown[]): NamedObject[] {
  return tools.flatMap((tool, place) => {
    if (!isObject(tool)) return [];
    const { container, environment, input_image_mask: mask } = tool;
    const at = `tools[${place}]`;
    return [
      ...named("container", container, `${at}.container`),
      ...namedByEnvironment(container, `${at}.container`),
      ...namedByEnvironment(environment, `${at}.environment`),
      ...(isObject(mask) ? named("file", mask["file_id"], `${at}.input_image_mask.file_id`) : []),
    ];
  });
}

/** Where a tool runs: in a container that there is, or in one that is made with files in it. */
function namedByEnvironment(environment: unknown, at: string): NamedObject[] {
  if (!isObject(environment)) return [];
  return [
    ...named("container", environment["container_id"], `${at}.container_id`),
    ...listOf(environment["file_ids"]).flatMap((id) => named("file", id, `${at}.file_ids`)),
  ];
}

/** A variable may be a picture or a file. */
function namedByPrompt(prompt: unknown): NamedObject[] {
  const variables = isObject(prompt) ? prompt["variables"] : null;
  if (!isObject(variables)) return [];
  return Object.entries(variables).flatMap(([name, value]) =>
    isObject(value) ? named("file", value["file_id"], `prompt.variables.${name}.file_id`) : [],
  );
}

function named(kind: ObjectKind, id: unknown, param: string): NamedObject[] {
  return typeof id === "string" ? [{ kind, id, param }] : [];
}
