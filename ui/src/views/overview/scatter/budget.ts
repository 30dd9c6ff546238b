/** A budget: a limit on one axis that is a filter on its metric. */
import type { Box } from "@/charts/labels";
import type { Metric } from "@/state/table";
import type { Margins, Scene, Size } from "./scene";

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

const LETTER = 5.8;
/** Of the words at the line of a budget, `≤ 20.0 kB · 56 of 57 left`, where they are not known. */
const WORDS = "≤ 20.0 kB · 56 of 57 left";
const HIGH = 20;

/** How wide the words at a budget's line are, about. */
export const wordsWidth = (text: string): number => LETTER * text.length + 8;

/** Where the lines of budgets and their words are, which no name may cross. */
export function budgetBoxes(
  { xAxis, yAxis }: Scene,
  limits: { x: number | null; y: number | null },
  { width, height }: Size,
  margins: Margins,
): Box[] {
  const [right, bottom, words] = [width - margins.right, height - margins.bottom, wordsWidth(WORDS)];
  const boxes: Box[] = [];
  if (limits.x !== null) {
    const at = xAxis.toPixel(limits.x);
    boxes.push({ x: at - 2, y: 0, width: 4, height: bottom });
    boxes.push({ x: at - words, y: bottom - HIGH, width: 2 * words, height: HIGH });
  }
  if (limits.y !== null) {
    const at = yAxis.toPixel(limits.y);
    boxes.push({ x: margins.left, y: at - 2, width: right - margins.left, height: 4 });
    boxes.push({ x: right - words, y: at - HIGH, width: words, height: 2 * HIGH });
  }
  return boxes;
}

/** A limit rounded to what a drag can mean: three significant digits. */
export function roundLimit(value: number): number {
  return Number(value.toPrecision(3));
}
