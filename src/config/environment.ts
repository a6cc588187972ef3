/**
 * The only reader of the process environment. It is read once, before anything else runs, and the
 * secrets in it are taken out, so that no child process, crash report or debugger finds them there.
 */
import { SETTING_NAMES, SETTINGS, VARIABLE_PREFIX, variableOf } from "./settings.ts";

/** The variables that mean something to us, by name. */
export type Environment = Readonly<Record<string, string>>;

/** Of `tollgate provider add` alone; no setting, and in no file. */
export const CREDENTIAL_VARIABLE = `${VARIABLE_PREFIX}PROVIDER_CREDENTIAL`;

const others: ReadonlySet<string> = new Set(["NODE_ENV", "NO_COLOR"]);

/** Copies our variables out of `from` and deletes those of them that hold secrets. */
export function takeEnvironment(from: Record<string, string | undefined>): Environment {
  const taken: Record<string, string> = {};
  for (const [name, value] of Object.entries(from)) {
    if (value === undefined) continue;
    if (name.startsWith(VARIABLE_PREFIX) || others.has(name)) taken[name] = value;
  }
  for (const name of SETTING_NAMES) {
    if (SETTINGS[name].secret) delete from[variableOf(name)];
  }
  delete from[CREDENTIAL_VARIABLE];
  return Object.freeze(taken);
}

/** {@link takeEnvironment} of this process; a second call no longer sees the secrets. */
export function takeProcessEnvironment(): Environment {
  return takeEnvironment(process.env);
}
