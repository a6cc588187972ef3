/** The load generator as the bench sees it: a process that is started once and asked for loads. */
import type { ExchangeLog } from "../exchange-log.ts";
import { type ProgramContext, startProgram } from "../programs.ts";
import { type Offer, type PackedLog, unpackLog } from "./contract.ts";

export type Generator = {
  readonly pid: number;
  /** Offers the load and resolves with what became of it. */
  readonly offer: (offer: Offer) => Promise<ExchangeLog>;
};

export async function startGenerator(context: ProgramContext, cpus?: string): Promise<Generator> {
  const { pid, url } = await startProgram(context, {
    name: "generator",
    file: "generator/main.ts",
    cpus,
  });
  return {
    pid,
    offer: async (offer) => {
      const answer = await fetch(new URL("/offer", url), {
        method: "POST",
        body: JSON.stringify(offer),
        signal: context.signal,
      });
      if (!answer.ok) throw new Error(`the load generator failed: ${await answer.text()}`);
      return unpackLog((await answer.json()) as PackedLog);
    },
  };
}
