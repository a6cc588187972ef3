/**
 * What a command line asks `bench slow-peers` for. As for the benchmark itself, anything that is not
 * understood is wrong usage, never ignored.
 */
import {
  filesFrom,
  Misuse,
  numberOf,
  type Reading,
  readingOf,
  flagsOf,
  secondsOf,
  wholeOf,
} from "../option-values.ts";
import type { Files } from "../save.ts";

/** How a peer is slow. */
export type PeerKind = (typeof PEER_KINDS)[number];
export const PEER_KINDS = ["readers", "senders"] as const;

export type SlowPeersOptions = Files & {
  readonly kinds: readonly PeerKind[];
  readonly peers: number;
  /** Of ordinary clients. */
  readonly plainPerSecond: number;
  readonly streamsPerSecond: number;
  readonly rounds: number;
  readonly blockMs: number;
};

export const SLOW_PEERS_USAGE = `Usage: bench slow-peers [options]

Measures what ordinary clients feel of slow ones: the latency of plain requests and the first frame
of streams, at a steady modest rate, alone and beside 2,000 clients that read their long streams at
a kilobyte a second, then alone again and beside 2,000 clients that send their bodies at four bytes
a second, half of them declared and half chunked; and again, in turn, so that the machine's noise
falls on both. With the defaults it takes 85 seconds. Needs Linux, and open files for all of them
(ulimit -n).

  --kinds KINDS       readers, senders or both (both)
  --peers N           slow clients at once (2000)
  --rate N            plain requests per second of ordinary clients (200)
  --stream-rate N     streams per second of ordinary clients (40)
  --rounds N          how often everything is measured (3)
  --block S           seconds of each measurement (3.5)
  --json FILE         write the results as JSON (bench/results/slow-peers-TIME.json)
  --plot FILE         draw the results, .svg or .html (bench/results/slow-peers-TIME.svg)
  --help              this text

Exit codes: 0 no goal was missed, 1 failed or a goal was missed, 2 wrong usage.
`;

const flags = {
  kinds: { type: "string" },
  peers: { type: "string" },
  rate: { type: "string" },
  "stream-rate": { type: "string" },
  rounds: { type: "string" },
  block: { type: "string" },
  json: { type: "string" },
  plot: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads everything after the word `slow-peers`. */
export function parseSlowPeersOptions(args: readonly string[]): Reading<SlowPeersOptions> {
  return readingOf(() => {
    const values = flagsOf(args, flags);
    if (values.help === true) return undefined;
    const rate = { min: 1, max: 5_000 };
    return {
      kinds: kindsOf(values.kinds ?? "both"),
      peers: wholeOf("peers", values.peers ?? "2000", { min: 1, max: 20_000 }),
      plainPerSecond: numberOf("rate", values.rate ?? "200", rate),
      streamsPerSecond: numberOf("stream-rate", values["stream-rate"] ?? "40", rate),
      rounds: wholeOf("rounds", values.rounds ?? "3", { min: 1, max: 50 }),
      blockMs: secondsOf("block", values.block ?? "3.5", { min: 0.2, max: 60 }),
      ...filesFrom(values),
    };
  });
}

function kindsOf(text: string): readonly PeerKind[] {
  if (text === "both") return PEER_KINDS;
  const kind = PEER_KINDS.find((one) => one === text);
  if (kind === undefined) throw new Misuse(`--kinds must be ${PEER_KINDS.join(" or ")}, or both`);
  return [kind];
}
