import type { Axis } from "./axis";

export type Range = readonly [number, number];

const round = (value: number): number => Number(value.toPrecision(4));

/**
 * The range between two pixels of an axis, its ends rounded to four digits; open at an end that reaches the domain's.
 */
export function dragRange(axis: Axis, from: number, to: number, domain: Range): Range | null {
  const [low, high] = [axis.toValue(Math.min(from, to)), axis.toValue(Math.max(from, to))];
  const nothing = 1e-9 * Math.abs(domain[1] - domain[0]);
  return openEnds([
    low <= domain[0] + nothing ? -Infinity : round(low),
    high >= domain[1] - nothing ? Infinity : round(high),
  ]);
}

function openEnds(range: Range): Range | null {
  return Number.isFinite(range[0]) || Number.isFinite(range[1]) ? range : null;
}

/** Moves one end of a range to the next edge of the histogram in a direction; ends never cross. */
export function moveEnd(range: Range | null, end: 0 | 1, step: number, edges: readonly number[]): Range | null {
  const [low, high] = range ?? [-Infinity, Infinity];
  const first = edges[0]!;
  const last = edges[edges.length - 1]!;
  const from = Math.min(last, Math.max(first, end === 0 ? low : high));
  const next = step > 0 ? edges.find((edge) => edge > from) : edges.findLast((edge) => edge < from);
  const value = next ?? from;
  if (end === 0) return value >= Math.min(high, last) ? range : openEnds([value <= first ? -Infinity : value, high]);
  return value <= Math.max(low, first) ? range : openEnds([low, value >= last ? Infinity : value]);
}
