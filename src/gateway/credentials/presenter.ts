/**
 * What presents one credential to a provider. Whatever has to be asked for elsewhere is got by `prepare`,
 * before anything is held; `headers` may compute and never waits for anybody.
 */

/** A request as far as presenting a credential needs it. */
export type Outgoing = {
  readonly method: string;
  readonly url: string;
  /** null: it is not held in memory. */
  readonly body: Uint8Array<ArrayBuffer> | null;
};

export type HeaderRecord = Readonly<Record<string, string>>;

export type CredentialProblem = {
  /** Whoever gives tokens for it refuses it, or cannot be asked. */
  readonly kind: "credential_refused" | "credential_unavailable";
  /** For the log; never a part of the credential. */
  readonly detail: string;
};

/** How a credential comes to be ready: at once, or later; with a problem, or without. */
export type Prepared = CredentialProblem | null | Promise<CredentialProblem | null>;

export interface Presenter {
  /** null at once where nothing is missing, nearly always. */
  readonly prepare: () => Prepared;
  /** Headers that present it with this request. */
  readonly headers: (request: Outgoing) => HeaderRecord | Promise<HeaderRecord>;
  /** What must not be passed on when a provider repeats it. */
  readonly secrets: () => readonly string[];
  /** The provider refused what it was sent then (monotonic): what was got for it is not used again. */
  readonly refused: (sentAtMs: number) => void;
}

/** Of a credential that is its own header. */
export function fixedPresenter(name: string, value: string, credential: string): Presenter {
  const headers = Object.freeze({ [name]: value });
  const secrets = Object.freeze([credential]);
  return {
    prepare: () => null,
    headers: () => headers,
    secrets: () => secrets,
    refused: () => {
      // There is nothing else that could be presented.
    },
  };
}
