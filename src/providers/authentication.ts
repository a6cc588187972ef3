/**
 * How a provider's credential is presented: as its operator chose, else as its company asks, else as
 * clients of its language do.
 */
import type { DialectName } from "../base/dialect.ts";
import { companyById } from "./companies.ts";
import type { Authentication } from "./company.ts";

const OF_DIALECT: Readonly<Record<DialectName, Authentication>> = {
  openai: { kind: "bearer" },
  anthropic: { kind: "header", name: "x-api-key" },
  google: { kind: "header", name: "x-goog-api-key" },
};

/** What an operator leaves open of a choice. */
const STANDARD = {
  header: "x-api-key",
  azure_entra: "https://cognitiveservices.azure.com/.default",
  aws_sigv4: "bedrock",
  google_service_account: "https://www.googleapis.com/auth/cloud-platform",
} as const;

export type AuthenticationTerms = {
  readonly dialect: DialectName;
  readonly company?: string | undefined;
  /** The operator's choice. */
  readonly authentication?:
    | {
        readonly kind: Authentication["kind"];
        readonly name?: string | undefined;
        readonly scope?: string | undefined;
      }
    | undefined;
};

export function authenticationOf(terms: AuthenticationTerms): Authentication {
  const { dialect, company, authentication: chosen } = terms;
  if (chosen === undefined) {
    const known = company === undefined ? null : companyById(company);
    return known?.authentication ?? OF_DIALECT[dialect];
  }
  const { kind } = chosen;
  switch (kind) {
    case "bearer":
      return { kind };
    case "header":
      // As clients' headers come, so that one of theirs by the same name is replaced and not joined.
      return { kind, name: (chosen.name ?? STANDARD.header).toLowerCase() };
    case "aws_sigv4":
      return { kind, service: STANDARD.aws_sigv4 };
    default:
      return { kind, scope: chosen.scope ?? STANDARD[kind] };
  }
}
