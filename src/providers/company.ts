/**
 * What a company is, as data: which wire language its servers speak and where, how credentials are
 * presented to them, what they can be asked, and in what they differ from others of their language.
 */
import type { DialectName } from "../base/dialect.ts";
import type { Surface } from "../dialects/surfaces.ts";

/** How a credential becomes headers of a request. */
export type Authentication =
  /** `authorization: Bearer CREDENTIAL`. */
  | { readonly kind: "bearer" }
  /** The credential as the value of this header. */
  | { readonly kind: "header"; readonly name: string }
  /** A token of Microsoft Entra for an application's secret, fetched and kept until it expires. */
  | { readonly kind: "azure_entra"; readonly scope: string }
  /** Every request signed with an access key of AWS (Signature Version 4). */
  | { readonly kind: "aws_sigv4"; readonly service: string }
  /** A token of Google for a service account's key, fetched and kept until it expires. */
  | { readonly kind: "google_service_account"; readonly scope: string };

/** How requests are put, where it is not the dialect's own way: paths, queries, bodies or frames differ. */
export type WireName = "azure_deployments" | "bedrock_invoke" | "vertex_anthropic";

/** A part of an address, or of how requests are put, that is each operator's own. */
export type Parameter = {
  readonly name: string;
  /** What it is, for people. */
  readonly description: string;
  /** Taken where the operator names none; null: it must be named. */
  readonly standard: string | null;
};

/** In what servers of one language differ. */
export type Quirks = {
  /** The member in which an output limit is set. */
  readonly outputCapMember: "max_tokens" | "max_completion_tokens";
  /** An answer that goes on with a given text begins with that text. */
  readonly repeatsText: boolean;
  /** A stream may end without its terminator, once every choice has finished. */
  readonly endsWithFinish: boolean;
  /** Streams tell usage unasked; a request that asks for it in `stream_options` is refused. */
  readonly tellsUsageUnasked: boolean;
  /** Files can be uploaded for batches, and for nothing else. */
  readonly keepsBatchFilesOnly: boolean;
  /** An output limit says nothing of what models think before they answer, which is paid all the same. */
  readonly thinksBeyondLimit: boolean;
  /** Shorter sound is billed as if it were so long. */
  readonly soundSecondsLeast: number;
};

export type Company = {
  /** What operators call it by. */
  readonly id: string;
  readonly displayName: string;
  readonly dialect: DialectName;
  /** Where the dialect's paths begin; `{name}` stands for a parameter. */
  readonly baseUrl: string;
  readonly parameters: readonly Parameter[];
  readonly authentication: Authentication;
  /** False: it can be called without one. */
  readonly needsCredential: boolean;
  /** Its own server on a machine or network of the operator's. */
  readonly isLocal: boolean;
  /** all: every surface of its dialect. */
  readonly surfaces: "all" | readonly Surface[];
  /** null: as the dialect says. */
  readonly wire: WireName | null;
  readonly quirks: Quirks;
  /** Its API reference, and the day on which the row was last compared with what is published. */
  readonly reference: string;
  readonly referenceSeenOn: string;
};

/** What most servers of every language do. */
export const USUAL_QUIRKS: Quirks = {
  outputCapMember: "max_tokens",
  repeatsText: false,
  endsWithFinish: false,
  tellsUsageUnasked: false,
  keepsBatchFilesOnly: false,
  thinksBeyondLimit: false,
  soundSecondsLeast: 0,
};

/** Answers that are kept, as far as most of those do it who keep them. */
export const RESPONSES = [
  "responses",
  "response",
  "response_delete",
] as const satisfies readonly Surface[];

/** Batches in OpenAI's shape, and the files that they are made of and give. */
export const BATCHES = [
  "files",
  "file",
  "file_delete",
  "file_content",
  "batches",
  "batch",
  "batch_cancel",
] as const satisfies readonly Surface[];

/** What a company's row leaves out is as it is of most. */
type Row = Pick<Company, "id" | "displayName" | "baseUrl" | "reference"> &
  Partial<Omit<Company, "quirks">> & { readonly quirks?: Partial<Quirks> };

/** Of every row that names no other day. */
const SEEN_ON = "2026-11-29";

/** A company's other API, in Anthropic's language. */
export function anthropicApi(row: Row): Company {
  return company({ dialect: "anthropic", surfaces: ["messages"], ...row });
}

export function company(row: Row): Company {
  return {
    dialect: "openai",
    parameters: [],
    authentication: { kind: "bearer" },
    needsCredential: true,
    isLocal: false,
    surfaces: ["chat"],
    wire: null,
    referenceSeenOn: SEEN_ON,
    ...row,
    quirks: { ...USUAL_QUIRKS, ...row.quirks },
  };
}
