/**
 * Reads a secret that a person types or pipes in: at a terminal without showing it, where a JSON text may
 * have several lines, else all of the standard input. The terminal is left as it was found.
 */
import type { ReadStream } from "node:tty";
import type { Output } from "./terminal.ts";

/** The standard input, as far as it is used here. */
export type SecretInput = Pick<
  ReadStream,
  "isTTY" | "setRawMode" | "on" | "off" | "pause" | "resume"
>;

/** Service accounts are some 2,300 characters; a longer secret is a wrong file. */
const SECRET_CHARACTERS_MAX = 16_384;

/** null: it was given up (control-C, or the end of a pipe without a text). */
export async function readSecret(
  input: SecretInput,
  prompt: string,
  err: Output,
): Promise<string | null> {
  if (!input.isTTY) return await readPiped(input);
  // Before anybody is asked: what is typed at once must not be shown either.
  input.setRawMode(true);
  try {
    err.write(prompt);
    return await typed(input);
  } finally {
    input.setRawMode(false);
    input.pause();
    err.line("");
  }
}

async function readPiped(input: SecretInput): Promise<string | null> {
  const decoder = new TextDecoder();
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  const take = (chunk: Buffer): void => {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > SECRET_CHARACTERS_MAX) resolve(text);
  };
  const end = (): void => resolve(text);
  input.on("data", take);
  input.on("end", end);
  input.on("error", end);
  const read = (await promise).trim();
  input.off("data", take);
  input.pause();
  return read === "" ? null : read;
}

const [CONTROL_C, CONTROL_D, BACKSPACE, CONTROL_U, DELETE] = [3, 4, 8, 21, 127] as const;

async function typed(input: SecretInput): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const line = new Typed();
  const decoder = new TextDecoder();
  const take = (chunk: Buffer): void => {
    for (const character of decoder.decode(chunk, { stream: true })) {
      const end = line.take(character);
      if (end === "given_up") resolve(null);
      else if (end === "complete") resolve(line.text());
    }
  };
  input.on("data", take);
  input.resume();
  const text = await promise;
  input.off("data", take);
  return text === null || text === "" ? null : text;
}

/** What has been typed so far. */
class Typed {
  #characters: string[] = [];

  text(): string {
    return this.#characters.join("").trim();
  }

  take(character: string): "more" | "complete" | "given_up" {
    const code = character.codePointAt(0) ?? 0;
    if (code === CONTROL_C) return "given_up";
    if (code === CONTROL_D) return this.text() === "" ? "given_up" : "complete";
    if (code === BACKSPACE || code === DELETE) this.#characters.pop();
    else if (code === CONTROL_U) this.#characters = [];
    else if (character === "\r" || character === "\n") return this.#lineEnd();
    else if (code >= 32) this.#characters.push(character);
    return this.#characters.length > SECRET_CHARACTERS_MAX ? "complete" : "more";
  }

  /** A key file that is pasted has many lines; it is complete when it is JSON. */
  #lineEnd(): "more" | "complete" {
    if (!this.text().startsWith("{") || isJson(this.text())) return "complete";
    this.#characters.push("\n");
    return "more";
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // More of it is to come.
    return false;
  }
}
