/**
 * What every wire language answers for: accepting a client's body, making the upstream's bytes from
 * it by splicing, watching an answer for content, usage and terminator, and wording our errors. A
 * dialect knows no tenant, no money and no network.
 */
import type { MadeObject, NamedObject } from "../base/object-kind.ts";
import type { Verdict } from "../base/verdict.ts";
import type { BeyondPrice } from "./beyond-price.ts";
import type { DialectHeaders } from "./headers.ts";
import type { BatchBounds, BatchFile, JobOutput, JobState, StartedJob } from "./job-contract.ts";
import type { Refused } from "./json-body.ts";
import type { ClientForm } from "./multipart.ts";
import type { ErrorReply, Framing } from "./reply-contract.ts";
import type { Edit } from "./splice.ts";
import type { Surface } from "./surfaces.ts";
import type { GeneratedOutput, TokenKindApart, UnitUse, Usage } from "./usage-contract.ts";

/** A kind of input; what is neither text, picture nor sound is a file. */
export type Modality = "text" | "image" | "audio" | "file";

/** A client's body, checked, with its bytes as they came. */
export type ClientRequest = {
  readonly surface: Surface;
  /** Empty where they are not held in memory: a large form lies in a temporary file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The parts of a body that is a form; absent: it is none. */
  readonly form?: ClientForm;
  readonly model: string;
  readonly stream: boolean;
  /** For whom the client asks, in its own word, or the hash of a long one; null: it does not say. */
  readonly endUserId: string | null;
  /** The client asked for a usage chunk itself. */
  readonly usageAsked: boolean;
  /** Output limit the client set, for one choice; null when it set none. */
  readonly outputTokensMax: number | null;
  /** Nothing in its body can limit its output. Absent: where the client set no limit, one can be. */
  readonly isUncapped?: true;
  /** Answers asked for (`n`); output is paid for each. */
  readonly choices: number;
  /** False where the surface generates nothing (embeddings): output costs nothing. */
  readonly generates: boolean;
  /** Bytes of the body that may become input tokens: all but inline images. */
  readonly textBytes: number;
  /** Inline or linked images, which are priced by a bound of their own. */
  readonly images: number;
  /** Input whose size the body does not show: a file by its id, a document, a linked video. */
  readonly hasUnsized: boolean;
  /** Kinds of input that it holds. */
  readonly modalities: readonly Modality[];
  /** It offers the model tools, the client's own or the provider's. */
  readonly offersTools: boolean;
  /** What the request surely does without; in doubt a kind is not among them. */
  readonly without: readonly TokenKindApart[];
  /** Most calls of the provider's own tools that are paid per call, by tool. */
  readonly toolCallsMax: Readonly<Record<string, number>>;
  /** Absent where nothing but tokens is used. */
  readonly units?: UnitUse;
  /** What it names that a provider keeps: only who keeps it can serve. Absent: nothing. */
  readonly objects?: readonly NamedObject[];
  /** The item that its path names within the first of them. Absent: it names none. */
  readonly itemId?: string;
  /** It is made in the provider's own time, and asked for later. Absent: it is answered at once. */
  readonly background?: true;
  /** What it asks for that no price here is for. Absent: nothing. */
  readonly beyondPrice?: BeyondPrice;
  /** The requests of the file that a batch is made of. Absent: it is none. */
  readonly batch?: BatchBounds;
  /** Where the lines of a batch must go, as its maker says. Absent: it is none. */
  readonly batchUrl?: string;
  /** The file that it uploads for batches. Absent: none. */
  readonly batchFile?: BatchFile;
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
  /**
   * Told that the body has come to its proper end, which ends a complete answer where the dialect has no
   * terminator; gives what is still to be forwarded. Absent where it has one.
   */
  readonly bodyEnded?: () => readonly Uint8Array[];
  /** An error event of the provider, as it came, before or after content; null when none. */
  readonly failure: () => AnswerFailure | null;
  /** Usage the provider reported, the last one wins; null while none came. */
  readonly usage: () => Usage | null;
  /** False while the usage that came is a running count, beside text that was still being written. */
  readonly isUsageFinal: () => boolean;
  /** What was generated so far, for an answer without usage and for the bound of its hold. */
  readonly output: () => GeneratedOutput;
  /**
   * The last events of a stream that is ended before its provider ended it, because its cost has
   * reached its hold: every unfinished choice finishes for its length, then usage where the client
   * asked for it, then the terminator.
   */
  readonly lengthEnding: (usage: Usage) => Uint8Array;
  /** The answer is bytes without events: nothing of ours may be written into it. Absent: it has events. */
  readonly isBytes?: true;
  /** An error as its last event, where that depends on the events before; absent: as the codec words it. */
  readonly errorEvent?: (error: ErrorReply) => Uint8Array;
  /** What the provider keeps of it, as far as it has told. */
  readonly made?: () => readonly MadeObject[];
}

