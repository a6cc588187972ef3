/**
 * Whether a request asks for the same answer as another one with the same bytes: chats
 * without chance in them. Read when somebody asks for it, and never for the others.
 */
import type { ClientRequest } from "../contract.ts";
import { isObject, parseJson } from "../json.ts";

export function isDeterministicChat({ bytes }: ClientRequest): boolean {
  const body = parseJson(bytes);
  if (!isObject(body)) return false;
  return body["temperature"] === 0 || Number.isInteger(body["seed"]);
}
