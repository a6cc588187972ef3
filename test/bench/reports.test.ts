/** Reports hold what was measured, with units, and are well formed whatever was measured. */
import { describe, expect, test } from "bun:test";
import { linearScale, logScale, percentileScale } from "../../bench/plot-scale.ts";
import { sheetHtml, sheetSvg } from "../../bench/plot-sheet.ts";
import { bytesText, microsText, msText } from "../../bench/quantities.ts";
import { suiteSheet } from "../../bench/report-plot.ts";
import { suiteReport } from "../../bench/report-table.ts";
import { resultsJson } from "../../bench/results.ts";
import { renderTable } from "../../bench/table.ts";
import { suiteResults } from "./measured.ts";

/** Elements that are opened and not closed in order; throws on a stray closing tag. */
function unclosed(markup: string): readonly string[] {
  const open: string[] = [];
  for (const [, closing, name, , selfClosing] of markup.matchAll(
    /<(\/?)([a-z]+)((?:[^>"]|"[^"]*")*?)(\/?)>/g,
  )) {
    if (selfClosing === "/" || name === undefined) continue;
    if (closing !== "/") open.push(name);
    else if (open.pop() !== name) throw new Error(`</${name}> closes nothing`);
  }
  return open;
}

describe("a table", () => {
  test("aligns words to the left and numbers to the right, by their width on a terminal", () => {
    const table = renderTable({
      title: "T",
      columns: ["", "n", "word"],
      rows: [
        ["é", "1,000", "a"],
        ["long", "2", "bb"],
      ],
      textColumns: [2],
    });
    expect(table).toBe("T\n             n   word\n  é      1,000   a\n  long       2   bb\n");
  });

  test("writes about three digits of a quantity with its unit, and a dash for none", () => {
    expect([0.01234, 1.234, 12.34, 1_234].map((ms) => msText(ms))).toEqual([
      "0.012 ms",
      "1.23 ms",
      "12.3 ms",
      "1,234 ms",
    ]);
    expect([microsText(undefined), bytesText(1_500), bytesText(2.5e6), msText(-0.0001)]).toEqual([
      "–",
      "1.50 kB",
      "2.50 MB",
      "0.000 ms",
    ]);
  });
});

describe("a run's report", () => {
  test("says the goals first, then every measurement", () => {
    const report = suiteReport(suiteResults());
    const titles = report
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith(" "))
      .map((line) => line.split(/[,:]/)[0]);
    expect(titles).toEqual([
      "Tollgate bench",
      "2 × Test <CPU> & more",
      "Goals",
      "Plain exchange",
      "Process CPU per plain exchange",
      "Sustainable rate",
      "Streams",
      "The same streams",
      "1",
      "Resident memory",
    ]);
    expect(report).toContain("reached   added p99 at one client   ≤ 1.50 ms");
    expect(report).toContain("MISSED    CPU per stream frame");
    expect(report).toMatch(/direct +≥ 4,000\/s +1.00 ms +4.00 ms +8,000\/s/);
  });

  test("is kept as JSON with snake_case members, and null for what was not measured", () => {
    const kept = JSON.parse(resultsJson(suiteResults()));
    expect(kept.plain[2].added).toEqual({ p50_ms: 0.5, p95_ms: 0.8, p99_ms: 1 });
    expect(kept.cpu[0].cpu_micros_per_exchange).toBeNull();
    expect(kept.machine.memory_bytes).toBe(8 * 2 ** 30);
    expect(kept.goals[2]).toEqual({
      name: "CPU per stream frame",
      wanted: "≤ 2 × bare relay",
      measured: "2.50 × (25.0 µs to 10.0 µs)",
      reached: false,
    });
  });
});

describe("a plot", () => {
  test("is one well-formed document that needs nothing from elsewhere", () => {
    const sheet = suiteSheet(suiteResults());
    for (const document of [sheetSvg(sheet), sheetHtml(sheet)]) {
      const body = document.replace("<!doctype html>", "").replace(/<meta [^>]*>/, "");
      expect(unclosed(body)).toEqual([]);
      expect(document.replaceAll("http://www.w3.org/2000/svg", "")).not.toContain("http");
      expect(document).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  test("names its panels, axes with units, ways and goals", () => {
    const svg = sheetSvg(suiteSheet(suiteResults()));
    const labels = [
      "Latency of a plain exchange",
      "milliseconds (log)",
      "times the bare relay",
      "megabytes",
      "gap between frames, milliseconds",
      "bare relay",
      "Tollgate",
      "✗ missed: CPU per stream frame",
      "Test &lt;CPU&gt; &amp; more",
    ];
    expect(labels.filter((label) => !svg.includes(label))).toEqual([]);
  });

  test("is drawn also when nothing was measured", () => {
    const nothing = { memory: [], plain: [], cpu: [], rate: [], streams: [], crowd: [], idle: [] };
    const svg = sheetSvg(suiteSheet(suiteResults(nothing)));
    expect(unclosed(svg)).toEqual([]);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(suiteReport(suiteResults(nothing))).toContain("not measured");
  });
});

describe("a scale", () => {
  const range = { from: 0, to: 100 };

  test("puts values in proportion and names round ones", () => {
    const scale = linearScale({ from: 0, to: 47 }, range);
    expect(scale.ticks.map((tick) => tick.label)).toEqual(["0", "10", "20", "30", "40"]);
    expect(scale.place(23.5)).toBe(50);
  });

  test("gives each factor of ten the same width", () => {
    const scale = logScale({ from: 0.1, to: 10 }, range);
    expect([0.1, 1, 10].map((value) => Math.round(scale.place(value)))).toEqual([0, 50, 100]);
    expect(scale.ticks.map((tick) => tick.label)).toEqual([
      "0.1",
      "0.2",
      "0.5",
      "1",
      "2",
      "5",
      "10",
    ]);
  });

  test("gives the tail of percentiles as much room as the middle", () => {
    const scale = percentileScale(99.9, range);
    expect([90, 99, 99.9].map((value) => Math.round(scale.place(value)))).toEqual([33, 67, 100]);
    expect(scale.ticks.map((tick) => tick.label)).toEqual([
      "0 %",
      "50 %",
      "90 %",
      "99 %",
      "99.9 %",
    ]);
  });
});
