/**
 * Reads a script. The same parser serves the model name, the request header and the default of a
 * server; a text is parsed once and remembered, because a benchmark sends the same one each time.
 */

import { assertNever } from "../../src/base/assert.ts";
import { type Member, type Script, SCRIPT_MEMBERS } from "./script-members.ts";

type ScriptReading =
  | { readonly ok: true; readonly script: Script }
  | { readonly ok: false; readonly complaint: string };

const empty: Script = {};
/** Texts come from clients: long ones are refused, and only short ones are worth remembering. */
const charactersMax = 65_536;
const rememberedCharactersMax = 1_024;
const rememberedMax = 1_000;
const remembered = new Map<string, ScriptReading>();

/** Reads `tokens=20&cut_at=300`; a text that says something unknown or impossible is a complaint. */
export function readScript(text: string): ScriptReading {
  const known = remembered.get(text);
  if (known !== undefined) {
    return known;
  }
  if (text.length > charactersMax) {
    return { ok: false, complaint: `A script has at most ${charactersMax} characters.` };
  }
  const reading = parse(text);
  if (text.length > rememberedCharactersMax) {
    return reading;
  }
  // Hostile callers may send endless different texts; starting over is cheaper than an exact LRU.
  if (remembered.size >= rememberedMax) {
    remembered.clear();
  }
  remembered.set(text, reading);
  return reading;
}

/** Lays scripts over one another, later ones winning member by member. */
export function overlay(...scripts: readonly Script[]): Script {
  const speaking = scripts.filter((script) => script !== empty);
  return speaking.length === 1 ? (speaking[0] ?? empty) : Object.assign({}, ...speaking);
}

/** `sim-small?tokens=20` is the model `sim-small` and the script `tokens=20`. */
export function splitModel(model: string): { readonly name: string; readonly scriptText: string } {
  const mark = model.indexOf("?");
  return mark < 0
    ? { name: model, scriptText: "" }
    : { name: model.slice(0, mark), scriptText: model.slice(mark + 1) };
}

/** Every complaint is reported at once, unknown members first. */
function parse(text: string): ScriptReading {
  const values: Record<string, unknown> = {};
  const headers: [string, string][] = [];
  const unknown: string[] = [];
  const complaints: string[] = [];
  for (const part of text.split("&")) {
    if (part === "") {
      continue;
    }
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    const member = memberOf(name);
    if (member === undefined) {
      unknown.push(name);
      continue;
    }
    const value = readValue(member, equals < 0 ? "1" : part.slice(equals + 1));
    if (typeof value === "object" && "complaint" in value) {
      complaints.push(`${name}: ${value.complaint}`);
    } else if (typeof value === "object") {
      headers.push(value.header);
      values[name] = headers;
    } else if (Object.hasOwn(values, name)) {
      complaints.push(`${name}: is given twice`);
    } else {
      values[name] = value;
    }
  }
  if (unknown.length > 0) {
    complaints.unshift(`unknown member ${unknown.map((name) => `\`${name}\``).join(", ")}`);
  }
  if (complaints.length > 0) {
    return { ok: false, complaint: `Script not understood: ${complaints.join("; ")}.` };
  }
  return { ok: true, script: Object.keys(values).length === 0 ? empty : values };
}

/** Own names only: `toString` is not a member. */
function memberOf(name: string): Member | undefined {
  return Object.hasOwn(SCRIPT_MEMBERS, name)
    ? SCRIPT_MEMBERS[name as keyof typeof SCRIPT_MEMBERS]
    : undefined;
}

/** A header is told apart from plain values, because it may be repeated. */
type Value = string | number | boolean | { header: [string, string] } | { complaint: string };

function readValue(member: Member, encoded: string): Value {
  let text: string;
  try {
    text = decodeURIComponent(encoded);
  } catch {
    return { complaint: "is not percent-encoded UTF-8" };
  }
  switch (member.kind) {
    case "text":
      return text;
    case "flag":
      return readFlag(text);
    case "value":
      return headerValue.test(text) ? text : { complaint: "has characters no header may hold" };
    case "header":
      return readHeader(text);
    case "choice":
      return member.of.includes(text) ? text : { complaint: `must be ${member.of.join(" or ")}` };
    case "whole": {
      const number = /^\d{1,15}$/u.test(text) ? Number(text) : Number.NaN;
      return number >= member.min && number <= member.max
        ? number
        : { complaint: `must be a whole number from ${member.min} to ${member.max}` };
    }
    default:
      return assertNever(member);
  }
}

function readFlag(text: string): Value {
  if (text === "1" || text === "true") {
    return true;
  }
  return text === "0" || text === "false" ? false : { complaint: "must be 1 or 0" };
}

const headerName = /^[!#$%&'*+\-.^_`|~\w]+$/u;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/u;

/** The framing of the answer is ours: `cut_at` could not be exact if a script set its length. */
const framingHeaders = new Set(["content-length", "transfer-encoding"]);

function readHeader(text: string): Value {
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(0, colon)).toLowerCase();
  const value = text.slice(colon + 1).trim();
  if (!headerName.test(name) || !headerValue.test(value)) {
    return { complaint: "must be `name:value` of characters that a header may hold" };
  }
  return framingHeaders.has(name)
    ? { complaint: `\`${name}\` cannot be scripted` }
    : { header: [name, value] };
}
