/** Colours of signed values around zero. */
import { interpolateRgbBasis } from "d3-interpolate";
import type { MetricLike } from "@/format";
import { DIVERGING, type Theme } from "@/styles/ramps";

const RAMPS = {
  light: interpolateRgbBasis([...DIVERGING.light]),
  dark: interpolateRgbBasis([...DIVERGING.dark]),
};

/** The colour of a share from −1 to 1 of the largest change: blue is better, orange worse, by the metric's direction. */
export function diverging(metric: MetricLike, share: number, theme: Theme): string {
  const better = metric.higher_is_better === false ? -share : share;
  const at = 0.5 + Math.max(-1, Math.min(1, better)) / 2;
  return RAMPS[theme](at);
}

/** The largest distance from zero of what is finite. */
export function largest(values: Iterable<number | null>): number {
  let most = 0;
  for (const value of values) if (value !== null && Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most;
}

/** A number as it came over the wire: what JSON cannot say is a word there; null is missing. */
export function numberOf(cell: unknown): number | null {
  if (typeof cell === "number") return cell;
  return cell === "NaN" || cell === "Infinity" || cell === "-Infinity" ? Number(cell) : null;
}
