/** A client's multipart form (RFC 7578), as far as the gateway looks into it. */

/** What a form is made of; the bytes of its files were only counted. */
export type ClientForm = {
  readonly parts: readonly FormPart[];
  /** Hash of everything in it but its boundary, which clients make anew for each try; empty: not asked for. */
  readonly digest: string;
};

/** One part; `start` and `end` are where its content stands in the body. */
export type FormPart = {
  readonly name: string;
  /** null: it is a field. */
  readonly filename: string | null;
  readonly start: number;
  readonly end: number;
  /** Text of a field; null of a file, and of a field that is no text or longer than is kept. */
  readonly value: string | null;
  /** The first bytes of a file, for what its own header tells; empty of a field. */
  readonly head: Uint8Array;
};
