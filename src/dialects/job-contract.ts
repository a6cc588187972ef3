/**
 * What a provider goes on with after it has answered, a job: what it costs is known when it has ended, from
 * what it then tells of itself, or from the files that hold what came of it.
 */
import type { JobKind, MadeObject, NamedObject } from "../base/object-kind.ts";
import type { BeyondPrice } from "./beyond-price.ts";
import type { Surface } from "./surfaces.ts";
import type { GeneratedOutput, TokenKindApart, UnitCounts, Usage } from "./usage-contract.ts";

/** `id`: by which its provider is asked for it. */
export type StartedJob = { readonly kind: JobKind; readonly id: string };

export type JobState =
  | { readonly state: "running" }
  | {
      readonly state: "ended";
      /** Ids of the files that hold what came of it, line by line; empty: nothing did. */
      readonly outputs: readonly string[];
      /** How many of its requests were answered, of a job of many; null or absent: it does not say. */
      readonly answered?: number | null;
      /** What it tells of its usage as a whole; null: nothing. */
      readonly usage: Usage | null;
      /** Output that is there, where usage is not told. Absent: none can be seen. */
      readonly outputTokensSeen?: number;
    };

/** What the lines of a file can cost together; of a file that was uploaded for batches. */
export type BatchBounds = {
  /** The surface that every line is for. */
  readonly surface: Surface;
  readonly lines: number;
  /** Sums over all lines, each as in `ClientRequest`. */
  readonly textBytes: number;
  readonly images: number;
  /** Lines with input whose size does not show: each may fill its model's context. */
  readonly unsizedLines: number;
  /** The most of one line: it tells which tiers of a price can apply. */
  readonly lineTextBytesMax: number;
  readonly lineImagesMax: number;
  /** Sum of the limits, each times its choices, of lines that set one. */
  readonly outputTokensMax: number;
  /** Choices of lines that set none: each may fill its model's output. */
  readonly unlimitedChoices: number;
  /** Of all lines: each may be thought about beside its limit. */
  readonly choices: number;
  readonly generates: boolean;
  /** Kinds that no line has. */
  readonly without: readonly TokenKindApart[];
  readonly toolCallsMax: Readonly<Record<string, number>>;
  /** Empty where nothing but tokens is used. */
  readonly unitsMax: UnitCounts;
  /** Of the first line that has one. */
  readonly beyondPrice: BeyondPrice | null;
  /** For whom its lines ask: nobody, one end user, or `several`, who cannot be charged apart. */
  readonly endUser: { readonly id: string } | "several" | null;
};

/** What a file asks for that is uploaded for batches. */
export type BatchFile = {
  /** The public name of the model that all lines are for. */
  readonly model: string;
  /** Where they name it: begin and end of each value in the file, one after the other. */
  readonly modelSpans: readonly number[];
  /** Everything that a line names, each once. */
  readonly objects: readonly NamedObject[];
  readonly bounds: BatchBounds;
};

/** One line of a file that holds what came of a batch. */
export type OutputLine = {
  /** False: its request failed, and costs nothing. */
  readonly isAnswered: boolean;
  /** null: none was reported, or the line was too long to be read. */
  readonly usage: Usage | null;
  readonly output: GeneratedOutput;
  /** What the provider keeps of the answer from now on. */
  readonly made: readonly MadeObject[];
};

/** Reads such a file while it comes: gives the lines that end within each piece, then the last one. */
export type JobOutput = {
  readonly push: (piece: Uint8Array) => readonly OutputLine[];
  readonly end: () => readonly OutputLine[];
};
