/** `tollgate jobs`: what providers go on with and what is held for it, over the admin API. */
import type { Config } from "../../config/config.ts";
import type { Shape } from "../../http/admin/schemas.ts";
import { type AdminClient, allPages, type Told } from "../admin-client.ts";
import { writeJson, writeTable } from "../table.ts";
import type { Output, Terminal } from "../terminal.ts";
import type { JobsAsked } from "../usage-jobs.ts";
import { withAdmin } from "../with-admin.ts";

const PAGE_ROWS = 200;

/** The exit code of {@link withAdmin}. */
export function jobs(
  config: Pick<Config, "host" | "port" | "adminToken">,
  asked: JobsAsked,
  terminal: Terminal,
): Promise<number> {
  const { out } = terminal;
  return withAdmin(config, asked.url, terminal, (client) =>
    asked.do === "list" ? list(client, asked, out) : end(client, asked, out),
  );
}

type Asked<D extends JobsAsked["do"]> = Extract<JobsAsked, { readonly do: D }>;

async function list(
  client: AdminClient,
  { tenant, provider, kind, json }: Asked<"list">,
  out: Output,
): Promise<Told<unknown>> {
  const query = Object.entries({ limit: String(PAGE_ROWS), tenant_id: tenant, provider, kind })
    .flatMap(([name, value]) => (value === null ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .join("&");
  const rows = await allPages((cursor) =>
    client.call("GET", `/jobs?${query}${cursor}`, undefined, "JobPage"),
  );
  if (!rows.ok) return rows;
  if (json) writeJson(out, rows.value);
  else if (rows.value.length === 0) out.line("Nothing is held for jobs.");
  else {
    const heading = ["JOB", "KIND", "PROVIDER", "MODEL", "TENANT", "HELD", "BEGUN", "LAST LOOK"];
    writeTable(out, heading, rows.value.map(cellsOf));
  }
  return rows;
}

type Job = Shape<"Job">;

function cellsOf(job: Job): string[] {
  const { id, kind, lines, provider, model, tenant_id: tenant, held_usd, begun_at } = job;
  const what = lines === null ? kind : `${kind} of ${lines}`;
  return [id, what, provider, model, tenant, held_usd, begun_at, lookOf(job)];
}

function lookOf({ last_look: look }: Job): string {
  if (look === null) return "-";
  return look.why === null ? look.said : `${look.said}: ${look.why}`;
}

async function end(
  client: AdminClient,
  { id, amountUsd, note, json }: Asked<"end">,
  out: Output,
): Promise<Told<unknown>> {
  const body = {
    ...(amountUsd === null ? {} : { amount_usd: amountUsd }),
    ...(note === null ? {} : { note }),
  };
  const path = `/jobs/${encodeURIComponent(id)}/end`;
  const ended = await client.call("POST", path, body, "EndedJob");
  if (!ended.ok) return ended;
  if (json) writeJson(out, ended.value);
  else {
    const { cost_usd: cost, held_usd: held } = ended.value;
    out.line(`${id} has ended: it cost ${cost} of the ${held} US dollars that were held for it.`);
  }
  return ended;
}
