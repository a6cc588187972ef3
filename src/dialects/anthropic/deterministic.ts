/**
 * Whether a request asks for the same answer as another one with the same bytes: there is no seed, so
 * temperature alone tells. Read when somebody asks for it, and never for the others.
 */
import type { ClientRequest } from "../contract.ts";
import { isObject, parseJson } from "../json.ts";

export function isDeterministicMessage({ bytes }: ClientRequest): boolean {
  const body = parseJson(bytes);
  return isObject(body) && body["temperature"] === 0;
}
