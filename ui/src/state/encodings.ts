/** How a model looks: one color and one size from two metrics, the same in every view. */
import { interpolateRgbBasis } from "d3-interpolate";
import { CHROME, SEQUENTIAL, type Theme } from "@/styles/ramps";
import type { Metric, ModelTable } from "./table";

/** How many colors a ramp is cut into, so that canvases can batch by color. */
export const SHADES = 64;
export const RADIUS_DEFAULT = 6;
const RADIUS_MIN = 2.5;
const RADIUS_MAX = 11;

export interface Scale {
  metric: Metric;
  /** From the color of the low end to that of the high end. */
  domain: [number, number];
  /** Smallest and largest finite value in the project. */
  whole: [number, number];
}

export interface Encodings {
  theme: Theme;
  colorScale: Scale | null;
  sizeScale: Scale | null;
  /** Whether a model is worse than where the colors end. */
  isBeyond(model: number): boolean;
  /** CSS colors from the low to the high end of the domain. */
  shades: readonly string[];
  /** The color of a model, or null: draw it hollow, for its value is missing or not finite. */
  color(model: number): string | null;
  /** Index of that color in `shades`; -1 where there is none, or no color metric. */
  shade(model: number): number;
  /** Radius in CSS pixels, or null: draw it hollow. */
  size(model: number): number | null;
  /** Radius for a value of the size metric (for legends). */
  radius(value: number): number;
  /** Color for a value of the color metric (for legends). */
  colorOf(value: number): string;
}

/** True for a model that lacks a number for its color or its size: draw it as an outline with a dash. */
export function isHollow(encodings: Encodings, model: number): boolean {
  return encodings.color(model) === null || encodings.size(model) === null;
}

/** Smallest and largest finite number, or null when there is none. */
export function extent(values: Float64Array): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/**
 * The shared encodings of a table for two metrics, of color and of size (names; null for none), in a theme. Values of
 * the first that are worse than `clamp` all have the color of the worse end, and are beyond it.
 */
export function makeEncodings(
  table: ModelTable,
  colorMetric: string | null,
  sizeMetric: string | null,
  theme: Theme,
  clamp: number | null = null,
): Encodings {
  const colors = table.values.get(colorMetric ?? "");
  const sizes = table.values.get(sizeMetric ?? "");
  const colorScale = clamped(scaleOf(table, colorMetric), clamp);
  const sizeScale = scaleOf(table, sizeMetric);
  const shades = ramp(theme);
  const plain = CHROME[theme].mark;
  const shadeOf = (value: number): number => {
    if (Number.isNaN(value) || !colorScale) return -1;
    const [low, high] = colorScale.domain;
    const t = high > low ? (value - low) / (high - low) : 1;
    return Math.round(Math.min(1, Math.max(0, t)) * (SHADES - 1));
  };
  const radius = (value: number): number => (sizeScale ? radiusOf(value, sizeScale.domain) : RADIUS_DEFAULT);
  return {
    theme,
    colorScale,
    sizeScale,
    shades,
    color: (i) => (colors ? (shades[shadeOf(colors[i]!)] ?? null) : plain),
    isBeyond: (i) => colorScale !== null && isWorse(colorScale, colors![i]!),
    shade: (i) => (colors ? shadeOf(colors[i]!) : -1),
    size: (i) => (sizes ? (Number.isNaN(sizes[i]!) ? null : radius(sizes[i]!)) : RADIUS_DEFAULT),
    radius,
    colorOf: (value) => shades[shadeOf(value)] ?? plain,
  };
}

function scaleOf(table: ModelTable, name: string | null): Scale | null {
  const metric = table.metrics.find((candidate) => candidate.name === name);
  const domain = metric && extent(table.values.get(metric.name)!);
  return metric && domain ? { metric, domain, whole: domain } : null;
}

/** Which end of a scale is the worse one: 1 the high; 0 the low, also of a metric without a direction. */
export const worseEnd = ({ metric }: Scale): 0 | 1 => (metric.higher_is_better === false ? 1 : 0);

function clamped(scale: Scale | null, clamp: number | null): Scale | null {
  if (!scale || clamp === null) return scale;
  const [low, high] = scale.whole;
  if (!(clamp > low && clamp < high)) return scale;
  return { ...scale, domain: worseEnd(scale) === 1 ? [low, clamp] : [clamp, high] };
}

function isWorse(scale: Scale, value: number): boolean {
  const end = worseEnd(scale);
  return end === 1 ? value > scale.domain[1] : value < scale.domain[0];
}

/** Area follows the value where zero means nothing; else the radius runs evenly over the domain. */
function radiusOf(value: number, [low, high]: [number, number]): number {
  const t = low >= 0 ? Math.sqrt(high > 0 ? value / high : 1) : high > low ? (value - low) / (high - low) : 1;
  return Math.max(RADIUS_MIN, Math.min(1, t) * RADIUS_MAX);
}

function ramp(theme: Theme): readonly string[] {
  const interpolate = interpolateRgbBasis([...SEQUENTIAL[theme]]);
  return Array.from({ length: SHADES }, (_, k) => interpolate(k / (SHADES - 1)));
}
