import { scaleLinear, scaleLog } from "d3-scale";
import type { MetricLike } from "../format";
import type { Extent } from "./domain";
import { logTicks, tickLabels, ticks } from "./ticks";

export interface Tick {
  readonly value: number;
  readonly pixel: number;
  readonly label: string;
}

export interface Axis {
  readonly metric: MetricLike;
  readonly log: boolean;
  readonly domain: Extent;
  /** Pixels of the domain's ends; descending for an axis that points up. */
  readonly range: Extent;
  readonly ticks: readonly Tick[];
  toPixel(value: number): number;
  toValue(pixel: number): number;
}

export interface AxisOptions {
  readonly log?: boolean;
  readonly range: Extent;
  /** About how many ticks there is room for. */
  readonly count: number;
}

/** An axis for a metric: where values lie in pixels, and labeled round numbers inside the metric's own range. */
export function makeAxis(metric: MetricLike, domain: Extent, options: AxisOptions): Axis {
  const log = (options.log ?? false) && domain[0] > 0;
  const scale = (log ? scaleLog() : scaleLinear()).domain(domain).range(options.range);
  const round = log ? logTicks(domain, options.count) : ticks(domain, options.count);
  const possible = round.filter((value) => value >= (metric.min ?? -Infinity) && value <= (metric.max ?? Infinity));
  const labels = apartLabels(
    tickLabels(metric, possible),
    possible.map((value) => scale(value)),
    options.range[0] > options.range[1],
  );
  return {
    metric,
    log,
    domain,
    range: options.range,
    ticks: possible.map((value, i) => ({ value, pixel: scale(value), label: labels[i] ?? "" })),
    toPixel: (value) => scale(value),
    toValue: (pixel) => scale.invert(pixel),
  };
}

/** Pixels of a letter and of a line of an axis, and between two labels. */
const LETTER = 6.5;
const LINE = 12;
const GAP = 6;

/** The labels that have room, one after another; "" for those that would run into the one before. */
function apartLabels(labels: readonly string[], pixels: readonly number[], upright: boolean): string[] {
  let free = -Infinity;
  return labels.map((label, i) => {
    const at = upright ? -pixels[i]! : pixels[i]!;
    const half = upright ? LINE / 2 : (label.length * LETTER) / 2;
    if (at - half < free) return "";
    free = at + half + (upright ? 0 : GAP);
    return label;
  });
}

/** The domain after zooming by `factor` (above 1 is closer) around a pixel, which keeps its value. */
export function zoomDomain(axis: Axis, factor: number, pixel: number): Extent {
  const [start, end] = axis.range;
  return [axis.toValue(pixel + (start - pixel) / factor), axis.toValue(pixel + (end - pixel) / factor)];
}

/** The domain after moving the content by some pixels. */
export function panDomain(axis: Axis, pixels: number): Extent {
  const [start, end] = axis.range;
  return [axis.toValue(start - pixels), axis.toValue(end - pixels)];
}
