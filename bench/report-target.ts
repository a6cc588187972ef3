/** The results of one target, as text and as a plot. */
import { COLORS } from "./plot-panel.ts";
import { gapPanel, latencyPanel } from "./plot-panels.ts";
import type { Sheet } from "./plot-sheet.ts";
import { countText, DASH, secondsText, msText, rateText } from "./quantities.ts";
import type { Added, Summary } from "./statistics.ts";
import { renderTable } from "./table.ts";
import type { TargetResults, WayResults } from "./target-results.ts";

const wayColors = { target: COLORS.tollgate, direct: COLORS.direct } as const;

/** Every failure is listed with its reason, below the numbers. */
export function targetReport(results: TargetResults): string {
  const parts = [`${headline(results)}\n`];
  for (const way of results.ways) parts.push(`${way.name}: ${way.endpoint}, model ${way.model}\n`);
  parts.push("\n", latencyTable(results));
  if (results.ways.some((way) => way.stream !== undefined)) parts.push("\n", streamTable(results));
  for (const way of results.ways) {
    for (const { reason, count } of way.failures) {
      parts.push(`${way.name}: ${countText(count)} × ${reason}\n`);
    }
    if (way.unanswered > 0) parts.push(`${way.name}: ${countText(way.unanswered)} × no answer\n`);
  }
  return parts.join("");
}

function headline(results: TargetResults): string {
  const { load } = results;
  const offered =
    load.kind === "closed"
      ? `${countText(load.clients)} client${load.clients === 1 ? "" : "s"}, back to back`
      : `${rateText(load.ratePerSecond)} offered, ${load.gaps} gaps`;
  return `Tollgate bench: ${offered}, ${secondsText(results.durationMs)} each way`;
}

function latencyTable(results: TargetResults): string {
  const rows = results.ways.map((way) => [
    way.name,
    countText(way.succeeded),
    countText(way.failed + way.unanswered),
    rateText(way.perSecond),
    ...summaryCells(way.latency),
    way.latency.count === 0 ? DASH : msText(way.latency.maxMs),
    msText(way.lag.p99Ms),
  ]);
  if (results.added !== undefined) {
    rows.push(["added", "", "", "", ...addedCells(results.added.latency), "", ""]);
  }
  return renderTable({
    title: "Latency of whole exchanges, from planned start",
    columns: ["", "done", "failed", "rate", "p50", "p95", "p99", "max", "generator late by (p99)"],
    rows,
  });
}

function summaryCells(summary: Summary | undefined): readonly string[] {
  if (summary === undefined || summary.count === 0) return [DASH, DASH, DASH];
  return [msText(summary.p50Ms), msText(summary.p95Ms), msText(summary.p99Ms)];
}

function addedCells(added: Added | undefined): readonly string[] {
  return [msText(added?.p50Ms), msText(added?.p95Ms), msText(added?.p99Ms)];
}

function streamTable(results: TargetResults): string {
  const rows = results.ways.map(({ name, stream }) => [
    name,
    countText(stream?.frames ?? 0),
    countText(stream?.framesMerged ?? 0),
    ...summaryCells(stream?.firstFrame),
    ...summaryCells(stream?.gap),
  ]);
  const { added } = results;
  if (added !== undefined) {
    rows.push(["added", "", "", ...addedCells(added.firstFrame), ...addedCells(added.gap)]);
  }
  return renderTable({
    title: "Streams: time to the first frame, and gap between frames",
    columns: [
      "",
      "frames",
      "merged",
      "first p50",
      "first p95",
      "first p99",
      "gap p50",
      "gap p95",
      "gap p99",
    ],
    rows,
  });
}

function drawn(way: WayResults) {
  return { name: way.name, color: wayColors[way.name] };
}

/** Latency, and for streams the first frame and the gaps. */
export function targetSheet(results: TargetResults): Sheet {
  // The target last, so that its line is drawn over the direct one.
  const ways = results.ways.toReversed();
  const note = headline(results).replace("Tollgate bench: ", "");
  const panels = [
    latencyPanel(
      "Latency of whole exchanges",
      note,
      ways.map((way) => Object.assign(drawn(way), { curve: way.latencyCurve })),
    ),
  ];
  const streams = ways.flatMap((way) =>
    way.stream === undefined ? [] : [{ ...drawn(way), stream: way.stream }],
  );
  if (streams.length > 0) {
    const firstFrames = streams.map(({ name, color, stream }) => ({
      name,
      color,
      curve: stream.firstFrameCurve,
    }));
    const gaps = streams.map(({ name, color, stream }) => ({
      name,
      color,
      curve: stream.gapCurve,
    }));
    panels.push(latencyPanel("Time to the first frame", note, firstFrames));
    panels.push(gapPanel("Gap between frames", note, { curves: gaps, paceMs: undefined }));
  }
  return {
    title: "Tollgate bench",
    subtitle: results.ways.map((way) => `${way.name} ${way.endpoint}`).join(" · "),
    lines: [{ content: addedLine(results) }],
    panels,
  };
}

function addedLine(results: TargetResults): string {
  const added = results.added?.latency;
  if (added === undefined)
    return "No direct way was given, so nothing can be said about what was added.";
  const [p50 = DASH, p95 = DASH, p99 = DASH] = addedCells(added);
  return `The target adds ${p50} at p50, ${p95} at p95, ${p99} at p99.`;
}
