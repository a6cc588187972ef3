/** Keeps results in files, in folders that are made when they are missing. */
import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Sheet, sheetHtml, sheetSvg } from "./plot-sheet.ts";
import { resultsJson } from "./results.ts";
import type { BenchIo } from "./terminal.ts";

/** Where results go besides the terminal; undefined: nowhere, or the mode's default. */
export type Files = {
  readonly jsonPath: string | undefined;
  readonly plotPath: string | undefined;
};

/** The files that were asked for; for others a name of the run's start among our own results. */
export function filesOf({ jsonPath, plotPath }: Files, startedAt: string, name = ""): Files {
  const prefix = name === "" ? "" : `${name}-`;
  const file = `${prefix}${startedAt.replaceAll(":", "-")}`;
  const stem = join(resolve(import.meta.dir, "results"), file);
  return { jsonPath: jsonPath ?? `${stem}.json`, plotPath: plotPath ?? `${stem}.svg` };
}

/** Writes the results as JSON and drawn, each where a path says so. */
export async function saveResults(
  { jsonPath, plotPath }: Files,
  io: BenchIo,
  content: { readonly results: object; readonly sheet: Sheet },
): Promise<void> {
  if (jsonPath !== undefined) await save(jsonPath, resultsJson(content.results), io);
  if (plotPath !== undefined) {
    const draw = plotPath.endsWith(".html") ? sheetHtml : sheetSvg;
    await save(plotPath, draw(content.sheet), io);
  }
}

/** Writes the file and says so. */
export async function save(path: string, content: string, io: BenchIo): Promise<void> {
  await mkdir(dirname(resolve(path)), { recursive: true });
  await Bun.write(path, content);
  io.out(`written: ${path}\n`);
}
