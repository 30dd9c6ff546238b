import { ticks } from "d3-array";
import type { Extent } from "./domain";

export interface Bins {
  /** One more than there are counts. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** The bin of each value; -1 for what is not finite. */
  readonly binOf: Int16Array;
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
export function binAt(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] as number) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Bins of the finite values with round edges, or with equal ratios where `log` (all values must then be positive). */
export function makeBins(values: ArrayLike<number>, extent: Extent, log = false, wanted = 24): Bins {
  const edges = log ? logEdges(extent, wanted) : linearEdges(extent, wanted);
  const binOf = Int16Array.from(values, (value) => (Number.isFinite(value) ? binAt(edges, value) : -1));
  return { edges, counts: countBins(binOf, edges.length - 1), binOf, log };
}

/** How many values are in each bin; with a mask, only those where it is 1. */
export function countBins(binOf: Int16Array, bins: number, mask?: Uint8Array): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < binOf.length; i++) if (binOf[i]! >= 0 && (!mask || mask[i])) counts[binOf[i]!]!++;
  return counts;
}
