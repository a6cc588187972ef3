/**
 * The one way in which use-cases write configured rows: the store commits, the directory takes the
 * commit into force, and only then is the write acknowledged. What stands against a write becomes a
 * sentence for the operator here.
 */
import type { Noun, Rows, WriteRefusal, Written } from "../store/contract.ts";
import type { AdminDeps } from "./deps.ts";
import { type AdminRefused, type AdminVerdict, allow, refuse } from "./refusal.ts";

/** How many times an edit is tried anew when another one came between reading and writing. */
const EDIT_TRIES_MAX = 5;

const ONE: { readonly [N in Noun]: string } = {
  tenants: "tenant",
  projects: "project",
  tokens: "access token",
  providers: "provider",
  routes: "route",
  prices: "price",
  budgets: "budget",
  limits: "limit",
  credits: "credit",
};

/** Members of rows as the API names them. */
const POINTERS: Readonly<Record<string, string>> = {
  name: "/name",
  model: "/model",
  tenantId: "/tenant_id",
  projectId: "/project_id",
  providerId: "/provider",
  scopeId: "/scope/id",
};

export async function insertRow<N extends Noun>(
  deps: AdminDeps,
  noun: N,
  row: Rows[N],
): Promise<AdminVerdict<Rows[N]>> {
  return committed(deps, noun, await deps.store.insert(noun, row));
}

/** What an edit makes of the row as it is now: the columns to write, or a refusal. */
export type Edit<N extends Noun> = (
  current: Rows[N],
) => AdminVerdict<Partial<Rows[N]>> | Promise<AdminVerdict<Partial<Rows[N]>>>;

/**
 * Reads, lets `edit` decide, and writes only if nobody wrote in between. With `ifVersion` a row of
 * another version is refused as stale; without it the edit is tried anew on the new row.
 */
export async function editRow<N extends Noun>(
  deps: AdminDeps,
  noun: N,
  id: string,
  ifVersion: number | null,
  edit: Edit<N>,
): Promise<AdminVerdict<Rows[N]>> {
  for (let tries = 1; ; tries += 1) {
    const current = await deps.store.get(noun, id);
    if (current === null) return missing(noun, id);
    if (ifVersion !== null && ifVersion !== current.version) {
      return stale(noun, `version is ${current.version}`);
    }
    const change = await edit(current);
    if (!change.allowed) return change;
    if (Object.keys(change.value).length === 0) return allow(current);
    const written = await deps.store.update(noun, id, change.value, current.version);
    const isOvertaken = !written.ok && written.why === "stale" && ifVersion === null;
    if (!isOvertaken || tries === EDIT_TRIES_MAX) return committed(deps, noun, written);
  }
}

export async function removeRow(
  deps: AdminDeps,
  noun: Noun,
  id: string,
): Promise<AdminVerdict<null>> {
  const written = await deps.store.remove(noun, id);
  if (!written.ok) return refusalOf(noun, written);
  await deps.directory.changed(noun, id, null);
  return allow(null);
}

/** Only the members that have a value: what a PATCH names. */
export function named<T extends object>(members: {
  readonly [K in keyof T]?: T[K] | undefined;
}): Partial<T> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

async function committed<N extends Noun>(
  deps: AdminDeps,
  noun: N,
  written: Written<Rows[N]>,
): Promise<AdminVerdict<Rows[N]>> {
  if (!written.ok) return refusalOf(noun, written);
  await deps.directory.changed(noun, written.row.id, written.row);
  return allow(written.row);
}

/** Also for a row that is being created or removed at this moment, and not in force. */
export function missing(noun: Noun, id: string): AdminRefused {
  return refuse("not_found", `There is no ${ONE[noun]} ${id}.`);
}

function stale(noun: Noun, detail: string): AdminRefused {
  const sentence = `The ${ONE[noun]} was changed meanwhile: its ${detail}. Read it again first.`;
  return refuse("stale_version", sentence, "if-match");
}

function refusalOf(noun: Noun, refusal: WriteRefusal): AdminRefused {
  return REFUSALS[refusal.why](noun, refusal.detail);
}

const REFUSALS: {
  readonly [W in WriteRefusal["why"]]: (noun: Noun, detail: string) => AdminRefused;
} = {
  not_found: missing,
  stale,
  in_use: (noun, detail) =>
    refuse("in_use", `The ${ONE[noun]} is in use by ${detail}; remove those first.`),
  conflict: (noun, detail) => {
    const members = detail.split(", ").map((member) => pointerOf(member));
    const names = members.map((pointer) => pointer.slice(1)).join(" and ");
    const sentence = `There is a ${ONE[noun]} with the same ${names} already.`;
    return refuse("conflict", sentence, members.at(-1) ?? null);
  },
  reference: (_noun, detail) => {
    const pointer = pointerOf(detail);
    const sentence = `${pointer.slice(1)} names something that does not exist here.`;
    return refuse("unprocessable", sentence, pointer);
  },
};

/** `targets/0/providerId` → `/targets/0/provider`. */
function pointerOf(member: string): string {
  const place = member.split("/");
  const last = place.pop() ?? "";
  return [...place.map((part) => `/${part}`), POINTERS[last] ?? `/${last}`].join("");
}
