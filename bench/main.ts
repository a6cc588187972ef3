/** The benchmark: `bun run bench`. What it measures and how is said by `bun bench/main.ts --help`. */
import { runBenchCommand } from "./run.ts";
import { processIo } from "./terminal.ts";

// Whoever read the output has left (`| head`): there is nobody to tell, and nothing went wrong.
process.stdout.on("error", () => process.exit(0));
process.exitCode = await runBenchCommand(process.argv.slice(2), processIo);
