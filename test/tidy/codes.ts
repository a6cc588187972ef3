/** Each code of the error catalogue is produced by some code of ours and asserted by some test. */
import { isIn, type Tree } from "./tree.ts";

const CATALOGUE = "src/base/error.ts";

export function codesNobodyNames(tree: Tree, codes: readonly string[]): readonly string[] {
  const named = (code: string, rooms: readonly string[], except: readonly string[]): boolean => {
    const word = new RegExp(`\\b${code}\\b`);
    return tree.sources.some(
      ({ path, uncommented }) => isIn(path, rooms) && !isIn(path, except) && word.test(uncommented),
    );
  };
  return codes.flatMap((code) => [
    ...(named(code, ["src/", "actors/"], [CATALOGUE]) ? [] : [`${code} is produced nowhere`]),
    ...(named(code, ["test/"], ["test/tidy/", "test/tidy.test.ts"])
      ? []
      : [`${code} is asserted by no test`]),
  ]);
}
