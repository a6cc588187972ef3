/**
 * Where a page ended, as the client carries it: the last id, wrapped so that nobody builds on its
 * form. Pages go by id and not by offset, so rows written meanwhile neither repeat nor hide others.
 */
import { GatewayError } from "../base/error.ts";
import type { Page, PageQuery } from "./contract.ts";
import type { PageFrom } from "./protocol.ts";

/** What the thread is asked for. Throws `invalid_request` when the cursor is not one of ours. */
export function pageFrom({ limit, cursor }: PageQuery): PageFrom {
  if (cursor === null) return { limit, beyondId: null };
  const id = Buffer.from(cursor, "base64url").toString("utf8");
  if (id === "" || Buffer.from(id, "utf8").toString("base64url") !== cursor) {
    throw new GatewayError("invalid_request", {
      message: "The cursor is not one that an earlier page gave.",
      param: "cursor",
    });
  }
  return { limit, beyondId: id };
}

/** A page of the first `limit` rows; give one more than that, so that it knows whether to go on. */
export function pageOf<T extends { readonly id: string }>(
  found: readonly T[],
  limit: number,
): Page<T> {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const isWhole = found.length <= limit || last === undefined;
  return { rows, nextCursor: isWhole ? null : Buffer.from(last.id, "utf8").toString("base64url") };
}
