/** What an error answer of any gateway calls its error, to count alike what ended alike. */

/** The machine's word for an error: its code, else its type, wherever gateways put them. */
export function errorWord(body: string): string {
  const text = /^data: (.*)$/m.exec(body)?.[1] ?? body;
  try {
    const answer = JSON.parse(text) as { error?: Readonly<Record<string, unknown>> } | null;
    const words = [answer?.error?.["code"], answer?.error?.["type"]];
    // LiteLLM says the status as the code, as text.
    return words.find((word) => typeof word === "string" && !/^\d*$/.test(word))?.toString() ?? "";
  } catch {
    // Not JSON: the status has to do.
    return "";
  }
}
