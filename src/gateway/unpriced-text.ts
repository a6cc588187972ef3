/** Tells a client that a model has no price where it was called, by what it could be paid, and where that is set. */
import { type Meter, metersOf, type Surface, SURFACES } from "../dialects/surfaces.ts";

/** How a meter is worded, and the member of a price that is its own. */
const WORDS: Readonly<Record<Exclude<Meter, "free">, readonly [per: string, member: string]>> = {
  tokens: ["token", "input_usd_per_million and output_usd_per_million"],
  images: ["picture", "image_usd"],
  audio_seconds: ["second of sound", "audio_second_usd"],
  characters: ["character", "character_usd_per_million"],
  search_units: ["search", "search_unit_usd"],
};

export function unpricedText(model: string, surface: Surface): string {
  const quoted = JSON.stringify(model);
  const words = metersOf(surface).flatMap((meter) => (meter === "free" ? [] : [WORDS[meter]]));
  const isByTokensAlone = words.length === 1 && words[0] === WORDS.tokens;
  if (isByTokensAlone) {
    return `The model ${quoted} has no known price; an operator can set one under /api/v1/prices.`;
  }
  const [path] = SURFACES[surface].paths;
  const per = words.map(([one]) => `per ${one}`).join(" or ");
  const members = words.map(([, member]) => member).join(", or ");
  return (
    `The model ${quoted} has no known price for ${path}, which is paid ${per}; ` +
    `an operator can set ${members} under /api/v1/prices.`
  );
}
