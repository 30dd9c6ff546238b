/**
 * Whether two measured numbers differ, or tie: one rule for every headline, chart and table of the page.
 * The table of cases in `ties.cases.json` tests it.
 */
import { isFraction, type Goodness, type MetricLike } from "./metric";

/** A finite number and its standard error; without one, it counts as exact. */
export interface Reading {
  readonly value: number;
  readonly error?: number | null;
}

export type Order = "above" | "below" | "tie";

/** Standard errors in half of a 95% interval. */
export const Z95 = 1.96;
/** A difference of a fraction that is worth no words: a tenth of a percentage point. */
const POINTS = 0.001;
/** The same of any other number, as a share of the larger one. */
const SHARE = 0.005;
/** Two times within this factor are the same, as in the reality check of the server. */
export const SAME_TIME = 1.25;
const TIMES = new Set(["s", "ms", "µs", "us", "ns", "min"]);

/** How much two exact numbers of a metric may differ and still be called the same. */
function sameness(metric: MetricLike, largest: number): number {
  if (isFraction(metric)) return POINTS;
  return (TIMES.has(metric.unit) ? 1 - 1 / SAME_TIME : SHARE) * largest;
}

/** Whether one reading is above or below another by more than both their intervals and what is worth words. */
export function orderOf(metric: MetricLike, one: Reading, other: Reading): Order {
  const difference = one.value - other.value;
  const least = Math.max(
    sameness(metric, Math.max(Math.abs(one.value), Math.abs(other.value))),
    Z95 * Math.hypot(one.error ?? 0, other.error ?? 0),
  );
  // numbers such as 0.9 − 0.899 are a little more than the limit that they stand for
  if (!(Math.abs(difference) > least * (1 + 1e-9))) return "tie";
  return difference > 0 ? "above" : "below";
}

/** Places of all that tie with the highest (or the lowest) reading, the latter included; null is no reading. */
export function leaders(metric: MetricLike, readings: readonly (Reading | null)[], highest: boolean): number[] {
  const sign = highest ? 1 : -1;
  const known = readings.flatMap((reading, place) => (reading === null ? [] : [{ reading, place }]));
  const best = known.reduce<Reading | null>(
    (most, { reading }) => (most === null || sign * reading.value > sign * most.value ? reading : most),
    null,
  );
  if (best === null) return [];
  return known.filter(({ reading }) => orderOf(metric, best, reading) === "tie").map(({ place }) => place);
}

/** Whether a reading is better or worse than another by the metric's direction; neutral for ties. */
export function judge(metric: MetricLike, reading: Reading, than: Reading): Goodness {
  const order = orderOf(metric, reading, than);
  if (order === "tie" || metric.higher_is_better === null) return "neutral";
  return (order === "above") === metric.higher_is_better ? "good" : "bad";
}
