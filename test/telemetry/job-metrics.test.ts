/** Metrics of jobs: how many are open, what is held for them, and how they ended. */
import { expect, test } from "bun:test";
import { Registry } from "prom-client";
import { jobSeries } from "../../src/telemetry/job-series.ts";

async function linesOf(registry: Registry): Promise<readonly string[]> {
  const lines = (await registry.metrics()).split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

test("open jobs and what is held for them are shown as of the scrape, and those that have ended are counted", async () => {
  const registry = new Registry();
  const series = jobSeries(registry);
  series.show([
    { provider: "openai", kind: "batch", open: 2, heldNanoUsd: 1_500_000_000 },
    { provider: "openai", kind: "response", open: 1, heldNanoUsd: 1 },
  ]);
  for (const outcome of ["ok", "job_gone", "ok"]) {
    series.ended({ provider: "openai", kind: "batch", outcome });
  }
  const ended = [
    'tollgate_jobs_ended_total{provider="openai",kind="batch",outcome="ok"} 2',
    'tollgate_jobs_ended_total{provider="openai",kind="batch",outcome="job_gone"} 1',
  ];
  expect(await linesOf(registry)).toEqual([
    'tollgate_jobs_open{provider="openai",kind="batch"} 2',
    'tollgate_jobs_open{provider="openai",kind="response"} 1',
    'tollgate_jobs_held_usd{provider="openai",kind="batch"} 1.5',
    'tollgate_jobs_held_usd{provider="openai",kind="response"} 1e-9',
    ...ended,
  ]);
  series.show([]);
  expect(await linesOf(registry)).toEqual(ended);
});
