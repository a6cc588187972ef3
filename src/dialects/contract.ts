/**
 * What every wire language answers for: accepting a client's body, making the upstream's bytes from
 * it by splicing, watching an answer for content, usage and terminator, and wording our errors. A
 * dialect knows no tenant, no money and no network.
 */
import type { ErrorCode } from "../base/error.ts";
import type { Verdict } from "../base/verdict.ts";

export type Surface = "chat" | "embeddings";

/** Tokens as the provider reported them, cached and reasoning tokens being parts of the first two. */
export type Usage = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Part of `inputTokens`. */
  readonly cachedInputTokens: number;
  /** Part of `outputTokens`. */
  readonly reasoningTokens: number;
};

/** A client's body, checked, with its bytes as they came. */
export type ClientRequest = {
  readonly surface: Surface;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly model: string;
  readonly stream: boolean;
  /** The client asked for a usage chunk itself. */
  readonly usageAsked: boolean;
  /** Output limit the client set, for one choice; null when it set none. */
  readonly outputTokensMax: number | null;
  /** Answers asked for (`n`); output is paid for each. */
  readonly choices: number;
  /** False where the surface generates nothing (embeddings): output costs nothing. */
  readonly generates: boolean;
  /** Bytes of the body that may become input tokens: all but inline images. */
  readonly textBytes: number;
  /** Inline or linked images, which are priced by a bound of their own. */
  readonly images: number;
};

/** The values that the gateway changes in a client's body. */
export type RequestEdits = {
  /** The upstream's name of the model. */
  readonly model: string;
  /** Output limit to inject; null leaves the client's own. */
  readonly outputTokensCap: number | null;
  /** Newer OpenAI models refuse `max_tokens`; most compatible servers know nothing else. */
  readonly outputCapMember: "max_tokens" | "max_completion_tokens";
  /** Ask the upstream for the usage chunk of a stream. */
  readonly includeUsage: boolean;
};

/**
 * Watches one streamed answer. Events are forwarded whole and unchanged, but for a usage chunk the
 * client did not ask for, which is taken out.
 */
export interface StreamWatch {
  /** Takes one network chunk; throws GatewayError `upstream_error` when an event has no end in sight. */
  readonly push: (chunk: Uint8Array) => readonly Uint8Array[];
  /** True from the first event that carries content (text, tool call, refusal, finish). */
  readonly hasContent: () => boolean;
  /** True once the dialect's own terminator came. */
  readonly hasEnded: () => boolean;
  /** An error event of the provider, as it came, before or after content; null when none. */
  readonly failure: () => { readonly body: string; readonly status: number | null } | null;
  /** Usage the provider reported, the last one wins; null while none came. */
  readonly usage: () => Usage | null;
  /** Output tokens that the events so far can hold, for an answer without usage. */
  readonly outputTokensSeen: () => number;
}

/** One error as the dialect's clients expect it. */
export type ErrorReply = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
};

export interface Dialect {
  readonly name: string;
  /** The path under a provider's base URL. */
  readonly path: (surface: Surface) => string;
  /** Checks a body; refuses with `invalid_json` or `invalid_request` and the member's name. */
  readonly accept: (surface: Surface, bytes: Uint8Array<ArrayBuffer>) => Verdict<ClientRequest>;
  /** The upstream's bytes: the client's own but for the spliced values. */
  readonly request: (request: ClientRequest, edits: RequestEdits) => Uint8Array<ArrayBuffer>;
  /** Headers that present a credential to a provider. */
  readonly credentialHeaders: (credential: string) => Readonly<Record<string, string>>;
  /** `keepUsage`: the client asked for the usage chunk, so it stays in. */
  readonly watch: (keepUsage: boolean) => StreamWatch;
  /** Usage of a plain answer; null when it holds none, undefined when it is not valid JSON. */
  readonly usage: (answer: Uint8Array) => Usage | null | undefined;
  /** Output tokens that a plain answer without usage can hold. */
  readonly outputTokensSeen: (answer: Uint8Array) => number;
  readonly errorBody: (error: ErrorReply) => string;
  /** The same error as the last event of a stream. */
  readonly errorEvent: (error: ErrorReply) => Uint8Array;
}
