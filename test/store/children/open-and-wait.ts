/** Opens the store in the directory given, says how that went, and waits for its standard input to end. */
import { writeSync } from "node:fs";
import { systemClock } from "../../../src/base/clock.ts";
import { openStore } from "../../../src/store/open.ts";

try {
  const store = await openStore({ dataDir: process.argv[2] ?? "", clock: systemClock });
  writeSync(1, "opened\n");
  await Bun.stdin.text();
  await store.close();
} catch (error) {
  writeSync(1, `${String(error)}\n`);
}
