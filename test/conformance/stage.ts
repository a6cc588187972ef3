/**
 * Tollgate in front of a recorded upstream, and the way past it: each request can be made both ways, and
 * what came back and what the provider saw can be compared.
 */
import { afterAll, beforeEach } from "bun:test";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import type { DialectName } from "../../src/base/dialect.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { PriceRow, ProviderRow } from "../../src/store/contract.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type RecordedUpstream, type Seen, startRecordedUpstream } from "./recorded-upstream.ts";

/** What the provider expects to be presented. */
export const CREDENTIAL = "provider-secret";
/** The model's name at the provider, and the public name of the route to it. */
export const UPSTREAM_MODEL = "upstream-model";
export const PUBLIC_MODEL = "public-model";

export type Asked = {
  readonly method?: string;
  /** Below the client API's root: `/v1/messages?beta=true`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
};

export type Answered = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** What the provider was sent for it; null when it was sent nothing. */
  readonly seen: Seen | null;
};

export type Stage = {
  readonly tollgate: TestGateway;
  readonly upstream: RecordedUpstream;
  readonly provider: ProviderRow;
  readonly tenantId: string;
  readonly token: string;
  /** With the provider's credential, past Tollgate. `{base}` of the provider stands before the path. */
  readonly direct: (asked: Asked) => Promise<Answered>;
  /** With the access token, in the header that clients of the dialect use. */
  readonly through: (asked: Asked) => Promise<Answered>;
};

/** How clients of a dialect present their credential. */
const PRESENTED: Readonly<Record<DialectName, (credential: string) => Record<string, string>>> = {
  openai: (credential) => ({ authorization: `Bearer ${credential}` }),
  anthropic: (credential) => ({ "x-api-key": credential }),
  google: (credential) => ({ "x-goog-api-key": credential }),
};

/** Jobs are looked at when somebody is told that they have ended, and not in between. */
const withoutLooks: Clock = {
  ...systemClock,
  every: (periodMs, callback) =>
    periodMs === LIMITS.jobLooksMs
      ? { cancel: () => undefined }
      : systemClock.every(periodMs, callback),
};

/** `basePath` is what a provider's base URL ends in, as `/v1`. */
export async function conformanceStageForFile(
  dialect: DialectName,
  basePath: string,
  price: Partial<PriceRow> = {},
): Promise<Stage> {
  const upstream = await startRecordedUpstream();
  const tollgate = await startTestGateway({ clock: withoutLooks });
  const provider = await tollgate.addProvider({
    name: "recorded",
    dialect,
    baseUrl: `${upstream.url}${basePath}`,
    credentialSealed: CREDENTIAL,
  });
  await tollgate.addPrice(provider.id, UPSTREAM_MODEL, price);
  const target = { providerId: provider.id, model: UPSTREAM_MODEL, weight: 1, priority: 0 };
  await tollgate.addRoute(PUBLIC_MODEL, [target]);
  const tenantId = (await tollgate.addTenant()).id;
  const { token } = await tollgate.addToken(tenantId);
  beforeEach(() => upstream.forget());
  afterAll(async () => {
    await tollgate.stop();
    await upstream.stop();
  });
  const ask = async (root: string, credential: string, asked: Asked): Promise<Answered> => {
    const { method = "POST", path, headers, body } = asked;
    const before = upstream.seen.length;
    const answer = await fetch(`${root}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...PRESENTED[dialect](credential),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return {
      status: answer.status,
      headers: answer.headers,
      bytes,
      text: new TextDecoder().decode(bytes),
      seen: upstream.seen[before] ?? null,
    };
  };
  return {
    tollgate,
    upstream,
    provider,
    tenantId,
    token,
    direct: (asked) => ask(upstream.url, CREDENTIAL, asked),
    through: (asked) => ask(tollgate.url, token, asked),
  };
}
