/** What this program is, as `tollgate version`, the metrics and the health summary tell it. */
import manifest from "../../package.json";

export const VERSION: string = manifest.version;

/** `tollgate 0.1.0 (bun 1.4.4)`. */
export const VERSION_LINE = `tollgate ${VERSION} (bun ${Bun.version})`;
