/**
 * What the store is asked about idempotency keys. Steps come in lists, so that however many requests
 * bring a key at once, one commit serves them all.
 */

/** Which row: a client's key is kept as a keyed hash, and is an access token's own. */
export type KeyRef = {
  readonly tokenId: string;
  readonly keyHash: string;
};

/**
 * The answer that a key stands for. `bodySealed` is base64; null: it was too large to be kept, or newer
 * ones of its tenant have taken its room.
 */
export type KeyAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodySealed: string | null;
};

export type KeyStep = KeyRef & { readonly requestId: string } & (
    | {
        /** Before anything is sent. */
        readonly do: "claim";
        readonly bodyHash: string;
        /** Whose room its answer takes. */
        readonly tenantId: string;
        readonly nowMs: number;
        readonly expiresAtMs: number;
      }
    /** Its request was answered; nothing where the key is another request's by now. */
    | ({ readonly do: "complete" } & KeyAnswer)
    /** Its request failed in a way that a later one need not: likewise. */
    | { readonly do: "free" }
  );

/**
 * claimed: the key is this request's. answered: it stands for the answer to an earlier one. pending:
 * it is an earlier request's that was begun and has no answer: it runs, or a crash has interrupted it.
 */
export type KeyClaim =
  | { readonly kind: "claimed" }
  | {
      readonly kind: "answered";
      readonly requestId: string;
      readonly bodyHash: string;
      readonly answer: KeyAnswer;
    }
  | { readonly kind: "pending"; readonly requestId: string; readonly bodyHash: string };
