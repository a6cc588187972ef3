/**
 * Tells at start whether the encryption key is the one that the database was made with: a known
 * text is sealed under it once and has to open ever after. With another key every credential and
 * every access token would fail one by one, and look like the client's fault.
 */
import type { Random } from "../base/random.ts";
import { seal, SealError, unseal } from "../base/seal.ts";
import type { Store } from "../store/contract.ts";

const SETTING = "encryption_check";
const BOUND_TO = `settings/${SETTING}`;
const KNOWN_TEXT = "tollgate";

/** True for the key of the first start, which this remembers, and for no other. */
export async function isKeyOfDatabase(deps: {
  readonly store: Pick<Store, "setting" | "setSetting">;
  readonly random: Random;
  /** The one that seals credentials. */
  readonly key: Uint8Array;
}): Promise<boolean> {
  const { store, random, key } = deps;
  const sealed = await store.setting(SETTING);
  if (sealed === null) {
    await store.setSetting(SETTING, seal(key, KNOWN_TEXT, BOUND_TO, random));
    return true;
  }
  try {
    return unseal(key, sealed, BOUND_TO) === KNOWN_TEXT;
  } catch (error) {
    if (error instanceof SealError) return false;
    throw error;
  }
}
