/** The query parameters `from` and `to`. */
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import { parseTime } from "./time.ts";

/** undefined: not given. */
export type Span = { readonly fromMs: number | undefined; readonly toMs: number | undefined };

/** Refused when the span ends before it begins. */
export function readSpan(filter: {
  readonly from?: string;
  readonly to?: string;
}): AdminVerdict<Span> {
  const fromMs = filter.from === undefined ? undefined : parseTime(filter.from);
  const toMs = filter.to === undefined ? undefined : parseTime(filter.to);
  return fromMs !== undefined && toMs !== undefined && fromMs >= toMs
    ? refuse("invalid_request", "from must lie before to.", "from")
    : allow({ fromMs, toMs });
}
