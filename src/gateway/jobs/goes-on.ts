/** What is begun with a request and not ended with its answer. */
import type { ClientRequest } from "../../dialects/contract.ts";

/** Whether what is asked for goes on although nobody has its answer. */
export function goesOn({ background, batch }: ClientRequest): boolean {
  return background === true || batch !== undefined;
}
