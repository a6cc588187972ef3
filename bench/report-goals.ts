/** How goals are told: as a table, and as the lines above a plot. */
import type { Goal } from "./goals.ts";
import { COLORS } from "./plot-panel.ts";
import type { Sheet } from "./plot-sheet.ts";
import type { Table } from "./table.ts";

const words = new Map([
  [true, "reached"],
  [false, "MISSED"],
  [undefined, "unknown"],
]);

export function goalsTable(title: string, goals: readonly Goal[]): Table {
  return {
    title,
    columns: ["", "goal", "wanted", "measured"],
    textColumns: [1, 2, 3],
    rows: goals.map((goal) => [
      words.get(goal.reached) ?? "",
      goal.name,
      goal.wanted,
      goal.measured,
    ]),
  };
}

export function goalLines(goals: readonly Goal[]): Sheet["lines"] {
  return goals.map((goal) => ({
    content: `${goalWord(goal.reached)}: ${goal.name} ${goal.measured} (wanted ${goal.wanted})`,
    color: goalColor(goal.reached),
  }));
}

/** What could not be measured is not missed. */
export function areMet(goals: readonly Goal[]): boolean {
  return goals.every(({ reached }) => reached !== false);
}

function goalWord(reached: boolean | undefined): string {
  if (reached === undefined) return "? unknown";
  return reached ? "✓ reached" : "✗ missed";
}

function goalColor(reached: boolean | undefined): string {
  if (reached === undefined) return COLORS.faint;
  return reached ? COLORS.goal : COLORS.missed;
}
