/**
 * Signs requests with an access key of AWS (Signature Version 4): the only importer of aws4fetch. Only
 * host, date and session are signed beside the body, so that what is between us and AWS may add to the
 * rest; keys that are derived for a day are kept.
 */
import { AwsV4Signer } from "aws4fetch";
import type { Clock } from "../../base/clock.ts";
import type { AwsAccessKey } from "../../providers/credential-text.ts";
import type { HeaderRecord, Outgoing } from "./presenter.ts";

export type SigV4 = {
  readonly clock: Pick<Clock, "nowMs">;
  readonly accessKey: AwsAccessKey;
  readonly service: string;
  readonly region: string;
};

/** Of `bedrock-runtime.us-east-1.amazonaws.com` and its kind; null: the address names none. */
export function regionIn(baseUrl: string): string | null {
  const { hostname } = new URL(baseUrl);
  return /\.([a-z]{2,3}(?:-[a-z]+)+-\d)\./.exec(`.${hostname}.`)?.[1] ?? null;
}

export function createSigner({ clock, accessKey, service, region }: SigV4) {
  const { accessKeyId, secretAccessKey, sessionToken } = accessKey;
  let derived = new Map<string, ArrayBuffer>();
  return async ({ method, url, body }: Outgoing): Promise<HeaderRecord> => {
    if (body === null) throw new Error("a body that is streamed cannot be signed");
    // One for each day of the process.
    if (derived.size > 2) derived = new Map();
    const signer = new AwsV4Signer({
      method,
      url,
      body,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === null ? {} : { sessionToken }),
      service,
      region,
      cache: derived,
      datetime: stamp(clock.nowMs()),
    });
    const { headers } = await signer.sign();
    return Object.fromEntries(headers);
  };
}

/** `20261129T021500Z`. */
function stamp(atMs: number): string {
  return new Date(atMs).toISOString().replaceAll(/[:-]|\.\d{3}/g, "");
}
