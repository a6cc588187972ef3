/** How an attempt can come out, as data: the phases after it decide by `kind` alone. */
import type { MadeObject } from "../base/object-kind.ts";
import type { Refusal } from "../base/verdict.ts";
import type { StreamWatch } from "../dialects/contract.ts";
import type { Usage } from "../dialects/usage-contract.ts";
import type { Classification } from "./classify.ts";
import type { CredentialProblem } from "./credentials/presenter.ts";
import type { OriginProblem } from "./origin.ts";
import type { ByteReader, Upstream } from "./transport.ts";

/** The provider's own answer, in its own words. */
export type Verbatim = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
};

export type AttemptResult =
  /** No permit: nothing was held or sent. */
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | {
      readonly kind: "failed";
      readonly classification: Classification;
      readonly retryAfterMs: number | null;
      /** null when the failure came without an answer. */
      readonly verbatim: Verbatim | null;
      /** Output tokens seen before it failed; null when none could be seen. */
      readonly outputTokensSeen: number | null;
      readonly detail: string;
      /** What its provider told that it keeps all the same. Absent: nothing. */
      readonly made?: readonly MadeObject[];
    }
  /** Its address is not allowed or takes no connections, or no token is to be had: nothing was sent. */
  | {
      readonly kind: "unreachable";
      readonly why: (OriginProblem | CredentialProblem)["kind"];
      readonly detail: string;
    }
  /** Given up because the exchange must end. */
  | {
      readonly kind: "stopped";
      /**
       * unheld: the ledger knows nothing of it; holding: it was on its way there, and is void when it
       * arrives; unsent: held, but the provider saw nothing.
       */
      readonly progress: "unheld" | "holding" | "unsent" | "sent";
      readonly outputTokensSeen: number | null;
      /** Likewise. */
      readonly made?: readonly MadeObject[];
    }
  | {
      readonly kind: "answer";
      readonly answer: Verbatim;
      /** null: the answer reports none. */
      readonly usage: Usage | null;
    }
  | { readonly kind: "stream"; readonly stream: LiveStream };

/** A streamed answer whose first content has come. */
export type LiveStream = {
  readonly status: number;
  readonly headers: Headers;
  readonly upstream: Upstream;
  readonly reader: ByteReader;
  readonly watch: StreamWatch;
  /** Events read so far, to be sent first; whoever sends them takes them out, so that they are not kept. */
  readonly first: Uint8Array[];
};

/** The last thing that went wrong, which the client is told when nothing else is left to try. */
export type Failure =
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | Extract<AttemptResult, { kind: "failed" | "unreachable" | "stopped" }>;
