/** `tollgate prices`: the operator's prices beside the catalogue, over the admin API. */
import type { Config } from "../../config/config.ts";
import type { Shape } from "../../http/admin/schemas.ts";
import { type AdminClient, allPages, type Told } from "../admin-client.ts";
import { writeJson, writeTable } from "../table.ts";
import type { Output, Terminal } from "../terminal.ts";
import type { PricesAsked } from "../usage-operate.ts";
import { withAdmin } from "../with-admin.ts";

const PAGE_ROWS = 200;

/** The exit code of {@link withAdmin}. */
export function prices(
  config: Pick<Config, "host" | "port" | "adminToken">,
  asked: PricesAsked,
  terminal: Terminal,
): Promise<number> {
  return withAdmin(config, asked.url, terminal, (client) => run(client, asked, terminal.out));
}

function run(client: AdminClient, asked: PricesAsked, out: Output): Promise<Told<unknown>> {
  if (asked.do === "list") return list(client, asked, out);
  if (asked.do === "diff") return diff(client, asked, out);
  if (asked.do === "set") return set(client, asked, out);
  if (asked.do === "preview") return preview(client, asked, out);
  return unset(client, asked, out);
}

type Asked<D extends PricesAsked["do"]> = Extract<PricesAsked, { readonly do: D }>;

/** The query of a list; further parameters follow with an ampersand. */
function queryOf({ provider }: { readonly provider: string | null }): string {
  const of = provider === null ? "" : `&provider=${encodeURIComponent(provider)}`;
  return `limit=${PAGE_ROWS}${of}`;
}

type Catalogued = Shape<"CataloguePage">["data"][number];

function catalogueRows(client: AdminClient, query: string): Promise<Told<readonly Catalogued[]>> {
  return allPages((cursor) =>
    client.call("GET", `/prices/catalogue?${query}${cursor}`, undefined, "CataloguePage"),
  );
}

async function list(
  client: AdminClient,
  asked: Asked<"list">,
  out: Output,
): Promise<Told<unknown>> {
  if (asked.what === "unpriced") return listUnpriced(client, asked, out);
  const of = asked.what === "set" ? `${queryOf(asked)}&overridden=true` : queryOf(asked);
  const rows = await catalogueRows(client, of);
  if (!rows.ok) return rows;
  if (asked.json) writeJson(out, rows.value);
  else if (rows.value.length === 0) out.line("No prices are set.");
  else {
    const heading = ["PROVIDER", "MODEL", "INPUT", "OUTPUT", "CACHED", "BESIDES", "SOURCE"];
    writeTable(out, heading, rows.value.map(listedCells));
    out.line(out.styled("dim", "US dollars per million tokens."));
  }
  return rows;
}

function listedCells(row: Catalogued): string[] {
  const amounts = row.operator ?? row.listed;
  return [
    row.provider,
    row.model,
    amounts?.input_usd_per_million ?? "",
    amounts?.output_usd_per_million ?? "",
    amounts?.cached_input_usd_per_million ?? "-",
    amounts === null ? "" : besides(amounts),
    row.source,
  ];
}

type Amounts = NonNullable<Catalogued["operator"]>;

/** What a price asks beside input, output and cached input, in short words. */
function besides(amounts: Amounts): string {
  const rates = Object.entries({
    "cache write": amounts.cache_write_usd_per_million,
    "cache write 1h": amounts.cache_write_1h_usd_per_million,
    reasoning: amounts.reasoning_usd_per_million,
    "audio in": amounts.audio_input_usd_per_million,
    "audio out": amounts.audio_output_usd_per_million,
    "images in": amounts.image_input_usd_per_million,
    "images out": amounts.image_output_usd_per_million,
  }).flatMap(([name, rate]) => (rate === null ? [] : [`${name} ${rate}`]));
  const units = Object.entries({
    characters: amounts.character_usd_per_million,
    "a picture": amounts.image_usd,
    "a second of sound": amounts.audio_second_usd,
    "a search": amounts.search_unit_usd,
  }).flatMap(([name, usd]) => (usd === null ? [] : [`${name} ${usd}`]));
  const tools = Object.entries(amounts.tool_call_usd ?? {}).map(
    ([tool, usd]) => `${tool} ${usd}/call`,
  );
  const tiers = amounts.tiers.map(
    (tier) =>
      `above ${tier.above_input_tokens} tokens ${tier.input_usd_per_million}/${tier.output_usd_per_million}`,
  );
  const { request_usd: request } = amounts;
  const fee = request === null || request === "0.00" ? [] : [`${request}/request`];
  const batch = amounts.batch_multiplier === null ? [] : [`batch × ${amounts.batch_multiplier}`];
  return [...rates, ...units, ...fee, ...tools, ...tiers, ...batch].join(", ");
}

