/**
 * Who meets a scripted fault. `fail_times=K`: the first K requests with a key; the later ones get the
 * same answer without it. `only_credential=C`: requests with that credential; others likewise.
 */

import { type Script, SCRIPT_MEMBERS } from "./script-members.ts";

/** Keys come from clients; the oldest is forgotten beyond this many. */
const keysMax = 10_000;

/** What an answer is without once its failures are over. */
const faultNames: ReadonlySet<string> = new Set([
  "status",
  "body",
  "retry_after",
  ...Object.entries(SCRIPT_MEMBERS).flatMap(([name, member]) =>
    member.group === "fault" ? [name] : [],
  ),
]);
/** What the gate itself is told by; not part of the fault. */
const countingNames: ReadonlySet<string> = new Set(["fail_times", "key", "only_credential"]);

/** Remembers how often each key has been met. */
export class FailGate {
  readonly #seen = new Map<string, number>();

  /** The script that holds for this request. */
  pass(script: Script, model: string, authorization: string | undefined): Script {
    const { only_credential: credential } = script;
    if (credential !== undefined && authorization !== `Bearer ${credential}`) {
      return without(script, faultNames);
    }
    if (script.fail_times === undefined) {
      return script;
    }
    const key = script.key ?? model;
    const seenBefore = this.#seen.get(key) ?? 0;
    this.#seen.delete(key);
    this.#seen.set(key, seenBefore + 1);
    this.#forgetOldest();
    if (seenBefore >= script.fail_times) {
      return without(script, faultNames);
    }
    const fault = without(script, countingNames);
    const namesFault = Object.keys(fault).some((name) => faultNames.has(name));
    return namesFault ? fault : { ...fault, status: 500 };
  }

  reset(): void {
    this.#seen.clear();
  }

  #forgetOldest(): void {
    if (this.#seen.size > keysMax) {
      for (const oldest of this.#seen.keys()) {
        this.#seen.delete(oldest);
        return;
      }
    }
  }
}

function without(script: Script, names: ReadonlySet<string>): Script {
  return Object.fromEntries(Object.entries(script).filter(([name]) => !names.has(name)));
}
