/** `tollgate provider`: what companies there are, and a provider of one with nothing but its credential. */
import { readFile } from "node:fs/promises";
import { unknownName } from "../../base/nearest.ts";
import type { Config } from "../../config/config.ts";
import { CREDENTIAL_VARIABLE } from "../../config/environment.ts";
import { systemReason } from "../../config/system-reason.ts";
import type { Shape } from "../../http/admin/schemas.ts";
import type { AdminClient, Told } from "../admin-client.ts";
import { readSecret, type SecretInput } from "../read-secret.ts";
import { writeJson, writeTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { ProviderAsked } from "../usage-provider.ts";
import { withAdmin } from "../with-admin.ts";

/** Where a credential may come from. */
export type SecretWorld = {
  readonly input: SecretInput;
  /** Of the environment; undefined: it has none. */
  readonly credential: string | undefined;
};

type Deps = SecretWorld & { readonly terminal: Terminal; readonly client: AdminClient };

/** The exit code of {@link withAdmin}; 1 also where it was given up. */
export function provider(
  config: Pick<Config, "host" | "port" | "adminToken">,
  asked: ProviderAsked,
  terminal: Terminal,
  world: SecretWorld,
): Promise<number> {
  return withAdmin(config, asked.url, terminal, (client) => {
    const deps = { ...world, terminal, client };
    return asked.do === "companies" ? companies(deps, asked) : add(deps, asked);
  });
}

type Company = Shape<"CompanyPage">["data"][number];

/** All of them are on one page. */
async function known({ client }: Deps): Promise<Told<readonly Company[]>> {
  const page = await client.call("GET", "/companies", undefined, "CompanyPage");
  return page.ok ? { ok: true, value: page.value.data } : page;
}

async function companies(deps: Deps, { json }: ProviderAsked): Promise<Told<unknown>> {
  const rows = await known(deps);
  if (!rows.ok) return rows;
  const { out } = deps.terminal;
  if (json) writeJson(out, rows.value);
  else {
    const cells = rows.value.map((one) => [
      one.id,
      one.name,
      one.dialect,
      one.parameters
        .map(({ name, default: standard }) => (standard === null ? name : `[${name}]`))
        .join(", "),
      one.needs_credential ? CREDENTIALS[one.authentication.kind] : "none needed",
      one.base_url,
    ]);
    writeTable(out, ["COMPANY", "NAME", "DIALECT", "TO SET", "CREDENTIAL", "ADDRESS"], cells);
  }
  return rows;
}

/** What a person must have at hand. */
const CREDENTIALS: Readonly<Record<Company["authentication"]["kind"], string>> = {
  bearer: "API key",
  header: "API key",
  azure_entra: "JSON: tenant_id, client_id, client_secret",
  aws_sigv4: "JSON: access_key_id, secret_access_key",
  google_service_account: "JSON: the service account's key file",
};

type Added = Extract<ProviderAsked, { readonly do: "add" }>;

async function add(deps: Deps, asked: Added): Promise<Told<unknown>> {
  const rows = await known(deps);
  if (!rows.ok) return rows;
  const company = rows.value.find(({ id }) => id === asked.company);
  if (company === undefined) {
    const ids = rows.value.map(({ id }) => id);
    const problem = `${unknownName("company", asked.company, ids)}; \`provider companies\` lists them`;
    return { ok: false, problem };
  }
  const missing = missingParameters(company, asked);
  if (missing !== null) return { ok: false, problem: missing };
  const credential = await credentialFor(deps, company, asked);
  if (!credential.ok) return credential;
  const { name, baseUrl, parameters } = asked;
  const body = {
    company: company.id,
    ...(name === null ? {} : { name }),
    ...(baseUrl === null ? {} : { base_url: baseUrl }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    ...(credential.value === null ? {} : { credential: credential.value }),
  };
  const made = await deps.client.call("POST", "/providers", body, "Provider");
  if (!made.ok) return made;
  const { out } = deps.terminal;
  if (asked.json) writeJson(out, made.value);
  else {
    const { name: called, base_url: at, surfaces } = made.value;
    out.line(`${called} is there: ${company.name} at ${at}, for ${surfaces.join(", ")}.`);
    out.line(out.styled("dim", `Clients call ${called}/MODEL, or the model of a route to it.`));
  }
  return made;
}

/** Before a credential is asked for in vain. */
function missingParameters(company: Company, { baseUrl, parameters }: Added): string | null {
  if (baseUrl !== null) return null;
  const missing = company.parameters.filter(
    ({ name, default: standard }) => standard === null && !Object.hasOwn(parameters, name),
  );
  if (missing.length === 0) return null;
  const flags = missing.map(({ name }) => `--set ${name}=…`).join(" ");
  return `${company.name} needs ${flags}: ${missing.map(({ description }) => description).join(" ")}`;
}

/** null: none is needed, and none was given. */
async function credentialFor(
  { input, credential, terminal }: Deps,
  company: Company,
  { credentialFile }: Added,
): Promise<Told<string | null>> {
  if (credentialFile !== null && credentialFile !== "-") return await fromFile(credentialFile);
  const isAsked = credentialFile === "-";
  if (!isAsked && credential !== undefined && credential !== "") {
    return { ok: true, value: credential };
  }
  if (!isAsked && !company.needs_credential) return { ok: true, value: null };
  const what = CREDENTIALS[company.authentication.kind];
  const read = await readSecret(input, `Credential of ${company.name} (${what}): `, terminal.err);
  return read === null
    ? { ok: false, problem: `no credential was given; ${WAYS}` }
    : { ok: true, value: read };
}

const WAYS = `give it by --credential-file, ${CREDENTIAL_VARIABLE}, a pipe or at the prompt`;

async function fromFile(path: string): Promise<Told<string>> {
  try {
    const text = (await readFile(path, "utf8")).trim();
    return text === "" ? { ok: false, problem: `${path} is empty` } : { ok: true, value: text };
  } catch (error) {
    return { ok: false, problem: `${path} cannot be read: ${systemReason(error)}` };
  }
}
