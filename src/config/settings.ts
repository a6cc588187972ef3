/**
 * Every setting by its one name, from which the flag (`--data-dir`), the variable
 * (`TOLLGATE_DATA_DIR`) and the member of the configuration file (`data_dir`) follow. The command
 * line makes its options and its help from this table, so that nothing can be settable in one place
 * and unknown in another.
 */

export type Setting = {
  /** What stands for the value in the help. */
  readonly placeholder: string;
  readonly help: string;
  /** False for what the file itself cannot say. */
  readonly inFile: boolean;
  /** A secret's value appears in no message, and its variable is taken out of the environment. */
  readonly secret: boolean;
};

function plain(placeholder: string, help: string): Setting {
  return { placeholder, help, inFile: true, secret: false };
}

function secret(placeholder: string, help: string): Setting {
  return { placeholder, help, inFile: true, secret: true };
}

export const SETTINGS = {
  host: plain("HOST", "address to listen on (127.0.0.1)"),
  port: plain("PORT", "port to listen on, 0 picks a free one (8080)"),
  data_dir: plain("DIR", "where the database and the keys live (./data)"),
  admin_token: secret("TOKEN", "admin token of at least 32 characters (made at first start)"),
  encryption_key: secret("BASE64", "32 bytes that seal credentials (made at first start)"),
  config: { ...plain("FILE", "configuration file (./tollgate.yaml if present)"), inFile: false },
  demo: plain("MODE", "auto: demo objects on an empty data directory; off: never (auto)"),
  log_level: plain("LEVEL", "debug, info, warn or error (info)"),
  log_format: plain("FORMAT", "json or pretty (pretty on a terminal, else json)"),
  database_url: secret("URL", "shared database; only `embedded` for now (embedded)"),
  redis_url: secret("URL", "shared Redis; only `none` for now (none)"),
  workers: plain("N", "processes; only 1 for now (1)"),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

export const SETTING_NAMES: readonly SettingName[] = Object.keys(SETTINGS).filter(isSettingName);

/** Prefix of every variable that is ours, and therefore must be known. */
export const VARIABLE_PREFIX = "TOLLGATE_";

/** `data_dir` → `--data-dir`. */
export function flagOf(name: SettingName): string {
  return `--${name.replaceAll("_", "-")}`;
}

/** `data_dir` → `TOLLGATE_DATA_DIR`. */
export function variableOf(name: SettingName): string {
  return VARIABLE_PREFIX + name.toUpperCase();
}
