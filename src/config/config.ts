/**
 * Flags, environment and file become one frozen Config. A flag wins over a variable, a variable over
 * the file, the file over the default. Everything wrong is reported at once, by name and place;
 * nothing wrong is ignored, and no secret is repeated.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { CREDENTIAL_VARIABLE, type Environment } from "./environment.ts";
import { type FileReading, readConfigFile } from "./file.ts";
import { unknownName } from "../base/nearest.ts";
import {
  flagOf,
  type SettingName,
  SETTING_NAMES,
  VARIABLE_PREFIX,
  variableOf,
} from "./settings.ts";
import {
  DEMO_MODES,
  type DemoMode,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  readAdminToken,
  readDatabaseUrl,
  readEncryptionKey,
  readHost,
  type Reading,
  readPath,
  readPort,
  readRedisUrl,
  readWord,
  readWorkers,
} from "./values.ts";

export type Config = {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Absolute. */
  readonly dataDir: string;
  /** null: made at first start and shown once. */
  readonly adminToken: string | null;
  /** 32 bytes; null: kept in the data directory, see loadKeys. */
  readonly encryptionKey: Uint8Array | null;
  /** Absolute path of the file that was read, null when there is none. */
  readonly configPath: string | null;
  readonly demo: DemoMode;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** NODE_ENV is `production`. */
  readonly production: boolean;
};

/** Values of the flags that were given, by setting. */
export type Flags = Readonly<Partial<Record<SettingName, string>>>;

export type ConfigSources = {
  readonly flags: Flags;
  readonly environment: Environment;
  /** Relative paths start here. */
  readonly cwd: string;
  /** Whether the log goes to a terminal, where people read it. */
  readonly isTerminal: boolean;
};

export type ConfigReading =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] };

const defaultFile = "tollgate.yaml";

/** Reads and checks everything; the file is the only thing it touches. */
export function loadConfig(sources: ConfigSources): ConfigReading {
  const problems = unknownVariables(sources.environment);
  const filePath = fileOf(sources, problems);
  const file = filePath === null ? noFile : readConfigFile(filePath.path, filePath.shownAs);
  problems.push(...file.problems);

  function pick<T>(name: SettingName, read: (text: string) => Reading<T>): T | undefined {
    const given = givenValue(name, sources, file);
    if (given === undefined) return undefined;
    const reading: Reading<T> =
      given.text === "" ? { ok: false, complaint: "is empty; leave it out" } : read(given.text);
    if (reading.ok) return reading.value;
    problems.push(`${given.place} ${reading.complaint}`);
    return undefined;
  }

  pick("database_url", readDatabaseUrl);
  pick("redis_url", readRedisUrl);
  pick("workers", readWorkers);
  const config: Config = {
    host: pick("host", readHost) ?? "127.0.0.1",
    port: pick("port", readPort) ?? 8080,
    dataDir: resolve(sources.cwd, pick("data_dir", readPath) ?? "data"),
    adminToken: pick("admin_token", readAdminToken) ?? null,
    encryptionKey: pick("encryption_key", readEncryptionKey) ?? null,
    configPath: filePath?.path ?? null,
    demo: pick("demo", readWord(DEMO_MODES)) ?? "auto",
    logLevel: pick("log_level", readWord(LOG_LEVELS)) ?? "info",
    logFormat:
      pick("log_format", readWord(LOG_FORMATS)) ?? (sources.isTerminal ? "pretty" : "json"),
    production: sources.environment["NODE_ENV"] === "production",
  };
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, config: Object.freeze(config) };
}

const noFile: FileReading = { values: new Map(), problems: [] };

type Given = { readonly text: string; readonly place: string };

/** The strongest source that says something about a setting. */
function givenValue(
  name: SettingName,
  sources: ConfigSources,
  file: FileReading,
): Given | undefined {
  const flag = sources.flags[name];
  if (flag !== undefined) return { text: flag, place: flagOf(name) };
  const variable = sources.environment[variableOf(name)];
  if (variable !== undefined) return { text: variable, place: variableOf(name) };
  return file.values.get(name);
}

function unknownVariables(environment: Environment): string[] {
  const known = [...SETTING_NAMES.map(variableOf), CREDENTIAL_VARIABLE];
  return Object.keys(environment)
    .filter((name) => name.startsWith(VARIABLE_PREFIX) && !known.includes(name))
    .map((name) => unknownName("variable", name, known));
}

/** The file to read: a named one must exist, the default one is read when it is there. */
function fileOf(
  sources: ConfigSources,
  problems: string[],
): { readonly path: string; readonly shownAs: string } | null {
  const named = givenValue("config", sources, noFile);
  if (named === undefined) {
    const path = resolve(sources.cwd, defaultFile);
    return existsSync(path) ? { path, shownAs: defaultFile } : null;
  }
  if (named.text === "") {
    problems.push(`${named.place} is empty; leave it out`);
    return null;
  }
  return { path: resolve(sources.cwd, named.text), shownAs: named.text };
}
