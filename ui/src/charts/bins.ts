import { ticks } from "d3-array";
import type { Extent } from "./domain";

export interface Histogram {
  /** One more than there are counts. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** How many of each bin pass the mask; equal to `counts` without one. */
  readonly kept: readonly number[];
  readonly log: boolean;
}

function linearEdges([low, high]: Extent, wanted: number): number[] {
  if (low === high) return [low - 0.5, low + 0.5];
  const inner = ticks(low, high, wanted);
  const step = (inner[1] ?? high) - (inner[0] ?? low);
  const edges = [...inner];
  if ((edges[0] ?? low) > low) edges.unshift((edges[0] ?? low) - step);
  if ((edges[edges.length - 1] ?? high) < high) edges.push((edges[edges.length - 1] ?? high) + step);
  // round to the step, so that 0.30000000000000004 is not an edge of a filter
  return edges.map((edge) => Number(edge.toPrecision(12)));
}

function logEdges([low, high]: Extent, wanted: number): number[] {
  if (low === high) return [low / 1.2, high * 1.2];
  const ratio = Math.log(high / low) / wanted;
  return Array.from({ length: wanted + 1 }, (_, i) =>
    i === wanted ? high : Number((low * Math.exp(ratio * i)).toPrecision(12)),
  );
}

/** The bin of a value: the last one whose edge is not above it; the last edge belongs to the last bin. */
export function binOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] as number) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

export interface HistogramOptions {
  readonly log?: boolean;
  readonly bins?: number;
  readonly keep?: (index: number) => boolean;
}

/** A histogram of the finite values with round edges, or equal ratios with `log` (values of zero and less are then left out). */
export function histogram(values: ArrayLike<number>, extent: Extent, options: HistogramOptions = {}): Histogram {
  const { log = false, bins = 24, keep = () => true } = options;
  const edges = log ? logEdges(extent, bins) : linearEdges(extent, bins);
  const counts = new Array<number>(edges.length - 1).fill(0);
  const kept = new Array<number>(edges.length - 1).fill(0);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value) || value < (edges[0] as number) || value > (edges[edges.length - 1] as number))
      continue;
    const bin = binOf(edges, value);
    counts[bin] = (counts[bin] as number) + 1;
    if (keep(i)) kept[bin] = (kept[bin] as number) + 1;
  }
  return { edges, counts, kept, log };
}
