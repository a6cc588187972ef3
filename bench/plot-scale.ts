/** Maps values to places on a drawing, and chooses the values that an axis names. */

/** Where a value is drawn, and which values an axis names. */
export type Scale = {
  readonly place: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
};

export type Span = { readonly from: number; readonly to: number };

/** From zero, or from a little below the least value when `domain.from` is not zero. */
export function linearScale(domain: Span, range: Span): Scale {
  const width = domain.to - domain.from || 1;
  const place = (value: number): number =>
    range.from + ((value - domain.from) / width) * (range.to - range.from);
  const step = niceStep(width / 5);
  const first = Math.ceil(domain.from / step - 1e-9);
  const last = Math.floor(domain.to / step + 1e-9);
  const ticks = [];
  for (let index = first; index <= last; index += 1) {
    // Adding zero turns a negative zero into a plain one.
    const value = index * step + 0;
    ticks.push({ value, label: tickLabel(value, step) });
  }
  return { place, ticks };
}

/** Powers of ten and, where they fit, twice and five times those; the domain must be positive. */
export function logScale(domain: Span, range: Span): Scale {
  const low = Math.log10(domain.from);
  const width = Math.log10(domain.to) - low || 1;
  const place = (value: number): number => {
    const clamped = Math.max(domain.from, value);
    return range.from + ((Math.log10(clamped) - low) / width) * (range.to - range.from);
  };
  const factors = width <= 2.5 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = Math.floor(low); power <= Math.ceil(low + width); power += 1) {
    for (const factor of factors) {
      const value = factor * 10 ** power;
      const inside = value >= domain.from * 0.999 && value <= domain.to * 1.001;
      if (inside) ticks.push({ value, label: tickLabel(value, value) });
    }
  }
  return { place, ticks };
}

const namedPercentiles = [0, 50, 90, 99, 99.9, 99.99];
/** Named as well where there is room for them. */
const betweenPercentiles = [25, 75, 95];

/** Each factor of ten towards 100 % takes the same width, so that the tail can be seen. */
export function percentileScale(highest: number, range: Span): Scale {
  const width = depth(highest) || 1;
  const place = (percentile: number): number =>
    range.from + (depth(percentile) / width) * (range.to - range.from);
  const named = highest < 99 ? [...namedPercentiles, ...betweenPercentiles] : namedPercentiles;
  const ticks = named
    .filter((percentile) => percentile <= highest)
    .map((percentile) => ({ value: percentile, label: `${percentile} %` }));
  return { place, ticks };
}

/** Factors of ten from the whole: 90 % is one, 99 % two deep. */
function depth(percentile: number): number {
  return -Math.log10(1 - percentile / 100);
}

/** The least of 1, 2, 5 × 10ⁿ that is not below `step`. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= step * 0.999) ?? 10;
  return factor * power;
}

function tickLabel(value: number, step: number): string {
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return value.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}
