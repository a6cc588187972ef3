/** Reads from the admin API; anything but success throws with its answer. */
import type { TollgateAdmin } from "./setup-tollgate.ts";

/** What `GET /api/v1/{path}` answers, read to its end. */
export async function readAdmin(admin: TollgateAdmin, path: string): Promise<unknown> {
  const answer = await fetch(new URL(`/api/v1/${path}`, admin.gateway), {
    headers: { authorization: `Bearer ${admin.adminToken}` },
    signal: admin.signal,
  });
  const text = await answer.text();
  if (answer.status !== 200) {
    throw new Error(`GET /api/v1/${path} answered ${answer.status}: ${text.slice(0, 500)}`);
  }
  return JSON.parse(text);
}
