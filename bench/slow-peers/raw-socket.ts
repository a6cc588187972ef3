/**
 * TCP sockets as the system has them, by the calls of the C library. Bun's own read as much as the
 * kernel holds, megabytes on a loopback; a slow peer must take a kilobyte and leave the rest, and
 * its window must be as small as that of a client far away. IPv4 and Linux only.
 */
import { dlopen } from "bun:ffi";

// Values of the Linux headers, the same on every architecture that Bun runs on.
const AF_INET = 2;
const SOCK_STREAM_NONBLOCK = 0x801;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const IPPROTO_TCP = 6;
const TCP_MAXSEG = 2;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x40_00;

/** As through an Ethernet; a loopback's 64 KB make the kernel buffer megabytes for each peer. */
const segmentBytes = 1_400;
/** The least that a kernel gives; it doubles what is asked for. */
const receiveBufferBytes = 4_096;

function loadLibrary() {
  for (const name of ["libc.so.6", "libc.so"]) {
    try {
      return dlopen(name, {
        socket: { args: ["i32", "i32", "i32"], returns: "i32" },
        setsockopt: { args: ["i32", "i32", "i32", "buffer", "u32"], returns: "i32" },
        connect: { args: ["i32", "buffer", "u32"], returns: "i32" },
        send: { args: ["i32", "buffer", "usize", "i32"], returns: "i32" },
        recv: { args: ["i32", "buffer", "usize", "i32"], returns: "i32" },
        close: { args: ["i32"], returns: "i32" },
      }).symbols;
    } catch {
      // The other C library has it under the other name.
    }
  }
  throw new Error("slow peers need Linux with a C library");
}

/** What a read brought: bytes, nothing yet, or the end of the connection. */
export type Read = number | "nothing" | "ended";

/** Opens sockets to one address; call {@link RawSockets.close} for each of them. */
export class RawSockets {
  readonly #library = loadLibrary();
  readonly #address: Uint8Array;

  constructor(host: string, port: number) {
    this.#address = new Uint8Array(16);
    const view = new DataView(this.#address.buffer);
    // The family in the machine's order, the port in the network's.
    new Uint16Array(this.#address.buffer)[0] = AF_INET;
    view.setUint16(2, port);
    this.#address.set(host.split(".").map(Number), 4);
  }

  /** Begins to connect; on a loopback it is connected when something is next sent. */
  open(): number {
    const socket = this.#library.socket(AF_INET, SOCK_STREAM_NONBLOCK, 0);
    if (socket < 0) throw new Error("no more sockets: raise ulimit -n");
    this.#set(socket, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes);
    this.#set(socket, IPPROTO_TCP, TCP_MAXSEG, segmentBytes);
    this.#library.connect(socket, this.#address, this.#address.byteLength);
    return socket;
  }

  /** How many of the bytes the system took; 0 when it takes none now. */
  send(socket: number, bytes: Uint8Array): number {
    const flags = MSG_DONTWAIT + MSG_NOSIGNAL;
    return Math.max(0, this.#library.send(socket, bytes, bytes.byteLength, flags));
  }

  /** At most as much as `into` holds. */
  read(socket: number, into: Uint8Array): Read {
    const length = this.#library.recv(socket, into, into.byteLength, MSG_DONTWAIT);
    if (length > 0) return length;
    // After a reset the next read finds the end.
    return length === 0 ? "ended" : "nothing";
  }

  close(socket: number): void {
    this.#library.close(socket);
  }

  #set(socket: number, level: number, name: number, value: number): void {
    const bytes = new Int32Array([value]);
    this.#library.setsockopt(socket, level, name, bytes, bytes.byteLength);
  }
}
