/**
 * Where the table of surfaces is mounted. A path that holds a model's name is mounted as a wildcard, because
 * such names hold slashes: all methods of models behind one root share it, and the end of the path tells
 * which one is meant.
 */
import { type Surface, SURFACE_NAMES, SURFACES } from "../../dialects/surfaces.ts";

const MODEL = "{model}";

export type PathMount = { readonly path: string; readonly surface: Surface };

/** What is asked of a model, by the end of its path. */
type Method = { readonly ending: string; readonly surface: Surface };

/** Paths below `root` that hold a model's name. */
export type ModelMount = { readonly root: string; readonly methods: readonly Method[] };

export const ALL_PATHS: readonly PathMount[] = SURFACE_NAMES.flatMap((surface) =>
  SURFACES[surface].paths.map((path) => ({ path, surface })),
);

export const PATH_MOUNTS = ALL_PATHS.filter(({ path }) => !path.includes(MODEL));

export const MODEL_MOUNTS: readonly ModelMount[] = modelMounts();

function modelMounts(): ModelMount[] {
  const mounts = new Map<string, Method[]>();
  for (const { path, surface } of ALL_PATHS) {
    const [root = "", ending] = path.split(MODEL);
    if (ending === undefined) continue;
    const methods = mounts.get(root) ?? [];
    methods.push({ ending, surface });
    mounts.set(root, methods);
  }
  return [...mounts].map(([root, methods]) => ({ root, methods }));
}

/** null: no such method. `pathname` begins with the mount's root. */
export function methodAt(
  { root, methods }: ModelMount,
  pathname: string,
): { readonly surface: Surface; readonly model: string } | null {
  const rest = decoded(pathname.slice(root.length));
  const method = methods.find(({ ending }) => rest.endsWith(ending));
  if (method === undefined) return null;
  return { surface: method.surface, model: rest.slice(0, -method.ending.length) };
}

/** Text as it is in a path, escaped or not. */
export function decoded(escaped: string): string {
  try {
    return decodeURIComponent(escaped);
  } catch {
    // Not valid percent-encoding: then it is the name of no model.
    return escaped;
  }
}
