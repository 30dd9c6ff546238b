/** Colors of signed values around zero. */
import { interpolateRgbBasis } from "d3-interpolate";
import { fixed, formatValue, isFraction, MINUS, MISSING, type MetricLike } from "@/format";
import { decimalsFor } from "@/format/number";
import { DIVERGING, type Theme } from "@/styles/ramps";

const RAMPS = {
  light: interpolateRgbBasis([...DIVERGING.light]),
  dark: interpolateRgbBasis([...DIVERGING.dark]),
};

/** The weakest color of what is not zero: a thin bar in gray would not be seen. */
const LEAST = 0.4;

/**
 * The color of a share from −1 to 1 of the largest change: blue is better, orange worse, by the metric's direction.
 */
export function diverging(metric: MetricLike, share: number, theme: Theme): string {
  const better = metric.higher_is_better === false ? -share : share;
  const strength = better === 0 ? 0 : LEAST + (1 - LEAST) * Math.min(1, Math.abs(better));
  return RAMPS[theme](0.5 + (Math.sign(better) * strength) / 2);
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

/** A number in a list: short, and its decimals fit the scale, so that points stand below each other. */
export function listed(metric: MetricLike, value: number | null, most: number, signed = false): string {
  if (value === null) return MISSING;
  if (!Number.isFinite(value)) return formatValue(metric, value);
  const percent = isFraction(metric);
  const scaled = percent ? value * 100 : value;
  const size = percent ? 100 : Math.max(most, 1e-12);
  const text = fixed(Math.abs(scaled), percent ? 1 : Math.min(6, Math.max(0, decimalsFor(size))));
  const isZero = Number(text.replaceAll(",", "")) === 0;
  const sign = scaled < 0 && !isZero ? MINUS : signed && !isZero ? "+" : "";
  return `${sign}${text}${percent ? (signed ? "" : "%") : ""}`;
}
