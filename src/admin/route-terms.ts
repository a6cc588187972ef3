/** How a route serves beyond its targets: what comes in, what is kept, and with its defaults what is shown. */
import { LIMITS } from "../base/limits.ts";
import type { RouteRow } from "../store/contract.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { TermsInput, TermsShown } from "./shapes/route-terms.ts";

type RouteTerms = RouteRow["terms"];

/** The terms after an edit, which replaces each named member as a whole; null puts its default back. */
export function editedTerms(current: RouteTerms, input: TermsInput): AdminVerdict<RouteTerms> {
  const sticky = readSticky(input.sticky);
  if (!sticky.allowed) return sticky;
  const edited = {
    ...current,
    ...defined({
      retries: kept(input.retries, readRetries),
      sticky: sticky.value,
      hedge: kept(input.hedge, readHedge),
      singleFlight: input.single_flight,
      resumable: input.resumable,
      keepAliveMs: input.keep_alive_ms,
    }),
  };
  const entries = Object.entries(edited).filter(([, value]) => value !== null);
  return allow(Object.fromEntries(entries) as RouteTerms);
}

/** undefined: not named; null: cleared. */
function kept<I extends object, O>(
  input: I | null | undefined,
  read: (input: I) => O,
): O | null | undefined {
  return input === null ? null : input && read(input);
}

function defined(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function readRetries(input: NonNullable<TermsInput["retries"]>): RouteTerms["retries"] {
  return defined({
    attemptsMax: input.attempts_max,
    backoffBaseMs: input.backoff_base_ms,
    backoffMaxMs: input.backoff_max_ms,
    totalMs: input.total_ms,
    statuses: input.statuses,
    continueStreams: input.continue_streams,
  });
}

function readHedge(input: NonNullable<TermsInput["hedge"]>): RouteTerms["hedge"] {
  const { percentile = 95, delay_ms_min: delayMsMin = 500, percent_max: percentMax = 5 } = input;
  return { percentile, delayMsMin, percentMax };
}

function readSticky(
  input: TermsInput["sticky"],
): AdminVerdict<RouteTerms["sticky"] | null | undefined> {
  if (input === undefined || input === null) return allow(input);
  const { by, header } = input;
  if (by === "end_user") {
    return header === undefined
      ? allow({ by })
      : refuse("invalid_request", "sticky.header goes with sticky.by header.", "/sticky/header");
  }
  return header === undefined
    ? refuse("invalid_request", "sticky.header must name a request header.", "/sticky/header")
    : allow({ by, header: header.toLowerCase() });
}

export function showTerms(terms: RouteTerms): TermsShown {
  const { retries = {}, sticky, hedge, singleFlight, resumable, keepAliveMs } = terms;
  return {
    retries: {
      attempts_max: retries.attemptsMax ?? LIMITS.attemptsMax,
      backoff_base_ms: retries.backoffBaseMs ?? LIMITS.backoffBaseMs,
      backoff_max_ms: retries.backoffMaxMs ?? LIMITS.backoffMaxMs,
      total_ms: retries.totalMs ?? null,
      statuses: retries.statuses === undefined ? null : [...retries.statuses],
      continue_streams: retries.continueStreams ?? false,
    },
    sticky:
      sticky === undefined
        ? null
        : { by: sticky.by, header: sticky.by === "header" ? sticky.header : null },
    hedge:
      hedge === undefined
        ? null
        : {
            percentile: hedge.percentile,
            delay_ms_min: hedge.delayMsMin,
            percent_max: hedge.percentMax,
          },
    single_flight: singleFlight === undefined ? null : { cost: singleFlight.cost },
    resumable: resumable ?? false,
    keep_alive_ms: keepAliveMs ?? LIMITS.keepAliveMs,
  };
}
