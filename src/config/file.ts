/**
 * The configuration file: YAML whose top-level members are settings. It is read for its texts and
 * their places only; what a text must be is decided by the same readers as for flags and variables.
 * Nothing of the file's content is repeated in a complaint, because the file may hold secrets.
 */
import { readFileSync, statSync } from "node:fs";
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from "yaml";
import { LIMITS } from "../base/limits.ts";
import { unknownName } from "../base/nearest.ts";
import { isSettingName, type SettingName, SETTING_NAMES, SETTINGS } from "./settings.ts";
import { systemReason } from "./system-reason.ts";

/** One member's text and where it stands, as `tollgate.yaml:3:1 port`. */
export type FileValue = { readonly text: string; readonly place: string };

export type FileReading = {
  readonly values: ReadonlyMap<SettingName, FileValue>;
  readonly problems: readonly string[];
};

const known = SETTING_NAMES.filter((name) => SETTINGS[name].inFile);

/** Reads `path`, which complaints call `shownAs`. */
export function readConfigFile(path: string, shownAs: string): FileReading {
  let text: string;
  try {
    if (statSync(path).size > LIMITS.configFileBytesMax) {
      return failed(`${shownAs} is longer than ${LIMITS.configFileBytesMax} bytes`);
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    return failed(`${shownAs} cannot be read: ${systemReason(error)}`);
  }
  return parseConfigText(text, shownAs);
}

function failed(problem: string): FileReading {
  return { values: new Map(), problems: [problem] };
}

/** The members of a YAML text; every problem has its line and column. */
export function parseConfigText(text: string, shownAs: string): FileReading {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const placeOf = (offset: number): string => {
    const { line, col } = counter.linePos(offset);
    return `${shownAs}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    // An error's message quotes the source, which may hold a secret; its code says enough.
    const problems = document.errors.map(
      (error) => `${placeOf(error.pos[0])}: not valid YAML: ${words(error.code)}`,
    );
    return { values: new Map(), problems };
  }
  const root = document.contents;
  const isEmpty = root === null || (isScalar(root) && root.value === null);
  if (isEmpty) return { values: new Map(), problems: [] };
  if (!isMap(root)) {
    return failed(`${placeOf(root.range?.[0] ?? 0)}: must hold members, as \`port: 8080\``);
  }
  return membersOf(root, placeOf);
}

/** `DUPLICATE_KEY` → `duplicate key`. */
function words(code: string): string {
  return code.toLowerCase().replaceAll("_", " ");
}

function membersOf(root: YAMLMap, placeOf: (offset: number) => string): FileReading {
  const values = new Map<SettingName, FileValue>();
  const problems: string[] = [];
  for (const { key, value } of root.items) {
    const name = isScalar(key) ? String(key.value) : "";
    const place = placeOf(isScalar(key) ? (key.range?.[0] ?? 0) : 0);
    if (!isSettingName(name) || !known.includes(name)) {
      problems.push(`${place}: ${unknownName("member", name, known)}`);
    } else if (!isScalar(value) || value.value === null || value.value === "") {
      problems.push(`${place}: ${name} must be a plain value, not a list, a map or nothing`);
    } else {
      // The source keeps what the operator typed: a token of digits is not a number.
      const text = typeof value.value === "string" ? value.value : (value.source ?? "");
      values.set(name, { text, place: `${place}: ${name}` });
    }
  }
  return { values, problems };
}
