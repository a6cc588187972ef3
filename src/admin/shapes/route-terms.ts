/** Shapes of how a route serves beyond its targets: retries, affinity, hedging, sharing, streams. */
import { type Static, Type } from "@sinclair/typebox";
import { nullable, oneOf, strict, Whole } from "./members.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** A header's name, as clients send it; kept in lower case. */
export const HeaderName = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: "^[A-Za-z0-9-]+$",
  "x-must": "be the name of a header: letters, digits and hyphens",
  description: "Name of a request header.",
});

const Retries = strict(
  {
    attempts_max: Type.Optional(Whole(1, 3, "Attempts over all targets together; 3 by default.")),
    backoff_base_ms: Type.Optional(
      Whole(1, MINUTE_MS, "First wait, doubled with each failure and jittered; 50 by default."),
    ),
    backoff_max_ms: Type.Optional(Whole(1, MINUTE_MS, "Longest wait of our own; 5000 by default.")),
    total_ms: Type.Optional(
      Whole(1, DAY_MS, "No attempt begins later than this after the request came."),
    ),
    statuses: Type.Optional(
      Type.Array(Whole(400, 599, "A status."), {
        maxItems: 50,
        description: "Statuses that are repeated; without it those that are known to be worth it.",
      }),
    ),
    continue_streams: Type.Optional(
      Type.Boolean({
        description:
          "A stream that breaks off is continued by another attempt, where a target says how its model goes on with an answer; false by default.",
      }),
    ),
  },
  { description: "What is done about failed attempts." },
);

const Sticky = strict(
  {
    by: oneOf(["end_user", "header"], { description: "What tells conversations apart." }),
    header: Type.Optional(HeaderName),
  },
  {
    description:
      "Requests of one conversation keep to one target while it serves, which keeps the provider's prompt cache warm.",
  },
);

const Hedge = strict(
  {
    percentile: Type.Optional(
      Whole(
        50,
        99,
        "A second attempt begins later than so many first tokens came; 95 by default. Until enough is known of a provider: after four times `delay_ms_min`.",
      ),
    ),
    delay_ms_min: Type.Optional(Whole(1, MINUTE_MS, "But never earlier; 500 by default.")),
    percent_max: Type.Optional(
      Whole(1, 100, "Share of requests that may be hedged; 5 by default."),
    ),
  },
  {
    description:
      "A second attempt for a first token that is late. The loser is paid for, by what it may have generated: an estimate that can pass the cost of a short answer many times.",
  },
);

const SingleFlight = strict(
  {
    cost: oneOf(["first", "split"], {
      description: "Who pays: the first who asked, or everybody who got the answer in equal parts.",
    }),
  },
  { description: "Identical deterministic requests of a tenant share one attempt." },
);

export const termsInput = {
  retries: Type.Optional(nullable(Retries)),
  sticky: Type.Optional(nullable(Sticky)),
  hedge: Type.Optional(nullable(Hedge)),
  single_flight: Type.Optional(nullable(SingleFlight)),
  resumable: Type.Optional(
    Type.Boolean({
      description:
        "Events of streams carry ids, and `last-event-id` takes a broken connection up again; false by default.",
    }),
  ),
  keep_alive_ms: Type.Optional(
    nullable(
      Whole(
        0,
        DAY_MS,
        "Silence of a stream after which a comment is sent; 0: never; 15000 by default.",
      ),
    ),
  ),
};
const TermsInput = Type.Object(termsInput);
export type TermsInput = Static<typeof TermsInput>;

export const termsShown = {
  retries: Type.Object({
    attempts_max: Type.Integer(),
    backoff_base_ms: Type.Integer(),
    backoff_max_ms: Type.Integer(),
    total_ms: nullable(Type.Integer()),
    statuses: nullable(Type.Array(Type.Integer())),
    continue_streams: Type.Boolean(),
  }),
  sticky: nullable(Type.Object({ by: Type.String(), header: nullable(Type.String()) })),
  hedge: nullable(
    Type.Object({
      percentile: Type.Integer(),
      delay_ms_min: Type.Integer(),
      percent_max: Type.Integer(),
    }),
  ),
  single_flight: nullable(Type.Object({ cost: Type.String() })),
  resumable: Type.Boolean(),
  keep_alive_ms: Type.Integer(),
};
const TermsShown = Type.Object(termsShown);
export type TermsShown = Static<typeof TermsShown>;