async function listUnpriced(
  client: AdminClient,
  asked: Asked<"list">,
  out: Output,
): Promise<Told<unknown>> {
  const rows = await allPages((cursor) =>
    client.call("GET", `/prices/unpriced?limit=${PAGE_ROWS}${cursor}`, undefined, "UnpricedPage"),
  );
  if (!rows.ok) return rows;
  const { provider } = asked;
  const found = rows.value.filter((row) => provider === null || row.provider === provider);
  if (asked.json) writeJson(out, found);
  else if (found.length === 0) out.line("Every model that was asked for has a price.");
  else {
    const cells = found.map((row) => [
      row.provider,
      row.model,
      row.surfaces.join(", "),
      String(row.requests),
      row.last_seen_at,
    ]);
    writeTable(out, ["PROVIDER", "MODEL", "SURFACES", "REQUESTS", "LAST SEEN"], cells);
  }
  return rows;
}

type Difference = { readonly member: string; readonly set: unknown; readonly listed: unknown };

async function diff(
  client: AdminClient,
  asked: Asked<"diff">,
  out: Output,
): Promise<Told<unknown>> {
  const rows = await catalogueRows(client, `${queryOf(asked)}&overridden=true`);
  if (!rows.ok) return rows;
  const compared = rows.value.map((row) => ({
    provider: row.provider,
    model: row.model,
    in_catalogue: row.listed !== null,
    differences: row.listed === null ? [] : differences(row.operator, row.listed),
  }));
  if (asked.json) writeJson(out, compared);
  else if (compared.length === 0) out.line("No prices are set.");
  else {
    const cells = compared.flatMap(
      ({ provider, model, in_catalogue: isListed, differences: found }) =>
        found.length === 0
          ? [[provider, model, isListed ? "the same as the catalogue" : "not in the catalogue"]]
          : found.map((one) => [provider, model, one.member, text(one.set), text(one.listed)]),
    );
    writeTable(out, ["PROVIDER", "MODEL", "MEMBER", "SET", "CATALOGUE"], cells);
  }
  return rows;
}

/** Left open, these are what the catalogue says. */
const AS_LISTED: ReadonlySet<string> = new Set([
  "request_usd",
  "tool_call_usd",
  "context_tokens_max",
  "output_tokens_max",
]);

function differences(own: Catalogued["operator"], listed: Catalogued["listed"]): Difference[] {
  const theirs: Readonly<Record<string, unknown>> = { ...listed };
  return Object.entries(own ?? {}).flatMap(([member, value]) => {
    const isAsListed = value === null && AS_LISTED.has(member);
    return isAsListed || JSON.stringify(value) === JSON.stringify(theirs[member])
      ? []
      : [{ member, set: value, listed: theirs[member] }];
  });
}

function text(value: unknown): string {
  if (value === null || value === undefined) return "-";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The id of the price that is set; null: none is. */
async function idOf(
  client: AdminClient,
  { provider, model }: { readonly provider: string; readonly model: string },
): Promise<Told<string | null>> {
  const where = `provider=${encodeURIComponent(provider)}&model=${encodeURIComponent(model)}`;
  const page = await client.call("GET", `/prices?${where}`, undefined, "PricePage");
  return page.ok ? { ok: true, value: page.value.data[0]?.id ?? null } : page;
}

async function set(client: AdminClient, asked: Asked<"set">, out: Output): Promise<Told<unknown>> {
  const { provider, model, members } = asked;
  const id = await idOf(client, asked);
  if (!id.ok) return id;
  const price =
    id.value === null
      ? await client.call("POST", "/prices", { provider, model, ...members }, "Price")
      : await client.call("PATCH", `/prices/${id.value}`, members, "Price");
  if (!price.ok) return price;
  if (asked.json) writeJson(out, price.value);
  else {
    const { input_usd_per_million: input, output_usd_per_million: output } = price.value;
    const rest = besides(price.value);
    const more = rest === "" ? "" : ` (${rest})`;
    out.line(
      `${model} of ${price.value.provider} costs ${input} for input and ${output} for output from now on, in US dollars per million tokens${more}.`,
    );
  }
  return price;
}

async function preview(
  client: AdminClient,
  asked: Asked<"preview">,
  out: Output,
): Promise<Told<unknown>> {
  const { provider, model, members } = asked;
  const body = { provider, model, ...members };
  const told = await client.call("POST", "/prices/preview", body, "PricePreview");
  if (!told.ok) return told;
  if (asked.json) writeJson(out, told.value);
  else {
    const { costs, doubts, listed, plausible } = told.value;
    if (costs !== null) out.line(costs.sentence);
    if (listed !== null) {
      const { input_usd_per_million: input, output_usd_per_million: output, source } = listed;
      out.line(`The list (${source}) says ${input} for input and ${output} for output.`);
    }
    for (const doubt of doubts) out.line(out.styled("yellow", doubt.explanation));
    if (!plausible) out.line("It is refused unless it is confirmed with --confirm-unusual.");
  }
  return told;
}

async function unset(
  client: AdminClient,
  asked: Asked<"unset">,
  out: Output,
): Promise<Told<unknown>> {
  const { provider, model } = asked;
  const id = await idOf(client, asked);
  if (!id.ok) return id;
  if (id.value === null) {
    return { ok: false, problem: `no price of ${model} is set at ${provider}` };
  }
  const removed = await client.remove(`/prices/${id.value}`);
  if (!removed.ok) return removed;
  if (asked.json) writeJson(out, { provider, model, unset: true });
  else out.line(`The catalogue's price of ${model} at ${provider} counts again.`);
  return removed;
}
