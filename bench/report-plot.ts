/** Draws the results of a whole run: goals on top, then a panel for each thing measured. */
import { of } from "./context.ts";
import { machineLine } from "./machine.ts";
import { ADDED_P99_MAX_MS } from "./measure-rate.ts";
import { COLORS } from "./plot-panel.ts";
import { gapPanel, latencyPanel, type NamedCurve, ratePanel } from "./plot-panels.ts";
import type { Sheet } from "./plot-sheet.ts";
import { countText, secondsText, rateText } from "./quantities.ts";
import { goalLines } from "./report-goals.ts";
import { coresPanel, cpuPanel, memoryPanel } from "./report-plot-bars.ts";
import type { SuiteResults } from "./results.ts";
import type { CurvePoint } from "./statistics.ts";
import { SUBJECT_LABELS, type SubjectName } from "./subjects.ts";

/** The panels are read in pairs: what a client sees beside what it costs. */
export function suiteSheet(results: SuiteResults): Sheet {
  const profile = results.profile === "full" ? "" : ", quick profile: its numbers mean little";
  const took = `took ${secondsText(results.durationMs)}`;
  return {
    title: `Tollgate bench${profile}`,
    subtitle: `${results.startedAt}, ${took} · ${machineLine(results.machine)}`,
    lines: goalLines(results.goals),
    panels: [
      latencyPanel(
        "Latency of a plain exchange",
        "one client, back to back",
        results.plain.map((entry) => named(entry.subject, entry.curve)),
      ),
      searchPanel(results),
      cpuPanel(results),
      memoryPanel(results),
      latencyPanel(
        "Time to the first frame",
        streamsNote(results),
        results.streams.map((entry) => named(entry.subject, entry.firstFrameCurve)),
      ),
      streamGapPanel(results),
      crowdGapPanel(results),
      coresPanel(results),
    ],
  };
}

function named(subject: SubjectName, curve: readonly CurvePoint[]): NamedCurve {
  return { name: SUBJECT_LABELS[subject], color: COLORS[subject], curve };
}

function searchPanel(results: SuiteResults): string {
  const curves = results.rate.map(({ subject, steps }) => ({
    name: SUBJECT_LABELS[subject],
    color: COLORS[subject],
    // A rate that was tried twice counts by its second try.
    points: steps
      .filter((step, index) => steps[index + 1]?.ratePerSecond !== step.ratePerSecond)
      .map((step) => ({ rate: step.ratePerSecond, ms: step.p99Ms, held: step.held })),
  }));
  const held = results.rate
    .map((entry) => `${SUBJECT_LABELS[entry.subject]} ${rateText(entry.sustainedPerSecond)}`)
    .join(", ");
  const directP99Ms = of(results.cpu, "direct")?.latency.p99Ms;
  const limitMs = directP99Ms === undefined ? undefined : directP99Ms + ADDED_P99_MAX_MS;
  return ratePanel("Latency by rate", `filled: held. ${held}`, { curves, limitMs });
}

function streamsNote(results: SuiteResults): string {
  const streams = (results.streams[0]?.streams ?? 0) / Math.max(1, results.streamRounds);
  return `${countText(streams)} streams starting evenly over ${results.streamRampMs / 1_000} s`;
}

function streamGapPanel(results: SuiteResults): string {
  const curves = results.streams.map((entry) => named(entry.subject, entry.gapCurve));
  const drawn = { curves, paceMs: results.framePaceMs };
  return gapPanel("Gap between frames", streamsNote(results), drawn);
}

function crowdGapPanel(results: SuiteResults): string {
  const curves = results.crowd.map((entry) => named(entry.subject, entry.gapCurve));
  const streams = countText(results.crowd[0]?.streams ?? 0);
  const lost = results.crowd
    .map((entry) => `${SUBJECT_LABELS[entry.subject]} ${entry.framesLost}/${entry.framesMerged}`)
    .join(", ");
  const title = `Gap between frames, ${streams} streams at once`;
  const drawn = { curves, paceMs: results.framePaceMs };
  return gapPanel(title, `frames lost/merged: ${lost}`, drawn);
}
