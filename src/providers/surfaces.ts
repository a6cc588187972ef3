/**
 * What a provider may be asked: the surfaces of its language that its company serves, or those of them
 * that its operator left it.
 */
import type { DialectName } from "../base/dialect.ts";
import { type Surface, SURFACE_NAMES, SURFACES } from "../dialects/surfaces.ts";
import { companyById } from "./companies.ts";

export type SurfaceTerms = {
  readonly dialect: DialectName;
  /** Absent, or no longer in the catalogue: it serves whatever its language has. */
  readonly company?: string | undefined;
  /** The operator's choice; absent: all that there are. */
  readonly surfaces?: readonly string[] | undefined;
};

export function surfacesOf({ dialect, company, surfaces }: SurfaceTerms): ReadonlySet<Surface> {
  const ofCompany = company === undefined ? "all" : (companyById(company)?.surfaces ?? "all");
  const served = surfacesOfDialect(dialect).filter(
    (surface) => ofCompany === "all" || ofCompany.includes(surface),
  );
  // A name that no surface has (any more) allows nothing.
  return new Set(surfaces === undefined ? served : served.filter((one) => surfaces.includes(one)));
}

export function surfacesOfDialect(dialect: DialectName): readonly Surface[] {
  return SURFACE_NAMES.filter((surface) => SURFACES[surface].dialect === dialect);
}
