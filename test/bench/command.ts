/** The bench's command as a user runs it: arguments in; exit code and both outputs back. */
import { runBenchCommand } from "../../bench/run.ts";

/** `onErr` hears the error output as it comes. */
export async function runBench(
  args: readonly string[],
  onErr: (text: string) => void = () => undefined,
) {
  const written = { out: "", err: "" };
  const code = await runBenchCommand(args, {
    out: (text) => void (written.out += text),
    err: (text) => {
      written.err += text;
      onErr(text);
    },
    isTerminal: false,
  });
  return { code, ...written };
}
