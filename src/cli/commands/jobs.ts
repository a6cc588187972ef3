/** `tollgate jobs`: what providers go on with and what is held for it, over the admin API. */
import type { Config } from "../../config/config.ts";
import type { Shape } from "../../http/admin/schemas.ts";
import { type AdminClient, allPages, createAdminClient, type Told } from "../admin-client.ts";
import { writeJson, writeTable } from "../table.ts";
import type { Output, Terminal } from "../terminal.ts";
import type { JobsAsked } from "../usage-jobs.ts";

const PAGE_ROWS = 200;
const [DONE, FAILED, MISUSED] = [0, 1, 2] as const;

/** 0 done, 1 refused or out of reach, 2 without an admin token or a usable address. */
export async function jobs(
  config: Pick<Config, "host" | "port" | "adminToken">,
  asked: JobsAsked,
  { out, err }: Terminal,
): Promise<number> {
  const complain = (problem: string): void => err.line(`${err.styled("red", "error:")} ${problem}`);
  const client = createAdminClient(config, asked.url);
  if (!client.ok) {
    complain(client.problem);
    return MISUSED;
  }
  const told =
    asked.do === "list"
      ? await list(client.value, asked, out)
      : await end(client.value, asked, out);
  if (told.ok) return DONE;
  complain(told.problem);
  return FAILED;
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
