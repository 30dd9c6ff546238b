import { ticks as linearTicks } from "d3-array";
import { fixed, formatValue, isPrefixed, type MetricLike } from "../format";
import type { Extent } from "./domain";

/** Round numbers within a linear domain, about `count` of them. */
export function ticks([low, high]: Extent, count = 5): number[] {
  return linearTicks(low, high, count);
}

const STEPS = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]] as const;

/** Round numbers within a logarithmic domain: powers of ten, and between them where there is room for `count`. */
export function logTicks([low, high]: Extent, count = 5): number[] {
  if (!(low > 0) || !(high > low)) return low > 0 ? [low] : [];
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const inside = (steps: readonly number[]): number[] => {
    const found: number[] = [];
    for (let power = first; power <= last; power++) {
      for (const step of steps) {
        const tick = step * 10 ** power;
        if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) found.push(Number(tick.toPrecision(3)));
      }
    }
    return found;
  };
  const powers = inside(STEPS[0]);
  if (powers.length > count) {
    const every = Math.ceil(powers.length / count);
    return powers.filter((_, position) => position % every === 0);
  }
  const finer = STEPS.map(inside).filter((found) => found.length <= Math.max(count, 3));
  const best = finer[finer.length - 1] ?? powers;
  return best.length >= 2 ? best : ticks([low, high], count).filter((tick) => tick > 0);
}

/** Tick labels in the metric's unit, with the same unit and as many decimals as tell neighbors apart. */
export function tickLabels(metric: MetricLike, values: readonly number[]): string[] {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (metric.format.trim().endsWith("%") || (metric.format === "" && metric.min === 0 && metric.max === 1)) {
    return percentLabels(values);
  }
  for (let digits = LEAST_DIGITS; ; digits++) {
    const written = digits === LEAST_DIGITS ? plainDecimals(metric) : withDigits(metric, digits);
    const labels = values.map((value) => formatValue(written, value, spread(values) >= 1000 ? value : largest));
    if (digits === MOST_DIGITS || new Set(labels).size === labels.length) return labels;
  }
}

/** Significant digits of a label, as many as tell the labels of an axis apart. */
const LEAST_DIGITS = 3;
const MOST_DIGITS = 10;

function withDigits(metric: MetricLike, digits: number): MetricLike {
  return { ...metric, format: isPrefixed(metric) ? `.${digits}s` : `,.${digits}~r` };
}

/** How many times the largest is the smallest: from a thousand on, one SI prefix no longer suits all. */
function spread(values: readonly number[]): number {
  const sizes = values.map(Math.abs).filter((size) => size > 0);
  return sizes.length < 2 ? 1 : Math.max(...sizes) / Math.min(...sizes);
}

/** A tick is a round number: its decimals are its own, not those of the metric's format. */
function plainDecimals(metric: MetricLike): MetricLike {
  return metric.format.trim().endsWith("s") ? metric : { ...metric, format: "" };
}

function percentLabels(values: readonly number[]): string[] {
  for (let decimals = 0; decimals < 4; decimals++) {
    const labels = values.map((value) => `${fixed(value * 100, decimals)}%`);
    const exact = values.every((value) => Math.abs(Number((value * 100).toFixed(decimals)) - value * 100) < 1e-6);
    if (exact) return labels;
  }
  return values.map((value) => `${fixed(value * 100, 4)}%`);
}
