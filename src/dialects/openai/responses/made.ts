/** What an item of an answer says that its provider keeps from now on. */
import type { MadeObject } from "../../../base/object-kind.ts";
import { isObject, type JsonObject } from "../../json.ts";

/** The item itself. */
export function itemMade({ id }: JsonObject): readonly MadeObject[] {
  return typeof id === "string" ? [{ kind: "item", id }] : [];
}

/** The container in which a tool ran; kept also where the answer is not. */
export function containerMade({ container_id, environment }: JsonObject): readonly MadeObject[] {
  const id = isObject(environment) ? environment["container_id"] : container_id;
  return typeof id === "string" ? [{ kind: "container", id }] : [];
}
