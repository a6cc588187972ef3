/** The panels of a run that are bars: CPU, memory, and where the machine's cores went. */
import { of } from "./context.ts";
import { EXCHANGE_CPU_RATIO_MAX, FRAME_CPU_RATIO_MAX, IDLE_BYTES_MAX } from "./goals.ts";
import { type Bar, type BarGroup, barChart } from "./plot-bars.ts";
import { AREA, COLORS } from "./plot-panel.ts";
import { linearScale } from "./plot-scale.ts";
import { bytesText, countText, microsText } from "./quantities.ts";
import type { SuiteResults } from "./results.ts";
import { SUBJECT_LABELS, type SubjectName } from "./subjects.ts";

type Cost = { readonly subject: SubjectName; readonly micros: number | undefined };

const bytesPerMb = 1_000_000;
const harnessColors = { upstream: "#9ca3af", load: "#d1d5db" } as const;

/** Everything relative to the bare relay, which is what the platform itself costs. */
export function cpuPanel(results: SuiteResults): string {
  const exchanges = results.cpu.map((entry) => ({
    subject: entry.subject,
    micros: entry.cpuMicrosPerExchange,
  }));
  const groups = [
    costGroup("plain exchange", exchanges, EXCHANGE_CPU_RATIO_MAX),
    costGroup("stream frame", frameCosts(results.crowd), FRAME_CPU_RATIO_MAX),
    costGroup("stream frame, opening the stream included", frameCosts(results.streams), undefined),
  ];
  return barChart({
    title: "Process CPU",
    note: "user and system time of all threads, from the operating system",
    x: scaleFor(groups, EXCHANGE_CPU_RATIO_MAX),
    xLabel: "times the bare relay",
    groups,
  });
}

function frameCosts(entries: SuiteResults["streams"] | SuiteResults["crowd"]): readonly Cost[] {
  return entries.map((entry) => ({ subject: entry.subject, micros: entry.cpuMicrosPerFrame }));
}

function costGroup(name: string, costs: readonly Cost[], goalTimes: number | undefined): BarGroup {
  const relayMicros = of(costs, "relay")?.micros ?? 0;
  const bars = costs.flatMap(({ subject, micros }): readonly Bar[] => {
    if (micros === undefined || relayMicros === 0) return [];
    const value = micros / relayMicros;
    const label = `${microsText(micros)}, ${value.toFixed(2)} ×`;
    return [{ name: SUBJECT_LABELS[subject], color: COLORS[subject], value, label }];
  });
  if (goalTimes === undefined) return { name, bars };
  return { name, bars, goal: { value: goalTimes, label: `goal ${goalTimes} ×` } };
}

/** Memory at rest, and what waiting streams add. */
export function memoryPanel(results: SuiteResults): string {
  const inTheMiddle = results.memory.filter((entry) => entry.idleBytes !== undefined);
  const goalMb = IDLE_BYTES_MAX / bytesPerMb;
  const groups: readonly BarGroup[] = [
    {
      name: "at rest, after start",
      bars: inTheMiddle.flatMap((entry) => memoryBar(entry.subject, entry.idleBytes)),
      goal: { value: goalMb, label: `goal ${goalMb} MB` },
    },
    {
      name: "at rest, after the run",
      bars: inTheMiddle.flatMap((entry) => memoryBar(entry.subject, entry.afterLoadBytes)),
    },
    {
      name: `grown by ${countText(results.idle[0]?.streams ?? 0)} waiting streams`,
      bars: results.idle.flatMap(({ subject, streams, residentBytesPerStream: each }) =>
        memoryBar(
          subject,
          each === undefined ? undefined : each * streams,
          `, ${bytesText(each)} each`,
        ),
      ),
    },
  ];
  return barChart({
    title: "Resident memory",
    note: "of the process in the middle",
    x: scaleFor(groups, goalMb),
    xLabel: "megabytes",
    groups,
  });
}

function memoryBar(subject: SubjectName, bytes: number | undefined, suffix = ""): readonly Bar[] {
  if (bytes === undefined) return [];
  const label = bytesText(bytes) + suffix;
  const value = bytes / bytesPerMb;
  return [{ name: SUBJECT_LABELS[subject], color: COLORS[subject], value, label }];
}

/** Where the machine's cores went: shows whether the harness itself was the limit. */
export function coresPanel(results: SuiteResults): string {
  const groups = results.crowd.map((entry): BarGroup => {
    const bars = (
      [
        [SUBJECT_LABELS[entry.subject], entry.cores.subject, COLORS[entry.subject]],
        ["upstream", entry.cores.upstream, harnessColors.upstream],
        ["load", entry.cores.generator, harnessColors.load],
      ] as const
    ).flatMap(([name, value, color]): readonly Bar[] =>
      value === undefined ? [] : [{ name, color, value, label: value.toFixed(2) }],
    );
    return { name: SUBJECT_LABELS[entry.subject], bars };
  });
  const streams = countText(results.crowd[0]?.streams ?? 0);
  return barChart({
    title: "Cores in use",
    note: `${streams} streams at once, steady; one event loop can use about one core`,
    x: scaleFor(groups, 1),
    xLabel: "cores",
    groups,
  });
}

/** From zero to past the longest bar, so that its label fits beside it. */
function scaleFor(groups: readonly BarGroup[], atLeast: number) {
  const values = groups.flatMap((group) => group.bars.map((bar) => bar.value));
  const to = Math.max(atLeast, ...values) * 1.4;
  return linearScale({ from: 0, to }, { from: AREA.left, to: AREA.right });
}
