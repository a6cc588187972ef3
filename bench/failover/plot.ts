/** Draws a run over time, the ways to fail one after the other on one axis. */
import { machineLine } from "../machine.ts";
import { COLORS } from "../plot-panel.ts";
import type { Sheet } from "../plot-sheet.ts";
import { timePanel, type TimeLine, type TimePanel } from "../plot-time.ts";
import { secondsText } from "../quantities.ts";
import { goalLines } from "../report-goals.ts";
import type { WaySlot } from "./judge.ts";
import { failoverHeadline, type FailoverResults } from "./report.ts";

const providerColors = [COLORS.tollgate, COLORS.relay, COLORS.goal] as const;

export function failoverSheet(results: FailoverResults): Sheet {
  const axis = axisOf(results);
  const byProvider = Array.from({ length: results.providers }, (_, index): TimeLine => ({
    name: index === 0 ? "the one that fails" : `provider ${index + 1}`,
    color: providerColors[index] ?? COLORS.direct,
    points: pointsOf(results, ({ arrivalsPerSecond }) => arrivalsPerSecond[index]),
  }));
  const p99s = pointsOf(results, ({ p99Ms }) => p99Ms);
  return {
    title: "Tollgate bench failover",
    subtitle: [
      `${results.startedAt}, ${failoverHeadline(results)}`,
      `took ${secondsText(results.durationMs)} · ${machineLine(results.machine)}`,
    ].join(", "),
    lines: goalLines(results.goals),
    panels: [
      timePanel({
        ...axis,
        title: "Success",
        note: "share of the requests due in each moment that were answered",
        yLabel: "percent",
        yMax: 105,
        lines: ofClients(
          pointsOf(results, ({ successShare }) =>
            successShare === undefined ? undefined : successShare * 100,
          ),
        ),
      }),
      timePanel({
        ...axis,
        title: "Requests at each provider",
        note: "by the providers' own counts",
        yLabel: "requests per second",
        lines: byProvider,
        reference: { value: results.ratePerSecond, label: "offered" },
      }),
      timePanel({
        ...axis,
        title: "Latency of successful requests",
        note: "p99 of those that ended in each moment",
        yLabel: "milliseconds",
        lines: ofClients(p99s),
      }),
      timePanel({
        ...axis,
        title: "The same, up to 100 ms",
        note: "what is slower is drawn at the upper edge",
        yLabel: "milliseconds",
        yMax: 100,
        lines: ofClients(p99s),
      }),
    ],
  };
}

/** Where each way begins on the common axis. */
function offsetsOf({ ways }: FailoverResults): readonly number[] {
  let sumMs = 0;
  return ways.map(({ durationMs }) => {
    const offsetMs = sumMs;
    sumMs += durationMs;
    return offsetMs;
  });
}

function axisOf(results: FailoverResults): Pick<TimePanel, "untilMs" | "moments"> {
  const offsets = offsetsOf(results);
  return {
    untilMs: results.ways.reduce((sum, { durationMs }) => sum + durationMs, 0),
    moments: results.ways.flatMap(({ way, failedMs, healedMs }, index) => [
      { atMs: (offsets[index] ?? 0) + failedMs, label: way },
      { atMs: (offsets[index] ?? 0) + healedMs, label: "heals" },
    ]),
  };
}

function pointsOf(
  results: FailoverResults,
  valueOf: (slot: WaySlot) => number | undefined,
): TimeLine["points"] {
  const offsets = offsetsOf(results);
  return results.ways.flatMap(({ timeline }, index) =>
    timeline.map((slot) => ({
      atMs: (offsets[index] ?? 0) + slot.atMs,
      value: valueOf(slot),
    })),
  );
}

function ofClients(points: TimeLine["points"]): readonly TimeLine[] {
  return [{ name: "clients", color: COLORS.tollgate, points }];
}
