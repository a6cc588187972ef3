/** What the rounds showed, as text for people and as the content of a file. */
import { formatUsd, type NanoUsd } from "../../src/base/units.ts";
import { countText, DASH } from "../quantities.ts";
import { renderTable } from "../table.ts";
import type { Judgement, RoundJudged } from "./judge.ts";

/** Everything that is reported and kept of a run; names no access token. */
export type OverspendResults = Judgement & {
  readonly kind: "overspend";
  readonly startedAt: string;
  readonly gateway: string;
  readonly model: string;
  readonly room: number;
  readonly accessTokens: number;
  readonly overspent: boolean;
};

export function overspendReport(results: OverspendResults): string {
  const [first] = results.rounds;
  const calls = countText(first?.calls ?? 0);
  const room = countText(results.room);
  return [
    `Tollgate bench overspend: ${calls} calls at a time, room for ${room} in each access token\n`,
    `gateway: ${results.gateway}, model ${results.model}\n\n`,
    roundTable(results),
    "\n",
    ...endLines(results.rounds),
    ...strangeAnswers(results),
    `\n${verdictLine(results)}\n`,
  ].join("");
}

function roundTable({ rounds, accessTokens }: OverspendResults): string {
  return renderTable({
    title: "Rounds: who got through is the upstream's own count, who was answered the clients'",
    columns: [
      "",
      "access token",
      "arrival",
      "room left",
      "got through",
      "answered",
      "refused",
      "failed",
      "overshoot",
      "in USD",
    ],
    textColumns: [1, 2],
    rows: rounds.map((round, index) => [
      `${index + 1} ${round.stream ? "streamed" : "plain"}`,
      `${round.tokenIndex + 1} of ${accessTokens}`,
      round.spreadMs === 0 ? "at once" : `within ${round.spreadMs} ms`,
      countText(round.roomLeft),
      countText(round.through),
      countText(round.answered),
      countText(round.refused),
      countText(round.failed),
      countText(round.overshootCalls),
      usdText(round.overshootNanoUsd),
    ]),
  });
}

/** How the calls ended over all rounds, most frequent first. */
function endLines(rounds: readonly RoundJudged[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { label, count } of rounds.flatMap(({ ends }) => ends)) {
    counts.set(label, (counts.get(label) ?? 0) + count);
  }
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  return sorted.map(([label, count]) => `${countText(count)} × ${label}\n`);
}

/** What the upstream did not see was answered by something else, and then its count is no proof. */
function strangeAnswers({ rounds, through }: OverspendResults): readonly string[] {
  const answered = rounds.reduce((sum, round) => sum + round.answered, 0);
  if (answered <= through) return [];
  const more = countText(answered - through);
  return [`${more} more were answered than got through: another upstream, or a cache?\n`];
}

function verdictLine(results: OverspendResults): string {
  if (results.through === 0) return "Nothing got through, so this says nothing about the budget.";
  if (!results.overspent) return "Nobody overspent: worst overshoot 0 calls.";
  const { worstOvershootCalls: calls, worstOvershootNanoUsd: nanoUsd, callNanoUsd } = results;
  const dollars =
    nanoUsd === undefined || callNanoUsd === undefined
      ? "in dollars unknown without a price"
      : `${usdText(nanoUsd)} USD at ${usdText(callNanoUsd)} a call`;
  return `Overspent: worst overshoot of an access token ${countText(calls)} calls, ${dollars}.`;
}

function usdText(amount: NanoUsd | undefined): string {
  return amount === undefined ? DASH : formatUsd(amount);
}
