/**
 * Reads HTTP/1.1 responses from a connection's bytes, however the network cut them. It knows the
 * three ways a body may end (content-length, chunked, end of connection) and whether the connection
 * may carry another exchange. It never copies a body: views of the network read are handed on.
 */

/** Hears a response in order: its head, its body in pieces, its end. */
export interface ResponseSink {
  readonly onHead: (status: number, head: string) => void;
  /** A view that is valid during the call only. */
  readonly onBody: (bytes: Buffer) => void;
  /** The response is complete; `reusable`: the connection may carry another exchange. */
  readonly onEnd: (reusable: boolean) => void;
}

/** The peer does not speak HTTP/1.1 as we understand it. */
export class HttpSyntaxError extends Error {
  override name = "HttpSyntaxError";
}

const headBytesMax = 65_536;
const lineBytesMax = 8_192;
const nothing = Buffer.alloc(0);

type Place = "head" | "counted" | "until-close" | "chunk-size" | "chunk" | "chunk-end" | "trailer";

/** Reads the responses of one connection, one after the other. */
export class ResponseParser {
  readonly #sink: ResponseSink;
  #place: Place = "head";
  /** Bytes of an unfinished head or line; empty in the common case of one read per response. */
  #carry: Buffer = nothing;
  #bodyBytesLeft = 0;
  #reusable = true;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Takes what one network read brought; throws {@link HttpSyntaxError}. */
  push(read: Buffer): void {
    let bytes = read;
    if (this.#carry.length > 0) {
      bytes = Buffer.concat([this.#carry, read]);
      this.#carry = nothing;
    }
    let offset = 0;
    while (offset < bytes.length) {
      const next = this.#step(bytes, offset);
      if (next < 0) {
        // A copy, since the read's memory is not ours after this call.
        this.#carry = Buffer.from(bytes.subarray(offset));
        return;
      }
      offset = next;
    }
  }

  /** The connection ended: true when that was this response's proper end. */
  close(): boolean {
    if (this.#place !== "until-close") return false;
    this.#end(false);
    return true;
  }

  /** Consumes one element from `offset`; the next offset, or -1 when it is not there as a whole. */
  #step(bytes: Buffer, offset: number): number {
    const place = this.#place;
    if (place === "head") return this.#readHead(bytes, offset);
    if (place === "counted" || place === "chunk") return this.#readCounted(bytes, offset);
    if (place !== "until-close") return this.#readLine(bytes, offset);
    this.#sink.onBody(bytes.subarray(offset));
    return bytes.length;
  }

  #readHead(bytes: Buffer, offset: number): number {
    const end = bytes.indexOf("\r\n\r\n", offset, "latin1");
    if (end < 0) {
      if (bytes.length - offset > headBytesMax)
        throw new HttpSyntaxError("response head too large");
      return -1;
    }
    const head = bytes.toString("latin1", offset, end);
    const start = /^HTTP\/1\.([01]) (\d{3})(?: |\r|$)/.exec(head);
    if (start === null) throw new HttpSyntaxError("not an HTTP/1.1 response");
    const status = Number(start[2]);
    // An interim response announces the real one.
    if (status >= 100 && status < 200) return end + 4;
    this.#openBody(head, status, start[1] === "1");
    return end + 4;
  }

  #openBody(head: string, status: number, persistent: boolean): void {
    const connection = headerOf(head, "connection")?.toLowerCase() ?? "";
    this.#reusable = persistent ? !connection.includes("close") : connection.includes("keep-alive");
    this.#sink.onHead(status, head);
    const coding = headerOf(head, "transfer-encoding")?.toLowerCase();
    const length = headerOf(head, "content-length");
    if (status === 204 || status === 304) {
      this.#end(this.#reusable);
    } else if (coding !== undefined) {
      if (coding !== "chunked") throw new HttpSyntaxError(`transfer-encoding ${coding}`);
      this.#place = "chunk-size";
    } else if (length === undefined) {
      this.#place = "until-close";
    } else {
      if (!/^\d{1,15}$/.test(length)) throw new HttpSyntaxError("content-length is not a number");
      this.#bodyBytesLeft = Number(length);
      this.#place = "counted";
      if (this.#bodyBytesLeft === 0) this.#end(this.#reusable);
    }
  }

  #readCounted(bytes: Buffer, offset: number): number {
    const end = Math.min(bytes.length, offset + this.#bodyBytesLeft);
    this.#bodyBytesLeft -= end - offset;
    this.#sink.onBody(bytes.subarray(offset, end));
    if (this.#bodyBytesLeft === 0) {
      if (this.#place === "chunk") this.#place = "chunk-end";
      else this.#end(this.#reusable);
    }
    return end;
  }

  #readLine(bytes: Buffer, offset: number): number {
    const end = bytes.indexOf(10, offset);
    if (end < 0) {
      if (bytes.length - offset > lineBytesMax) throw new HttpSyntaxError("chunk line too long");
      return -1;
    }
    const line = bytes.toString("latin1", offset, end).trimEnd();
    if (this.#place === "chunk-size") {
      const size = /^[\da-fA-F]{1,8}(?=[;\s]|$)/.exec(line)?.[0];
      if (size === undefined) throw new HttpSyntaxError("chunk size is not a number");
      this.#bodyBytesLeft = Number.parseInt(size, 16);
      this.#place = this.#bodyBytesLeft === 0 ? "trailer" : "chunk";
    } else if (this.#place === "chunk-end") {
      if (line !== "") throw new HttpSyntaxError("chunk is longer than it said");
      this.#place = "chunk-size";
    } else if (line === "") {
      this.#end(this.#reusable);
    }
    return end + 1;
  }

  #end(reusable: boolean): void {
    this.#place = "head";
    this.#sink.onEnd(reusable);
  }
}

/** The value of a header in a raw head; `name` in lower case. Repeated ones: the first. */
export function headerOf(head: string, name: string): string | undefined {
  // A search for the name in any case: heads are small and a handful of names is asked for.
  return new RegExp(`\\r\\n${name}:[ \\t]*([^\\r\\n]*?)[ \\t]*(?:\\r\\n|$)`, "i").exec(head)?.[1];
}
