/** What the phases of an exchange know of shared answers; how they are made is `share.ts`. */
import type { ClientRequest } from "../../dialects/contract.ts";
import type { KeyClaim } from "../../store/idempotency-contract.ts";
import type { NanoUsd } from "../../base/units.ts";
import type { Sink } from "../sink.ts";
import type { Reader } from "./reader.ts";
import type { Head, Recording } from "./recording.ts";

/** What was answered, once nothing more comes. */
export type SharedEnd = {
  readonly head: Head;
  /** False where it was cut, given up, or ended by an error event. */
  readonly isWhole: boolean;
  /** How its attempts ended, in short words. */
  readonly outcomes: readonly string[];
};

/** The answer of an exchange that more than its own client may get. */
export interface SharedAnswer {
  readonly recording: Recording;
  /** Where a stream's bytes go. */
  readonly sink: Sink;
  /** The own client has left; the exchange may go on for others. */
  readonly hasClientLeft: boolean;
  /** What was asked for. */
  readonly request: () => ClientRequest | null;
  /** Does the answer belong to this access token? */
  readonly isFor: (tokenId: string) => boolean;
  /** It does from now on. */
  readonly belongsTo: (tokenId: string) => void;
  /** Has it gone on for this long without readers, or longer. */
  readonly goOnFor: (unreadMs: number) => void;
  /** Has a stream's bytes pass through this. */
  readonly writeThrough: (sink: Sink) => void;
  /** Who pays a share of what it costs, by their readers; one who stops reading before pays nothing. */
  readonly payers: Map<Reader, Payer>;
  /** What is done with the answer when nothing more comes, before anybody sees its end. */
  readonly atEnd: (ending: (end: SharedEnd) => Promise<void> | void) => void;
  /** The own client's body of a stream. */
  readonly body: () => ReadableStream<Uint8Array>;
  /** There is an answer; a stream goes on from here. Resolves when readers may see it. */
  readonly begin: (head: Head) => Promise<void>;
  /** Nothing more is written to the stream. */
  readonly endStream: () => Promise<void>;
}

/** What one of those who share a cost pays, and for what. */
export type PaidShare = {
  readonly amountNanoUsd: NanoUsd;
  /** The provider's name. */
  readonly provider: string;
  readonly model: string;
  /** As JSON. */
  readonly price: string;
  readonly estimated: boolean;
  readonly status: number | null;
  readonly latencyMs: number;
};

export interface Payer {
  /** The provider whose budgets its own hold is in. */
  readonly providerId: string;
  /** Has the ledger hold its share; false where that is certainly not so: then it owes nothing. */
  readonly hold: (share: PaidShare) => Promise<boolean>;
  /** Posts the share that is held. */
  readonly post: (share: PaidShare) => void;
  /** Nobody waits for its hold any more: it owes nothing, and a hold that comes late is void. */
  readonly giveUp: () => void;
}

/** An execution that equal requests share while it runs. */
export type Flight = { readonly share: SharedAnswer; readonly cost: "first" | "split" };

/** A key whose first request is under way in this process. */
export type RunningKey = {
  readonly bodyHash: string;
  /** What the store knows of it; the first request shares its answer where the key is its own. */
  readonly claim: Promise<KeyClaim>;
  share: SharedAnswer | null;
};
