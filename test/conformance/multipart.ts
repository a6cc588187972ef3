/** Multipart forms as clients send them: whole, in any pieces, and what a provider must see of them. */

export const BOUNDARY = "----formdata-tollgate-0123456789";

export const FORM_HEADERS = {
  "content-type": `multipart/form-data; boundary=${BOUNDARY}`,
} as const;

/** A field as its name and text, or a file as its name and bytes. */
export type Part = readonly [name: string, content: string | Uint8Array];

export function formBytes(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.flatMap(([name, content]) => {
    const isFile = typeof content !== "string";
    const more = isFile ? '; filename="f.bin"\r\nContent-Type: application/octet-stream' : "";
    const headers = `Content-Disposition: form-data; name="${name}"${more}`;
    return [`--${BOUNDARY}\r\n${headers}\r\n\r\n`, content, "\r\n"].map((one) => Buffer.from(one));
  });
  return new Uint8Array(Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)]));
}

/** Cut before each of `places`. */
export function cutAt(bytes: Uint8Array<ArrayBuffer>, places: readonly number[]) {
  const ends = [...places.filter((place) => place < bytes.length), bytes.length];
  let start = 0;
  return ends
    .toSorted((one, other) => one - other)
    .map((end) => {
      const piece = bytes.subarray(start, end);
      start = end;
      return piece;
    });
}

/** A body without a declared length, each piece on its way before the next. */
export function inPieces(
  pieces: readonly Uint8Array<ArrayBuffer>[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const left = pieces.filter((piece) => piece.length > 0);
  return new ReadableStream({
    pull: async (controller) => {
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
      await new Promise((resolve) => setImmediate(resolve));
    },
  });
}
