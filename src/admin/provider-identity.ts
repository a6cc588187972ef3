/**
 * Who a provider is: its company, language, address and way of presenting credentials, checked together as
 * they will be, because each may change alone and each says what the others may be.
 */
import { createPrivateKey } from "node:crypto";
import { unknownName } from "../base/nearest.ts";
import { authenticationOf } from "../providers/authentication.ts";
import { COMPANIES, companyById } from "../providers/companies.ts";
import type { Company } from "../providers/company.ts";
import { credentialProblem, readServiceAccount, tokenUrlOf } from "../providers/credential-text.ts";
import { surfacesOfDialect } from "../providers/surfaces.ts";
import type { ProviderRow } from "../store/contract.ts";
import { readBaseUrl } from "./address.ts";
import { type AdminRefused, type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { ProviderChange } from "./shapes/provider.ts";

type Terms = ProviderRow["terms"];

/** What is said of it; undefined is not named, null clears. */
export type Said = Pick<
  ProviderChange,
  | "company"
  | "dialect"
  | "base_url"
  | "parameters"
  | "authentication"
  | "surfaces"
  | "allow_private_network"
  | "credential"
  | "more_credentials"
>;

export type Identity = Pick<ProviderRow, "dialect" | "baseUrl" | "allowPrivateNetwork"> & {
  /** null: nobody's in the catalogue. */
  readonly company: Company | null;
  readonly terms: Pick<Terms, "company" | "parameters" | "authentication" | "surfaces">;
};

/** `current` null: it is being created. */
export function identityOf(said: Said, current: ProviderRow | null): AdminVerdict<Identity> {
  const found = companyFor(said.company, current);
  if (!found.allowed) return found;
  const company = found.value;
  const dialect = dialectFor(said, company, current);
  if (!dialect.allowed) return dialect;
  const parameters = parametersFor(said, company, current);
  if (!parameters.allowed) return parameters;
  const allowPrivateNetwork =
    said.allow_private_network ?? current?.allowPrivateNetwork ?? company?.isLocal ?? false;
  const baseUrl = addressFor(said, company, parameters.value, current);
  if (!baseUrl.allowed) return baseUrl;
  const checkedUrl = readBaseUrl(baseUrl.value, allowPrivateNetwork);
  if (!checkedUrl.allowed) return checkedUrl;
  const surfaces = kept(said.surfaces, current?.terms.surfaces);
  const unserved = unservedProblem(dialect.value, surfaces);
  if (unserved !== null) return unserved;
  const authentication = kept(said.authentication, current?.terms.authentication);
  const misplaced = authenticationProblem(authentication);
  if (misplaced !== null) return misplaced;
  const identity: Identity = {
    company,
    dialect: dialect.value,
    baseUrl: checkedUrl.value,
    allowPrivateNetwork,
    terms: {
      ...(company === null ? {} : { company: company.id }),
      ...(Object.keys(parameters.value).length === 0 ? {} : { parameters: parameters.value }),
      ...(authentication === undefined ? {} : { authentication }),
      ...(surfaces === undefined ? {} : { surfaces }),
    },
  };
  return credentialsProblem(said, identity, current) ?? allow(identity);
}

function companyFor(
  said: string | null | undefined,
  current: ProviderRow | null,
): AdminVerdict<Company | null> {
  const id = kept(said, current?.terms.company);
  if (id === undefined) return allow(null);
  const company = companyById(id);
  if (company !== null) return allow(company);
  // One that has left the catalogue is no reason to refuse an edit of something else.
  if (said === undefined) return allow(null);
  const known = COMPANIES.map((one) => one.id);
  const sentence = `${unknownName("company", id, known)}; GET /api/v1/companies lists them.`;
  return refuse("invalid_request", `${sentence[0]?.toUpperCase()}${sentence.slice(1)}`, "/company");
}

function dialectFor(
  said: Said,
  company: Company | null,
  current: ProviderRow | null,
): AdminVerdict<ProviderRow["dialect"]> {
  const isMoved = typeof said.company === "string";
  const dialect =
    said.dialect ?? (isMoved ? company?.dialect : current?.dialect) ?? company?.dialect ?? "openai";
  if (company === null || company.dialect === dialect) return allow(dialect);
  const sentence = `dialect must be ${company.dialect}, which is what ${company.displayName} speaks here.`;
  return refuse("invalid_request", sentence, "/dialect");
}

type ParameterValues = Readonly<Record<string, string>>;

function parametersFor(
  { parameters, company: said }: Said,
  company: Company | null,
  current: ProviderRow | null,
): AdminVerdict<ParameterValues> {
  const isMoved = said !== undefined && said !== current?.terms.company;
  const values = kept(parameters, isMoved ? undefined : current?.terms.parameters) ?? {};
  const known = company?.parameters.map(({ name }) => name) ?? [];
  const unknown = Object.keys(values).find((name) => !known.includes(name));
  if (unknown === undefined) return allow(values);
  const has = known.length === 0 ? "none" : known.join(", ");
  const sentence = `There is no parameter ${unknown} of this company; it has ${has}.`;
  return refuse("invalid_request", sentence, `/parameters/${unknown}`);
}

/** What is written out counts; else the company's own, with its parameters filled in. */
function addressFor(
  said: Said,
  company: Company | null,
  values: ParameterValues,
  current: ProviderRow | null,
): AdminVerdict<string> {
  if (said.base_url !== undefined) return allow(said.base_url);
  const isNamed = typeof said.company === "string" || typeof said.parameters === "object";
  if (current !== null && (company === null || !isNamed)) return allow(current.baseUrl);
  if (company === null) {
    const sentence = "base_url is needed, or a company whose address is known.";
    return refuse("invalid_request", sentence, "/base_url");
  }
  const { baseUrl, parameters, displayName } = company;
  const missing = parameters
    .filter(({ name, standard }) => standard === null && !Object.hasOwn(values, name))
    .map(({ name }) => name);
  if (missing.length > 0) {
    const sentence = `parameters of ${displayName} must name ${missing.join(" and ")}.`;
    return refuse("invalid_request", sentence, "/parameters");
  }
  return allow(baseUrl.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? ""));
}

