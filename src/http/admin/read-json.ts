/** Reads the JSON body of an admin request within its bound, whether its length was declared or not. */
import { type AdminVerdict, allow, refuse } from "../../admin/refusal.ts";
import { LIMITS } from "../../base/limits.ts";

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json(?:\s*;|\s*$)/i;

/** undefined: the body is empty. */
export async function readJson(request: Request): Promise<AdminVerdict<unknown>> {
  const type = request.headers.get("content-type");
  if (type !== null && !JSON_TYPE.test(type)) {
    const sentence = `The body must be JSON: send it with content-type application/json, not ${type}.`;
    return refuse("unsupported_media_type", sentence, "content-type");
  }
  const text = await readText(request);
  if (!text.allowed) return text;
  if (text.value.trim() === "") return allow(undefined);
  try {
    return allow(JSON.parse(text.value));
  } catch {
    // The parser's own message would quote the body, which may hold a credential.
    return refuse("invalid_json", "The body is not valid JSON.");
  }
}

async function readText(request: Request): Promise<AdminVerdict<string>> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.length;
      if (bytes > LIMITS.adminBodyBytesMax) {
        const sentence = `The body is larger than ${LIMITS.adminBodyBytesMax} bytes.`;
        return refuse("body_too_large", sentence);
      }
      text += decoder.decode(chunk, { stream: true });
    }
    return allow(text + decoder.decode());
  } catch {
    // A client that broke off does not read the answer; what is left is text that is not UTF-8.
    return refuse("invalid_json", "The body is not valid UTF-8, or broke off before its end.");
  }
}
