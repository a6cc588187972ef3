/** The catalogue of companies, as operators see it. */
import { COMPANIES } from "../providers/companies.ts";
import type { Authentication, Company as CatalogueCompany } from "../providers/company.ts";
import { surfacesOf } from "../providers/surfaces.ts";
import type { Page } from "./configured.ts";
import type { Company } from "./shapes/company.ts";

export type Companies = () => Page<Company>;

/** All of them: they are few. */
export const listCompanies: Companies = () => ({
  data: COMPANIES.map(showCompany),
  next_cursor: null,
});

function showCompany(company: CatalogueCompany): Company {
  const { id, dialect, quirks } = company;
  return {
    id,
    name: company.displayName,
    dialect,
    base_url: company.baseUrl,
    parameters: company.parameters.map(({ name, description, standard }) => {
      return { name, description, default: standard };
    }),
    authentication: showAuthentication(company.authentication),
    needs_credential: company.needsCredential,
    local: company.isLocal,
    surfaces: [...surfacesOf({ dialect, company: id })],
    quirks: {
      output_cap_member: quirks.outputCapMember,
      repeats_text: quirks.repeatsText,
      ends_with_finish: quirks.endsWithFinish,
      tells_usage_unasked: quirks.tellsUsageUnasked,
      keeps_batch_files_only: quirks.keepsBatchFilesOnly,
      thinks_beyond_limit: quirks.thinksBeyondLimit,
      sound_seconds_least: quirks.soundSecondsLeast,
    },
    reference: company.reference,
    reference_seen_on: company.referenceSeenOn,
  };
}

export function showAuthentication(authentication: Authentication): Company["authentication"] {
  const { kind } = authentication;
  return {
    kind,
    name: "name" in authentication ? authentication.name : null,
    scope: "scope" in authentication ? authentication.scope : null,
  };
}
