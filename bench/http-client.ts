/**
 * A lean HTTP/1.1 client on raw sockets with its own connection pool. Bun's fetch keeps 64 idle
 * sockets and 256 requests per process, so above that it would measure its own queue. One exchange
 * at a time per connection, the last used connection first, no retry: a failure is a result.
 */
import type { Socket } from "bun";
import { systemClock, type Timer } from "../src/base/clock.ts";
import { HttpSyntaxError, ResponseParser } from "./http-response.ts";

/** What one exchange wants to hear; all calls come from within one network read. */
export interface ExchangeObserver {
  readonly onHead?: (status: number, head: string) => void;
  readonly onBody?: (bytes: Buffer) => void;
  /** The network read that brought the last body bytes has been handed on as a whole. */
  readonly onReadEnd?: () => void;
}

/** A response that arrived as a whole, whatever its status, or the reason why none did. */
export type Reply =
  | { readonly arrived: true; readonly status: number }
  | { readonly arrived: false; readonly reason: string };

export type ClientOptions = {
  /** PEM of an authority to trust besides the usual ones. */
  readonly ca?: string;
  readonly connectTimeoutMs?: number;
};

type Waiting = { readonly observer: ExchangeObserver; readonly resolve: (reply: Reply) => void };
const silent: ExchangeObserver = {};

/** A pool of connections to one origin; {@link HttpClient.close} must be called in the end. */
export class HttpClient {
  readonly #url: URL;
  readonly #options: ClientOptions;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  #closed = false;

  /** `url`: scheme, host and port are used, the path belongs to the request bytes. */
  constructor(url: URL, options: ClientOptions = {}) {
    this.#url = url;
    this.#options = options;
  }

  /** Connections that exist now, busy and idle. */
  get connectionCount(): number {
    return this.#all.size;
  }

  /** Sends one complete request; resolves when its response ended or cannot come. Never rejects. */
  send(request: Uint8Array, observer: ExchangeObserver = silent): Promise<Reply> {
    if (this.#closed) return Promise.resolve({ arrived: false, reason: "client closed" });
    return new Promise((resolve) => {
      const connection = this.#idle.pop() ?? this.#connect();
      connection.start(request, { observer, resolve });
    });
  }

  /** Ends every connection; exchanges under way resolve as not arrived. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#all) connection.end("client closed");
  }

  #connect(): Connection {
    const connection = new Connection({
      released: (freed) => this.#idle.push(freed),
      gone: (ended) => {
        this.#all.delete(ended);
        const at = this.#idle.indexOf(ended);
        if (at >= 0) this.#idle.splice(at, 1);
      },
    });
    this.#all.add(connection);
    connection.open(this.#url, this.#options);
    return connection;
  }
}

type Owner = {
  readonly released: (connection: Connection) => void;
  readonly gone: (connection: Connection) => void;
};

/** One socket and the exchange on it. */
class Connection {
  readonly #owner: Owner;
  readonly #parser: ResponseParser;
  #socket: Socket | undefined;
  #connectTimer: Timer | undefined;
  #ready = false;
  #ended = false;
  #waiting: Waiting | undefined;
  #unsent: Uint8Array | undefined;
  #status = 0;

  constructor(owner: Owner) {
    this.#owner = owner;
    this.#parser = new ResponseParser({
      onHead: (status, head) => {
        this.#status = status;
        this.#waiting?.observer.onHead?.(status, head);
      },
      onBody: (bytes) => this.#waiting?.observer.onBody?.(bytes),
      onEnd: (reusable) => this.#complete(reusable),
    });
  }

  open(url: URL, options: ClientOptions): void {
    const secure = url.protocol === "https:";
    const hostname = url.hostname.replace(/^\[|\]$/g, "");
    this.#connectTimer = systemClock.after(options.connectTimeoutMs ?? 10_000, () =>
      this.end("connect timeout"),
    );
    const ready = (): void => {
      this.#connectTimer?.cancel();
      this.#ready = true;
      this.#flush();
    };
    Bun.connect({
      hostname,
      port: Number(url.port) || (secure ? 443 : 80),
      ...(secure && {
        tls: { serverName: hostname, ...(options.ca !== undefined && { ca: options.ca }) },
      }),
      socket: {
        open: (socket) => {
          this.#socket = socket;
          if (this.#ended) socket.terminate();
          else if (!secure) ready();
        },
        handshake: (_socket, success, error) => {
          if (success) ready();
          else this.end(`TLS: ${error?.message ?? "handshake failed"}`);
        },
        data: (_socket, bytes) => this.#receive(bytes),
        drain: () => this.#flush(),
        close: () => this.end("connection closed early"),
        error: (_socket, error) => this.end(error.message),
      },
    }).catch((error: unknown) => {
      this.end(error instanceof Error ? error.message : String(error));
    });
  }

  start(request: Uint8Array, waiting: Waiting): void {
    this.#waiting = waiting;
    this.#unsent = request;
    this.#flush();
  }

  /** Closes the socket; an exchange under way has failed for `reason`. */
  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connectTimer?.cancel();
    this.#owner.gone(this);
    // A body that lasts until the end of the connection is complete now.
    if (this.#waiting !== undefined && reason === "connection closed early") this.#parser.close();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#socket?.end();
    else this.#socket?.terminate();
    waiting?.resolve({ arrived: false, reason });
  }

  #flush(): void {
    if (!this.#ready || this.#unsent === undefined || this.#socket === undefined) return;
    const sent = this.#socket.write(this.#unsent);
    this.#unsent =
      sent >= this.#unsent.length ? undefined : this.#unsent.subarray(Math.max(0, sent));
  }

  #receive(bytes: Buffer): void {
    if (this.#ended) return;
    const observer = this.#waiting?.observer;
    if (observer === undefined) {
      this.end("bytes without a request");
      return;
    }
    try {
      this.#parser.push(bytes);
    } catch (error) {
      if (!(error instanceof HttpSyntaxError)) throw error;
      this.end(error.message);
    }
    observer.onReadEnd?.();
  }

  #complete(reusable: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    // Free the connection first, so that whoever awaits the reply finds it in the pool.
    if (waiting === undefined || !reusable || this.#unsent !== undefined) this.end("not reusable");
    else this.#owner.released(this);
    waiting?.resolve({ arrived: true, status: this.#status });
  }
}
