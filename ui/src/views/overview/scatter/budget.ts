/** A budget: a limit on one axis that is a filter on its metric. */
import type { Metric } from "@/state/table";

export type Range = readonly [number, number];

/** Which end a budget limits: the high one of what should be low, and of what has no direction. */
export function limitsHigh(metric: Metric): boolean {
  return metric.higher_is_better !== true;
}

/** The limit that a filter range sets on the budget's end; null for none. */
export function budgetOf(metric: Metric, range: Range | undefined): number | null {
  const limit = range?.[limitsHigh(metric) ? 1 : 0];
  return limit === undefined || !Number.isFinite(limit) ? null : limit;
}

/** The filter range with the budget's end at `limit`, or open with null; null when nothing is left of it. */
export function withBudget(metric: Metric, range: Range | undefined, limit: number | null): [number, number] | null {
  const [low, high] = range ?? [-Infinity, Infinity];
  const next: [number, number] = limitsHigh(metric) ? [low, limit ?? Infinity] : [limit ?? -Infinity, high];
  return Number.isFinite(next[0]) || Number.isFinite(next[1]) ? next : null;
}

/** A limit rounded to what a drag can mean: three significant digits. */
export function roundLimit(value: number): number {
  return Number(value.toPrecision(3));
}
