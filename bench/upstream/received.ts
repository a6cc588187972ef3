/**
 * One request that the simulated provider received, from its headers to the last byte of its
 * answer. This is the truth that a gateway's own ledger is compared with.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { ReportedUsage } from "./usage.ts";

/** Grows while the request is under way; times are wall time in milliseconds. */
export type Received = {
  /** Counts up from 1 for the life of the server, through resets. */
  readonly number: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly receivedAtMs: number;
  bodyBytes: number;
  /** Only while bodies are kept. */
  body: Uint8Array | undefined;
  /** The model's name without its script; "" before the body was understood. */
  model: string;
  /** The scripts of model and header as they came, joined by `&`. */
  script: string;
  isStream: boolean;
  /** 0 until the answer's headers were sent. */
  status: number;
  /** Model tokens generated so far, whether or not the client was there to read them. */
  tokensGenerated: number;
  promptTokens: number;
  /** What the answer reported, once the bytes that say so were handed over. */
  usage: ReportedUsage | undefined;
  bodyBytesSent: number;
  firstByteAtMs: number | undefined;
  /** When the answer was complete or the connection gone. */
  endedAtMs: number | undefined;
  /** Every byte of the answer was handed over and the message properly ended. */
  isCompleted: boolean;
  /** The client went away before the answer was complete. */
  isClosedEarly: boolean;
  /** We dropped the connection, as the script demanded. */
  isCut: boolean;
};
