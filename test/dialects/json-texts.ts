/**
 * Random JSON objects as text, written with random white space and escaped keys, together with the
 * places of their members: the generator knows where everything is, so tests need no second scanner.
 */
import * as fc from "fast-check";

export type RenderedMember = {
  readonly name: string;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
};

/** Positions count UTF-16 units of `text`. */
export type RenderedObject = { readonly text: string; readonly members: readonly RenderedMember[] };

const space = fc
  .array(fc.constantFrom(" ", "\n", "\t", "\r"), { maxLength: 2 })
  .map((parts) => parts.join(""));

/** Number formats that JSON.stringify would never write again. */
const oddNumbers = fc.constantFrom("1.0e2", "-0", "1E+3", "0.10", "10000000000000000000001");

const values = fc.oneof(
  { weight: 4, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: oddNumbers },
  { weight: 1, arbitrary: fc.constant('"{\\"model\\":[\\\\"') },
  {
    weight: 1,
    arbitrary: fc.string({ unit: "grapheme", minLength: 40 }).map((text) => JSON.stringify(text)),
  },
);

function escapeAll(name: string): string {
  return [...Array(name.length).keys()]
    .map((index) => `\\u${name.charCodeAt(index).toString(16).padStart(4, "0")}`)
    .join("");
}

/** Objects whose member names are unique and often among `names`. */
export function jsonTexts(names: readonly string[]): fc.Arbitrary<RenderedObject> {
  const name = fc.oneof(
    fc.constantFrom(...names),
    fc.constantFrom(...names.map((known) => `${known}_`)),
    fc.string(),
  );
  const member = fc.record({
    name,
    value: values,
    isEscaped: fc.boolean(),
    spaces: fc.tuple(space, space, space, space),
  });
  const members = fc.uniqueArray(member, { selector: (one) => one.name, maxLength: 8 });
  return fc.tuple(members, space, space).map(([list, before, after]) => {
    let text = `${before}{`;
    const rendered: RenderedMember[] = [];
    for (const [index, one] of list.entries()) {
      const key = one.isEscaped ? `"${escapeAll(one.name)}"` : JSON.stringify(one.name);
      text += (index === 0 ? "" : ",") + one.spaces[0];
      const keyStart = text.length;
      text += key;
      const keyEnd = text.length;
      text += `${one.spaces[1]}:${one.spaces[2]}`;
      const valueStart = text.length;
      text += one.value;
      const valueEnd = text.length;
      text += one.spaces[3];
      rendered.push({ name: one.name, keyStart, keyEnd, valueStart, valueEnd });
    }
    return { text: `${text}}${after}`, members: rendered };
  });
}
