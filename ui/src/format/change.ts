import { changeKind, isFraction, isPercent, type MetricLike } from "./metric";
import { decimalsFor, fixed, formatValue, MINUS, MISSING, NBSP, siScale } from "./number";
import { formatSpecifier } from "d3-format";

/** A number with its sign, zero alone without; with the given decimals unless a change would then read as none. */
function signed(value: number, decimals?: number): string {
  if (value === 0) return "0";
  const rounded = fixed(Math.abs(value), decimals ?? decimalsFor(value), decimals === undefined);
  const text =
    Number(rounded.replaceAll(",", "")) === 0 ? fixed(Math.abs(value), decimalsFor(value, 1), true) : rounded;
  return `${value > 0 ? "+" : MINUS}${text}`;
}

/** Decimals that the metric's own format gives its percentages; a change shows as many as its values do. */
function pointDecimals(metric: MetricLike): number {
  if (!metric.format.trim().endsWith("%")) return 2;
  return formatSpecifier(metric.format).precision ?? 2;
}

/**
 * A difference of two values, signed, in points for a fraction and else in the metric's unit: `+50.7 pp`, `−12.3 MB`.
 */
export function formatDifference(metric: MetricLike, difference: number | null): string {
  if (difference === null || Number.isNaN(difference)) return MISSING;
  if (!Number.isFinite(difference)) return difference > 0 ? "+∞" : `${MINUS}∞`;
  if (isFraction(metric)) return `${signed(difference * 100, pointDecimals(metric))}${NBSP}pp`;
  if (difference === 0) return "0";
  const spec = metric.format === "" ? null : formatSpecifier(metric.format);
  const prefixed = spec?.type === "s" || (spec === null && (metric.unit === "s" || metric.unit === "B"));
  if (prefixed) {
    const size = formatValue(metric, Math.abs(difference));
    return `${difference > 0 ? "+" : MINUS}${size}`;
  }
  return `${signed(difference)}${metric.unit === "" ? "" : `${NBSP}${metric.unit}`}`;
}

/**
 * A value's change against `base`, in the way of its metric: `−1.4 pp`, `−61.0%`, `+0.02`;
 * a dash where either is not a number.
 */
export function formatChange(metric: MetricLike, value: number | null, base: number | null): string {
  if (value === null || base === null || !Number.isFinite(value) || !Number.isFinite(base)) return MISSING;
  if (changeKind(metric) !== "ratio" || base <= 0) return formatDifference(metric, value - base);
  const percent = (value / base - 1) * 100;
  return `${signed(Math.abs(percent) < 1e-9 ? 0 : percent, Math.abs(percent) < 99.95 ? 1 : 0)}%`;
}

/** Decimals that an interval supports: two significant digits of its half-width. */
export function intervalDecimals(halfWidth: number): number {
  if (!(halfWidth > 0) || !Number.isFinite(halfWidth)) return 2;
  return Math.max(0, 1 - Math.floor(Math.log10(halfWidth) + 1e-12));
}

interface Scaling {
  readonly factor: number;
  readonly suffix: string;
}

function scaling(metric: MetricLike, size: number): Scaling {
  if (isPercent(metric)) return { factor: 100, suffix: "%" };
  const prefixed = metric.format.trim().endsWith("s") || (metric.format === "" && /^(s|B)$/.test(metric.unit));
  if (!prefixed) return { factor: 1, suffix: metric.unit === "" ? "" : `${NBSP}${metric.unit}` };
  const [factor, letter] = siScale(size, metric.unit === "s" ? 1e-9 : 1);
  return { factor: 1 / factor, suffix: `${NBSP}${letter}${metric.unit}` };
}

function differenceScaling(metric: MetricLike, size: number): Scaling {
  return isFraction(metric) ? { factor: 100, suffix: `${NBSP}pp` } : scaling(metric, size);
}

/** A value with its interval, no digit more than the interval supports: `91.6% (89.8–93.2)`. */
export function formatInterval(metric: MetricLike, value: number, low: number, high: number): string {
  return formatIntervals(metric, [{ value, interval: [low, high] }])[0]!;
}

/** A value of a column, and its interval where one is known. */
export interface Measured {
  readonly value: number;
  readonly interval: readonly [low: number, high: number] | null;
}

/** The values of a column, each with its interval, those of one unit in as many decimals as the widest supports. */
export function formatIntervals(metric: MetricLike, column: readonly Measured[]): string[] {
  const scaled = column.map(({ value, interval }) => {
    if (!interval || ![value, ...interval].every(Number.isFinite)) return null;
    const [low, high] = interval;
    const { factor, suffix } = scaling(metric, Math.max(Math.abs(low), Math.abs(high), Math.abs(value)));
    return { value, low, high, factor, suffix, decimals: intervalDecimals(((high - low) / 2) * factor) };
  });
  const decimalsOf = (suffix: string): number =>
    Math.min(6, ...scaled.flatMap((one) => (one?.suffix === suffix ? one.decimals : [])));
  return column.map(({ value }, k) => {
    const one = scaled[k];
    if (!one) return formatValue(metric, value);
    const decimals = decimalsOf(one.suffix);
    const text = (number: number): string => fixed(number * one.factor, decimals);
    return `${text(value)}${one.suffix} (${text(one.low)}–${text(one.high)})`;
  });
}

/** A mean difference with its interval, signs written: `+50.7 pp (+48.1 to +53.2)`; as precise as that, or as told. */
export function formatDifferenceInterval(
  metric: MetricLike,
  mean: number,
  low: number | null,
  high: number | null,
  told?: number,
): string {
  if (low === null || high === null || ![mean, low, high].every(Number.isFinite)) return formatDifference(metric, mean);
  const scale = differenceScaling(metric, Math.max(Math.abs(low), Math.abs(high), Math.abs(mean)));
  const halfWidth = ((high - low) / 2) * scale.factor;
  if (halfWidth === 0) return formatDifference(metric, mean);
  const decimals = told ?? Math.min(6, intervalDecimals(halfWidth));
  const text = (number: number): string => {
    const digits = fixed(Math.abs(number * scale.factor), decimals);
    if (Number(digits.replaceAll(",", "")) === 0) return digits;
    return `${number > 0 ? "+" : MINUS}${digits}`;
  };
  return `${text(mean)}${scale.suffix} (${text(low)} to ${text(high)})`;
}
