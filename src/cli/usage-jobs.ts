/** The grammar of `tollgate jobs`: which open jobs are listed, and how one is ended. */
import type { Command } from "commander";
import { type Connected, connected, type Options, textOf, where } from "./usage-operate.ts";

export type JobsAsked = Connected &
  (
    | {
        readonly do: "list";
        readonly tenant: string | null;
        readonly provider: string | null;
        readonly kind: string | null;
      }
    | {
        readonly do: "end";
        readonly id: string;
        /** null: all that is held for it. */
        readonly amountUsd: string | null;
        readonly note: string | null;
      }
  );

export function addJobs(program: Command, ask: (options: Options, asked: JobsAsked) => void): void {
  const jobs = program.command("jobs").description("list and end batches and background responses");
  connected(jobs.command("list"))
    .description("list those that have not ended, with what is held for them")
    .option("--tenant <ID>", "of this tenant alone")
    .option("--provider <NAME>", "at this provider alone")
    .option("--kind <KIND>", "batch or response alone")
    .action((options: Options) => {
      ask(options, {
        do: "list",
        tenant: textOf(options, "tenant"),
        provider: textOf(options, "provider"),
        kind: textOf(options, "kind"),
        ...where(options),
      });
    });
  connected(jobs.command("end").arguments("<id>"))
    .description("end one that will never be heard of again; its provider is told nothing")
    .option("--amount <USD>", "what it cost (all that is held for it)")
    .option("--note <TEXT>", "why, for the log")
    .action((id: string, options: Options) => {
      const [amountUsd, note] = [textOf(options, "amount"), textOf(options, "note")];
      ask(options, { do: "end", id, amountUsd, note, ...where(options) });
    });
}
