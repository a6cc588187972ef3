/**
 * The catalogue of companies: every row by its id, and the one that an address belongs to. Data alone;
 * adding a company that speaks a known language in the usual way is one row of one of the lists.
 */
import type { DialectName } from "../base/dialect.ts";
import { CLOUDS } from "./clouds.ts";
import { CLOUDS_OF_CHINA } from "./clouds-of-china.ts";
import type { Company } from "./company.ts";
import { GATEWAYS } from "./gateways.ts";
import { HOSTED } from "./hosted.ts";
import { LOCAL } from "./local.ts";
import { MAKERS } from "./makers.ts";

/** By what operators look for: makers of models, clouds, who hosts others' models or asks others, own servers. */
export const COMPANIES: readonly Company[] = [
  ...MAKERS,
  ...CLOUDS,
  ...CLOUDS_OF_CHINA,
  ...HOSTED,
  ...GATEWAYS,
  ...LOCAL,
];

const BY_ID: ReadonlyMap<string, Company> = new Map(COMPANIES.map((one) => [one.id, one]));

export function companyById(id: string): Company | null {
  return BY_ID.get(id) ?? null;
}

/** What tells whose server a provider is. */
export type Known = {
  /** What the operator said; absent: nothing. */
  readonly company?: string | undefined;
  readonly dialect: DialectName;
  readonly baseUrl: string;
};

/** The company that the operator named, else the one whose address it is; null: nobody's we know. */
export function companyOf({ company, dialect, baseUrl }: Known): Company | null {
  const named = company === undefined ? null : companyById(company);
  if (named !== null) return named;
  const { hostname } = new URL(baseUrl);
  const found = ADDRESSES.find(
    (one) => one.company.dialect === dialect && one.pattern.test(hostname),
  );
  return found?.company ?? null;
}

/**
 * The address by which price lists know a provider: its company's own, where its operator named one and
 * calls it through something in between.
 */
export function listedAddress({ company, baseUrl }: Pick<Known, "company" | "baseUrl">): string {
  return (company === undefined ? undefined : LISTED.get(company)) ?? baseUrl;
}

/** Whatever stands for a parameter is one to a price list. */
const LISTED: ReadonlyMap<string, string> = new Map(
  COMPANIES.filter(({ isLocal }) => !isLocal).map(({ id, baseUrl }) => [
    id,
    baseUrl.replaceAll(/\{\w+\}/g, "any"),
  ]),
);

/** Loopback addresses tell nothing of who answers there. */
const ADDRESSES = COMPANIES.filter(({ isLocal }) => !isLocal).map((company) => ({
  company,
  pattern: hostPattern(company.baseUrl),
}));

function hostPattern(baseUrl: string): RegExp {
  const host = /^https?:\/\/([^/:]+)/.exec(baseUrl)?.[1] ?? "";
  const parts = host.split(/\{\w+\}/).map((part) => part.replaceAll(".", String.raw`\.`));
  return new RegExp(`^${parts.join("[a-z0-9.-]+")}$`);
}