/** In what a provider's streams differ from what its dialect says. */
export type StreamManner = {
  /** It may leave the terminator out: a body that ends when every choice has finished is complete. */
  readonly endsWithFinish: boolean;
};

/** A watch whose stream another attempt can go on with when it breaks off. */
export interface ContinuableWatch extends StreamWatch {
  /** The text that the client was sent; null where it was sent more than text, or more than is kept. */
  readonly textSoFar: () => string | null;
  /** Error events of the provider, which are kept back for the case that another goes on. */
  readonly withheld: () => readonly Uint8Array[];
  /**
   * From now on the events of another attempt come, and what this watch tells is about them; the bytes
   * that it gives out go on with the answer. `before`: what was billed so far. `repeatsText`: the
   * provider begins with the text it was given.
   */
  readonly goOn: (
    attempt: StreamManner & { readonly before: Usage; readonly repeatsText: boolean },
  ) => void;
}

/** An answer that broke off, for the request that goes on with it. */
export type AnswerSoFar = {
  /** How the model is asked. */
  readonly how: "prefix" | "continue_final_message";
  readonly text: string;
  readonly outputTokens: number;
};

/** An error within an answer that was 200: its text, and the status that it says it would have had. */
export type AnswerFailure = { readonly body: string; readonly status: number | null };

/** Where a request came, as far as its surface is concerned. */
export type Place = {
  /** The model that the path names; null where the body does. */
  readonly model: string | null;
  /** The object that the path names; absent where the surface has none. */
  readonly objectId?: string;
  /** An item within that object, which its provider alone knows to be there; absent: likewise. */
  readonly itemId?: string;
  /** What follows the path, with its `?`; absent: nothing of it matters. */
  readonly query?: string;
};

/** A surface whose bodies are multipart forms, with files that are never held in memory. */
export type FormSpec = {
  readonly bodyBytesMax: number;
  /** What `request` changes, for a form whose bytes lie elsewhere. */
  readonly edits: (request: ClientRequest, edits: RequestEdits) => readonly Edit[];
  /** Reads a file in it that says what is asked for; null: it is the provider's alone. Absent: all are. */
  readonly reads?: (request: ClientRequest) => FileReading | null;
};

/** A file in a form that is read before anybody is asked; in pieces, in order. */
export type FileReading = {
  /** Where it stands in the form. */
  readonly start: number;
  readonly end: number;
  /** Refuses with `invalid_request`; then nothing more is read. */
  readonly push: (piece: Uint8Array<ArrayBuffer>) => Refused | null;
  /** The request, as all of it says; refuses likewise. */
  readonly finish: () => Verdict<ClientRequest>;
  /** Bytes of the file that it holds now. */
  readonly heldBytes: () => number;
};

