import { isFraction, type MetricLike } from "../format";

export type Extent = readonly [number, number];

/** Smallest and largest finite value; null when there is none. With `positive`, only values above zero count. */
export function finiteExtent(values: ArrayLike<number>, positive = false): Extent | null {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value) || (positive && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** An extent widened by a margin on either side, never past the metric's own bounds by more than that margin shows. */
export function padLinear([low, high]: Extent, margin = 0.05): Extent {
  const span = high - low || Math.abs(high) * 0.1 || 1;
  return [low - span * margin, high + span * margin];
}

/** The same by ratio, for a logarithmic axis; a single value gets half a decade. */
export function padLog([low, high]: Extent, margin = 0.05): Extent {
  const ratio = high > low ? (high / low) ** margin : 10 ** 0.25;
  return [low / ratio, high * ratio];
}

/** Whether a metric's values ask for a logarithmic axis: positive, over two decades, and crowded at the low end. */
export function isSkewed(values: ArrayLike<number>): boolean {
  const positive = Array.from(values).filter((value) => Number.isFinite(value));
  if (positive.length < 3 || positive.some((value) => value <= 0)) return false;
  positive.sort((a, b) => a - b);
  const at = (share: number): number => positive[Math.floor(share * (positive.length - 1))] as number;
  return at(1) / at(0) >= 100 && at(0.5) - at(0) < 0.15 * (at(1) - at(0));
}

/**
 * Where the marks of a comparison chart start: a bar at zero, or a point on a
 * cut axis, because zero would hide the differences.
 */
export interface ValueAxis {
  readonly mark: "bar" | "dot";
  readonly domain: Extent;
}

/** Differences below this share of the largest value are too small to see on an axis that starts at zero. */
const SMALLEST_VISIBLE = 0.12;

/**
 * The value axis of a comparison. Bars begin at zero. Where all values lie far from zero and close together, lengths
 * would look alike: then points on an axis of their own range, which claim no length, are the honest mark.
 */
export function valueAxis(metric: MetricLike, values: ArrayLike<number>): ValueAxis {
  const extent = finiteExtent(values);
  if (extent === null) return { mark: "bar", domain: isFraction(metric) ? [0, 1] : [0, 1] };
  const [low, high] = extent;
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const oneSided = low > 0 || high < 0;
  if (oneSided && high > low && high - low < SMALLEST_VISIBLE * largest) {
    return { mark: "dot", domain: clampTo(metric, padLinear(extent, 0.12)) };
  }
  const from = Math.min(0, low);
  const to = Math.max(0, high);
  return { mark: "bar", domain: from === to ? [0, 1] : [from, to] };
}

/** Keeps a widened domain inside the range that the metric can take. */
export function clampTo(metric: MetricLike, [low, high]: Extent): Extent {
  return [
    metric.min === null ? low : Math.max(low, metric.min),
    metric.max === null ? high : Math.min(high, metric.max),
  ];
}
