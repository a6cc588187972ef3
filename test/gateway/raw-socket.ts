/**
 * A client that may break every rule of HTTP: it writes the bytes it is given and tells what came
 * back before the server closed, or before it had answered as often as was expected.
 */

export type RawReply = {
  /** 0 when the connection ended without a status line. */
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
};

export type RawConnection = {
  readonly write: (bytes: string | Uint8Array) => void;
  /** Resolves with the first whole reply, or with what there is when the connection ends. */
  readonly reply: Promise<RawReply>;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
  /** Ends our side in an orderly way. */
  readonly end: () => void;
  /** Drops the connection. */
  readonly terminate: () => void;
};

export async function connectRaw(port: number): Promise<RawConnection> {
  const closed = Promise.withResolvers<void>();
  const replied = Promise.withResolvers<RawReply>();
  let received = Buffer.alloc(0);
  let waiting = Buffer.alloc(0);
  const over = (): void => {
    replied.resolve(readReply(received, true) ?? nothing);
    closed.resolve();
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_socket, chunk) => {
        received = Buffer.concat([received, chunk]);
        const reply = readReply(received, false);
        if (reply !== null) replied.resolve(reply);
      },
      drain: (own) => {
        waiting = waiting.subarray(own.write(waiting));
      },
      // The server may close only its half: ours has nothing to add.
      end: (own) => void own.end(),
      close: over,
      error: over,
    },
  });
  return {
    write: (bytes) => {
      waiting = Buffer.concat([waiting, typeof bytes === "string" ? Buffer.from(bytes) : bytes]);
      const written = socket.write(waiting);
      waiting = waiting.subarray(Math.max(0, written));
    },
    reply: replied.promise,
    closed: closed.promise,
    end: () => void socket.end(),
    terminate: () => socket.terminate(),
  };
}

/** Writes all of it on a connection of its own, and hangs up after the reply. */
export async function sendRaw(port: number, bytes: string | Uint8Array): Promise<RawReply> {
  const connection = await connectRaw(port);
  connection.write(bytes);
  const reply = await connection.reply;
  connection.terminate();
  return reply;
}

const nothing: RawReply = { status: 0, headers: new Headers(), text: "" };

/** null while the reply is not whole, unless the connection is over. */
function readReply(bytes: Buffer, isOver: boolean): RawReply | null {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const body = bytes.subarray(headEnd + 4);
  const length = headers.get("content-length");
  const isWhole = length === null ? body.includes("0\r\n\r\n") : body.byteLength >= Number(length);
  if (!isWhole && !isOver) return null;
  return { status: Number(statusLine.split(" ")[1]), headers, text: body.toString() };
}
