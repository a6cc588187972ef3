/**
 * Many slow peers of one kind, each of which does a little once a second: reads a kilobyte of its
 * stream, or sends four bytes of its body. They take their turns evenly over the second.
 */
import { type Clock, sleep, type Timer } from "../../src/base/clock.ts";
import type { PeerKind } from "./options.ts";
import { RawSockets } from "./raw-socket.ts";

/** What is asked of a crowd. */
export type CrowdPlan = {
  readonly kind: PeerKind;
  readonly host: string;
  readonly port: number;
  readonly peers: number;
  /** Over how long they come. */
  readonly rampMs: number;
  /** Complete requests of readers; heads of senders, the declared and the chunked in turn. */
  readonly requests: readonly string[];
};

/** How the crowd stands. */
export type CrowdCounts = {
  readonly connected: number;
  /** Connections that the other side has ended. */
  readonly ended: number;
  /** By status, of the answers that have begun. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly bytesRead: number;
  readonly bytesSent: number;
};

const READ_BYTES_PER_SECOND = 1_024;
const SENT_BYTES_PER_SECOND = 4;

const tickMs = 20;
const ticksPerSecond = 1_000 / tickMs;
/** The begin of a body that is a request, and goes on as one for as long as anybody waits. */
const bodyBegin = '{"model":"slow","messages":[{"role":"user","content":"';

type Peer = {
  readonly socket: number;
  readonly isChunked: boolean;
  unsent: Uint8Array;
  bodySent: number;
  hasStatus: boolean;
  hasEnded: boolean;
};

/** Call {@link Crowd.leave} in the end. */
export class Crowd {
  readonly #plan: CrowdPlan;
  readonly #sockets: RawSockets;
  readonly #peers: Peer[] = [];
  readonly #statuses = new Map<string, number>();
  readonly #buffer = new Uint8Array(READ_BYTES_PER_SECOND);
  #timer: Timer | undefined;
  #tick = 0;
  #bytesRead = 0;
  #bytesSent = 0;

  constructor(plan: CrowdPlan) {
    this.#plan = plan;
    this.#sockets = new RawSockets(plan.host, plan.port);
  }

  /** Resolves when all are there. */
  async come(clock: Clock): Promise<void> {
    this.#timer = clock.every(tickMs, () => this.#everyTick());
    const { peers, rampMs } = this.#plan;
    const startedAtMs = clock.monotonicMs();
    while (this.#peers.length < peers) {
      const share = rampMs === 0 ? 1 : (clock.monotonicMs() - startedAtMs) / rampMs;
      const due = Math.min(peers, Math.ceil(share * peers));
      while (this.#peers.length < due) this.#join();
      await sleep(clock, tickMs);
    }
  }

  counts(): CrowdCounts {
    const ended = this.#peers.filter(({ hasEnded }) => hasEnded).length;
    return {
      connected: this.#peers.length - ended,
      ended,
      statuses: Object.fromEntries(this.#statuses),
      bytesRead: this.#bytesRead,
      bytesSent: this.#bytesSent,
    };
  }

  /** Ends every connection at once. */
  leave(): void {
    this.#timer?.cancel();
    for (const { socket } of this.#peers.splice(0)) this.#sockets.close(socket);
  }

  #join(): void {
    const { requests } = this.#plan;
    const index = this.#peers.length;
    const request = requests[index % requests.length] ?? "";
    this.#peers.push({
      socket: this.#sockets.open(),
      isChunked: request.includes("\r\ntransfer-encoding: chunked\r\n"),
      unsent: new TextEncoder().encode(request),
      bodySent: 0,
      hasStatus: false,
      hasEnded: false,
    });
  }

  /** Those whose turn it is; heads that are not out yet do not wait for theirs. */
  #everyTick(): void {
    this.#tick += 1;
    for (const [index, peer] of this.#peers.entries()) {
      if (peer.hasEnded) continue;
      if (peer.unsent.length > 0) this.#send(peer);
      else if (index % ticksPerSecond === this.#tick % ticksPerSecond) this.#take(peer);
    }
  }

  #take(peer: Peer): void {
    if (this.#plan.kind === "senders") {
      peer.unsent = nextPiece(peer);
      peer.bodySent += SENT_BYTES_PER_SECOND;
      this.#send(peer);
    }
    const read = this.#sockets.read(peer.socket, this.#buffer);
    if (read === "nothing") return;
    if (read === "ended") {
      peer.hasEnded = true;
      return;
    }
    this.#bytesRead += read;
    if (peer.hasStatus) return;
    peer.hasStatus = true;
    const begin = new TextDecoder().decode(this.#buffer.subarray(0, Math.min(read, 16)));
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(begin)?.[1] ?? "not HTTP";
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
  }

  #send(peer: Peer): void {
    const sent = this.#sockets.send(peer.socket, peer.unsent);
    this.#bytesSent += sent;
    peer.unsent = peer.unsent.subarray(sent);
  }
}

function nextPiece({ bodySent, isChunked }: Peer): Uint8Array {
  const begin = bodyBegin.slice(bodySent, bodySent + SENT_BYTES_PER_SECOND);
  const piece = begin.padEnd(SENT_BYTES_PER_SECOND, "z");
  const text = isChunked ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece;
  return new TextEncoder().encode(text);
}
