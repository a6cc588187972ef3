/**
 * The headers of a multipart form and of its parts. What two readers could understand differently is
 * refused, because the provider could obey another field than the one that was priced: a name given
 * twice, escaped or folded, text that is transfer-encoded or in another charset.
 */

/** What the headers of a part say; a text: what is wrong with them. */
export type PartHeaders = { readonly name: string; readonly filename: string | null };

type Parameters = ReadonlyMap<string, string>;

/** RFC 2046, 5.1.1; the last character is no space. */
const BOUNDARY = /^[\dA-Za-z'()+_,\-./:=? ]{0,69}[\dA-Za-z'()+_,\-./:=?]$/;

/** The boundary that a form's content type names; null: it is no form, or names none that is allowed. */
export function boundaryOf(contentType: string): string | null {
  const [type, rest] = split(contentType);
  if (type.toLowerCase() !== "multipart/form-data") return null;
  const parameters = parametersOf(rest);
  const boundary = parameters?.get("boundary");
  // Some readers take the extended form, others do not know it.
  if (boundary === undefined || parameters?.has("boundary*") === true) return null;
  return BOUNDARY.test(boundary) ? boundary : null;
}

/** `block`: the lines between a delimiter and the content, without the last line break. */
export function partHeaders(block: Uint8Array): PartHeaders | string {
  const headers = new Map<string, string>();
  for (const line of new TextDecoder().decode(block).split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    if (!TOKEN.test(name) || hasControl(line))
      return "A part of the form has a header that is none.";
    if (headers.has(name)) return `A part of the form has two headers ${name}.`;
    headers.set(name, line.slice(colon + 1).trim());
  }
  const named = disposition(headers.get("content-disposition"));
  if (typeof named === "string") return named;
  const encoding = headers.get("content-transfer-encoding")?.toLowerCase() ?? "binary";
  if (!["binary", "8bit", "7bit"].includes(encoding)) {
    return "Parts of a form must not be transfer-encoded (RFC 7578, 4.7).";
  }
  return named.filename === null ? asText(named, headers.get("content-type")) : named;
}

function disposition(header: string | undefined): PartHeaders | string {
  const [type, rest] = split(header ?? "");
  const parameters = type.toLowerCase() === "form-data" ? parametersOf(rest) : null;
  if (parameters === null) {
    return 'Each part of the form needs a header Content-Disposition: form-data; name="…".';
  }
  const name = extended(parameters, "name");
  const filename = extended(parameters, "filename");
  if (name === undefined || name === null || name === "" || /["\\%]/.test(name)) {
    return "A part of the form has no name, or one that can be read in several ways.";
  }
  if (parameters.has("name") && parameters.get("name") !== name) {
    return "A part of the form has two different names.";
  }
  if (filename === null) {
    return "A part of the form has a file name that can be read in several ways.";
  }
  return { name, filename: filename ?? null };
}

/**
 * The value in the form of RFC 5987 where there is one: `name*=utf-8''caf%C3%A9`; null: one that only some
 * readers can read, who would take it for what others take the plain value for.
 */
function extended(parameters: Parameters, name: string): string | undefined | null {
  const plain = parameters.get(name);
  const coded = parameters.get(`${name}*`);
  if (coded === undefined) return plain;
  const [, text] = /^utf-8'[^']*'(.*)$/i.exec(coded) ?? [];
  try {
    return text === undefined ? null : decodeURIComponent(text);
  } catch {
    // Percent signs that are no UTF-8.
    return null;
  }
}

function asText(part: PartHeaders, contentType: string | undefined): PartHeaders | string {
  const [, rest] = split(contentType ?? "text/plain");
  const charset = parametersOf(rest)?.get("charset")?.toLowerCase() ?? "utf-8";
  const isUtf8 = ["utf-8", "utf8", "us-ascii"].includes(charset) && part.name !== "_charset_";
  return isUtf8 ? part : "The text of a form must be in UTF-8.";
}

const TOKEN = /^[\w!#$%&'*+\-.^`|~]+$/;

/** One parameter; a backslash before a quotation mark takes its meaning. */
const PARAMETER = /[ \t]*;[ \t]*([\w!#$%&'*+\-.^`|~]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]+))[ \t]*/y;

/** null: not well-formed, or one is given twice, or where one ends can be read in two ways. */
function parametersOf(text: string): Parameters | null {
  const found = new Map<string, string>();
  PARAMETER.lastIndex = 0;
  while (PARAMETER.lastIndex < text.length) {
    const [, name = "", quoted, token = ""] = PARAMETER.exec(text) ?? [];
    const key = name.toLowerCase();
    if (key === "" || found.has(key)) return null;
    // Go and Python put values together again (RFC 2231, 3), most others do not.
    if (/\*\d/.test(key)) return null;
    // Whoever takes a backslash for itself ends the value at this mark, and reads on.
    if (quoted !== undefined && /\\".*;/.test(quoted)) return null;
    found.set(key, quoted?.replaceAll(/\\(["\\])/g, "$1") ?? token);
  }
  return found;
}

/** What comes before the first `;`, and the rest with it. */
function split(header: string): [string, string] {
  const at = header.indexOf(";");
  return at < 0 ? [header.trim(), ""] : [header.slice(0, at).trim(), header.slice(at)];
}

function hasControl(line: string): boolean {
  for (let at = 0; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true;
  }
  return false;
}
