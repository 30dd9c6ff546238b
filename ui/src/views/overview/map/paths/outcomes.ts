/** How the outcomes of many models are spread, in the colors of the map. */
import type { Encodings } from "@/state/encodings";

/** What is known of the metric of the color over some models. */
export interface Outcomes {
  count: number;
  /** Models without a finite value. */
  missing: number;
  least: number;
  median: number;
  most: number;
  /** Shares of a bar from its better end down, each in one color. */
  parts: { shade: number; share: number }[];
  /** Counts over the domain of the colors, from its low end. */
  bins: number[];
}

const BINS = 16;
/** Colors of a bar are told apart in so many steps. */
const STEP = 4;

/** Sum some models up; `values` are those of the metric of the color. */
export function outcomesOf(
  models: readonly number[],
  values: ArrayLike<number> | null,
  encodings: Pick<Encodings, "colorScale" | "shade">,
): Outcomes {
  const scale = encodings.colorScale;
  const known = values && scale ? models.filter((model) => !Number.isNaN(values[model]!)) : [];
  const sorted = Float64Array.from(known, (model) => values![model]!).sort();
  const bins = new Array<number>(BINS).fill(0);
  const byShade = new Map<number, number>();
  for (const model of known) {
    const [low, high] = scale!.domain;
    const t = high > low ? (values![model]! - low) / (high - low) : 0.5;
    bins[Math.min(BINS - 1, Math.max(0, Math.floor(t * BINS)))]! += 1;
    const shade = encodings.shade(model) - (encodings.shade(model) % STEP);
    byShade.set(shade, (byShade.get(shade) ?? 0) + 1);
  }
  const better = scale?.metric.higher_is_better === false ? 1 : -1;
  const parts = [...byShade]
    .sort(([a], [b]) => (a - b) * better)
    .map(([shade, count]) => ({ shade: Math.min(63, shade + STEP / 2), share: count / models.length }));
  return {
    ...{ count: models.length, missing: models.length - known.length, parts, bins },
    ...{ least: sorted[0] ?? NaN, median: middle(sorted), most: sorted.at(-1) ?? NaN },
  };
}

function middle(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The order of models from the best: by the metric of the color, then as they are in the table. */
export function bestFirst(
  models: readonly number[],
  values: ArrayLike<number> | null,
  higherIsBetter: boolean | null,
): number[] {
  if (!values) return [...models];
  const sign = higherIsBetter === false ? 1 : -1;
  const key = (model: number): number => (Number.isNaN(values[model]!) ? Infinity : values[model]! * sign);
  return [...models].sort((a, b) => key(a) - key(b) || a - b);
}
