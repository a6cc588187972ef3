/** What a refusal of the admin API says, in one value that a test compares as a whole. */
import type { Answer } from "./admin.ts";

export type Refused = readonly [status: number, code: string, param: string | null, says: string];

export function refusalOf(answer: Answer): readonly unknown[] {
  const { code, param, message } = Object(answer.member("error"));
  return [answer.status, code, param, message];
}
