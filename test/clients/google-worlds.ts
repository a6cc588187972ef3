/**
 * Where Google's clients can be pointed: a provider that answers as Gemini does, and Tollgate in front of it.
 * A client must not see the difference.
 */
import { beforeEach } from "bun:test";
import type { Shape } from "../conformance/google-answers.ts";
import type { RecordedUpstream } from "../conformance/recorded-upstream.ts";
import { conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "../conformance/stage.ts";
import { freshProvider } from "../support/fresh-provider.ts";

export type GoogleWorld = {
  readonly name: "directly" | "through Tollgate";
  /** Without the version. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly upstream: RecordedUpstream;
};

/** For `describe.each`. */
export async function googleWorldsForFile(): Promise<
  readonly (readonly [GoogleWorld["name"], GoogleWorld])[]
> {
  // The official client asks for v1, others for v1beta: the base URL of the provider says which it takes.
  const { upstream, tollgate, provider, token } = await conformanceStageForFile("google", "/v1");
  beforeEach(() => freshProvider(tollgate, provider));
  const direct: GoogleWorld = {
    name: "directly",
    baseUrl: upstream.url,
    apiKey: "provider-secret",
    model: UPSTREAM_MODEL,
    upstream,
  };
  const through: GoogleWorld = {
    name: "through Tollgate",
    baseUrl: tollgate.url,
    apiKey: token,
    model: PUBLIC_MODEL,
    upstream,
  };
  return [direct, through].map((world) => [world.name, world] as const);
}

/** From now on this is answered, as a whole or as a stream of events, whichever is asked for. */
export function answerWith(upstream: RecordedUpstream, ...responses: readonly Shape[]): void {
  upstream.answer(({ path }) =>
    path.includes("alt=sse")
      ? {
          headers: { "content-type": "text/event-stream" },
          pieces: responses.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`),
        }
      : { pieces: [JSON.stringify(responses.at(-1))] },
  );
}
