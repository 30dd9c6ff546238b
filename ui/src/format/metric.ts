/** What a number needs to be written: the part of a metric definition that the formatter reads. */
export interface MetricLike {
  readonly name: string;
  readonly unit: string;
  /** A d3-format string; empty for the default of three significant digits. */
  readonly format: string;
  readonly higher_is_better: boolean | null;
  readonly min: number | null;
  readonly max: number | null;
}

/** How a change of a metric is told: in points of a fraction, as a ratio, or as a plain difference. */
export type ChangeKind = "points" | "ratio" | "difference";

/** Whether a metric is a fraction, shown in per cent, so that its changes are percentage points. */
export function isFraction(metric: MetricLike): boolean {
  return metric.format.trim().endsWith("%") || (metric.min === 0 && metric.max === 1);
}

/** Whether its values are written in per cent: by its own format, or by default for a fraction without one. */
export function isPercent(metric: MetricLike): boolean {
  return metric.format.trim().endsWith("%") || (metric.format === "" && isFraction(metric));
}

/** A fraction changes by points, a positive quantity (size, time) by a ratio, anything else by a difference. */
export function changeKind(metric: MetricLike): ChangeKind {
  if (isFraction(metric)) return "points";
  return metric.min === 0 && metric.max === null ? "ratio" : "difference";
}

export type Goodness = "good" | "bad" | "neutral";

/** Whether a signed change is an improvement by the metric's own direction; neutral where it has none. */
export function goodness(metric: MetricLike, change: number): Goodness {
  if (metric.higher_is_better === null || !(Math.abs(change) > 0)) return "neutral";
  return change > 0 === metric.higher_is_better ? "good" : "bad";
}
