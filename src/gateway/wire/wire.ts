/**
 * How requests are put to companies who speak a language but wrap it: other paths, a query of their own, a
 * body with other members, or answers in frames of their own. What a wire changes are documented splices;
 * everything else stays the client's and the provider's bytes.
 */
import type { ProviderRow } from "../../store/contract.ts";
import type { UpstreamAnswer } from "../transport.ts";
import type { StreamedBody } from "../upload/spooled-body.ts";

/** A request as its dialect puts it. */
export type Put = {
  /** Under the base URL. */
  readonly path: string;
  /** The client's, with its question mark; empty without. */
  readonly query: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer> | StreamedBody;
};

export type Asked = Put & {
  readonly row: Pick<ProviderRow, "terms">;
  /** The upstream's name of the model. */
  readonly model: string;
  readonly stream: boolean;
};

export interface Wire {
  readonly put: (asked: Asked) => Put;
  /** What comes back, as the dialect would have sent it; absent: it comes so. */
  readonly answer?: (answer: UpstreamAnswer) => UpstreamAnswer | Promise<UpstreamAnswer>;
}

/** The bytes of a body that a wire must change. Its surfaces have no others. */
export function bytesOf({ body }: Put): Uint8Array<ArrayBuffer> {
  if (!("open" in body)) return body;
  throw new TypeError("this wire does not take bodies that are streamed");
}

/** A model's name as one segment of a path: names may hold colons and slashes, as ARNs do. */
export function segment(model: string): string {
  return encodeURIComponent(model).replaceAll("%40", "@");
}