function unservedProblem(
  dialect: ProviderRow["dialect"],
  surfaces: readonly string[] | undefined,
): AdminRefused | null {
  const known: readonly string[] = surfacesOfDialect(dialect);
  const place = surfaces?.findIndex((surface) => !known.includes(surface)) ?? -1;
  if (place < 0) return null;
  const sentence = `surfaces must be of the dialect ${dialect}: ${known.join(", ")}.`;
  return refuse("invalid_request", sentence, `/surfaces/${place}`);
}

/** Headers that would break the request that they are part of. */
const OTHERS_HEADERS =
  /^(?:host|connection|transfer-encoding|expect|upgrade|te|trailer|keep-alive|(?:content|accept)-.*)$/i;

function authenticationProblem(chosen: Terms["authentication"]): AdminRefused | null {
  if (chosen === undefined) return null;
  const { kind, name, scope } = chosen;
  if (name !== undefined && kind !== "header")
    return strange("name", "has a name for header alone");
  const hasToken = kind === "azure_entra" || kind === "google_service_account";
  if (scope !== undefined && !hasToken) return strange("scope", "has a scope for tokens alone");
  return name !== undefined && OTHERS_HEADERS.test(name)
    ? strange("name", `cannot be in the header ${name}, which is not for credentials`)
    : null;
}

function strange(member: "name" | "scope", sentence: string): AdminRefused {
  return refuse("invalid_request", `authentication ${sentence}.`, `/authentication/${member}`);
}

/** What a credential must be follows from how it is presented; where tokens are had is called, too. */
function credentialsProblem(
  said: Said,
  { dialect, terms, allowPrivateNetwork }: Identity,
  current: ProviderRow | null,
): AdminRefused | null {
  const authentication = authenticationOf({ dialect, ...terms });
  const { credential, more_credentials: more } = said;
  const given = [
    ["credential", "/credential", credential] as const,
    ...(more ?? []).map(
      (text, place) => ["more_credentials", `/more_credentials/${place}`, text] as const,
    ),
  ];
  for (const [member, pointer, text] of given) {
    if (typeof text !== "string") continue;
    const problem =
      credentialProblem(authentication, text) ?? keyProblem(authentication.kind, text);
    if (problem !== null) return refuse("invalid_request", `${member} ${problem}.`, pointer);
    const tokenUrl = tokenUrlOf(authentication, text);
    const address = tokenUrl === null ? null : readBaseUrl(tokenUrl, allowPrivateNetwork);
    if (address !== null && !address.allowed) {
      const why = address.refusal.message.replace(/^base_url/, "its token endpoint");
      return refuse("invalid_request", `${member} cannot be used: ${why}`, pointer);
    }
  }
  return current === null ? null : unfitProblem(authentication.kind, said, current);
}

function keyProblem(kind: string, text: string): string | null {
  if (kind !== "google_service_account") return null;
  const account = readServiceAccount(text);
  if (!account.ok) return account.problem;
  try {
    createPrivateKey(account.value.privateKey);
    return null;
  } catch {
    // The library's words are about encodings, and may show some of them.
    return "has a private_key that is no private key in PEM";
  }
}

/** What is kept was checked for the way it was to be presented then. */
function unfitProblem(
  kind: string,
  given: Said,
  { dialect, terms, credentialSealed }: ProviderRow,
): AdminRefused | null {
  const before = authenticationOf({ dialect, ...terms }).kind;
  if (before === kind || (isOneText(before) && isOneText(kind))) return null;
  const stays =
    (credentialSealed !== null && given.credential === undefined) ||
    (terms.moreCredentialsSealed !== undefined && given.more_credentials === undefined);
  if (!stays) return null;
  const sentence = `The stored credentials are for ${before} and not for ${kind}: give new ones with this change.`;
  return refuse("unprocessable", sentence, "/credential");
}

function isOneText(kind: string): boolean {
  return kind === "bearer" || kind === "header";
}

/** null clears, undefined keeps. */
function kept<T>(said: T | null | undefined, current: T | undefined): T | undefined {
  return said === undefined ? current : (said ?? undefined);
}