/** One surface of a wire language: its bodies, its answers and its streams. */
export interface Codec {
  readonly surface: Surface;
  /** The path under a provider's base URL, with the upstream's name of the model where it is part of it. */
  readonly path: (request: ClientRequest, model: string) => string;
  /**
   * Checks a body; refuses with `invalid_json` or `invalid_request` and the member's name. `form`: its
   * parts, where bodies are forms.
   */
  readonly accept: (
    bytes: Uint8Array<ArrayBuffer>,
    place: Place,
    form?: ClientForm,
  ) => Verdict<ClientRequest>;
  /** Bodies are multipart forms; absent: they are held in memory as they come. */
  readonly form?: FormSpec;
  /**
   * Its requests are of no model: the one that a client names in `x-tollgate-model` tells who is asked.
   * Absent: the body or the path names it.
   */
  readonly modelInHeader?: true;
  /** The codec for a place whose address asks for its answers in another form; absent: none does. */
  readonly at?: (place: Place) => Codec;
  /** Absent: its streams are server-sent events, and the dialect words their errors. */
  readonly framing?: Framing;
  /** The longest part of a stream; absent: the common bound. */
  readonly eventBytesMax?: number;
  /** Is it to be answered like every other request with the same bytes? */
  readonly isDeterministic: (request: ClientRequest) => boolean;
  /** The upstream's bytes: the client's own but for the spliced values. */
  readonly request: (request: ClientRequest, edits: RequestEdits) => Uint8Array<ArrayBuffer>;
  /** `manner` absent: streams end as the dialect says. */
  readonly watch: (
    request: Pick<ClientRequest, "usageAsked" | "choices" | "background">,
    manner?: StreamManner,
  ) => StreamWatch;
  /** The same for a request whose answer could be gone on with; null: it could not. */
  readonly watchContinuable: (
    request: ClientRequest,
    manner?: StreamManner,
  ) => ContinuableWatch | null;
  /** The request that goes on with a broken answer; null: the client's output limit is reached. */
  readonly continued: (request: ClientRequest, answer: AnswerSoFar) => ClientRequest | null;
  /** Usage of a plain answer; null when it holds none, undefined when it is not valid JSON. */
  readonly usage: (answer: Uint8Array) => Usage | null | undefined;
  /** The error that a plain answer is in place of an answer; null when it is none. */
  readonly failureIn: (answer: Uint8Array) => AnswerFailure | null;
  /** What a plain answer holds. */
  readonly output: (answer: Uint8Array) => GeneratedOutput;
  /**
   * Watches an answer that is relayed piece by piece although no stream was asked for; null: one of this
   * type is read whole. Absent: every one is.
   */
  readonly watchBytes?: (contentType: string) => StreamWatch | null;
  /** What the provider keeps, by its plain answer; absent: nothing. */
  readonly made?: (
    answer: Uint8Array,
    request: Pick<ClientRequest, "batchFile">,
  ) => readonly MadeObject[];
  /**
   * What it asks for is in a file that it names: the whole of it, by what is remembered of that file.
   * Absent: it says all itself.
   */
  readonly ofFile?: (request: ClientRequest, batch: string | null) => Verdict<ClientRequest>;
  /** What the provider goes on with after this plain answer; null: nothing. Absent: it never does. */
  readonly job?: (answer: Uint8Array) => StartedJob | null;
  /** How a job stands, by the plain answer about it; null: it does not say. Absent: it is about none. */
  readonly jobState?: (answer: Uint8Array) => JobState | null;
  /** Reads the files that a job's answers come in, all of them for `surface`. Absent: it has none. */
  readonly jobOutput?: (surface: Surface) => JobOutput;
}

export interface Dialect {
  readonly name: string;
  readonly headers: DialectHeaders;
  readonly errorBody: (error: ErrorReply) => string;
  /** The same error as the last event of a stream. */
  readonly errorEvent: (error: ErrorReply) => Uint8Array;
  /**
   * The body of a refusal as the last event of a stream that has begun already; null where clients
   * would not take it for an error.
   */
  readonly errorEventOf: (body: Uint8Array<ArrayBuffer> | string) => Uint8Array | null;
}
