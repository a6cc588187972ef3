/** A stream of bytes read as far as a test needs it. */

type Reader = { readonly read: () => Promise<{ readonly value?: Uint8Array | undefined }> };

export function readerOf({ body }: Response) {
  if (body === null) throw new Error("there is no body");
  return body.getReader();
}

/** What has come once `text` is in it. */
export async function readUntil(reader: Reader, text: string): Promise<string> {
  let seen = "";
  while (!seen.includes(text)) {
    const { value } = await reader.read();
    if (value === undefined) throw new Error(`it ended before ${text}: ${seen}`);
    seen += new TextDecoder().decode(value);
  }
  return seen;
}

/** All that is still to come. */
export async function readAll(reader: Reader): Promise<string> {
  const pieces: Uint8Array[] = [];
  for (let read = await reader.read(); read.value !== undefined; read = await reader.read()) {
    pieces.push(read.value);
  }
  return Buffer.concat(pieces).toString("utf8");
}
