/** Geometry of the depth profile: a line per model over the layers in the order of execution. */
import { finiteExtent, padLinear, padLog, type Extent } from "@/charts/domain";
import type { Measure } from "./measures";
import type { LayerTable } from "./table";

/** The values of the lines: for each model one per layer; null where missing. */
export function profileValues(table: LayerTable, layers: readonly number[], measure: Measure): (number | null)[][] {
  return table.models.map((_, model) =>
    model === 0 && measure.compares ? [] : layers.map((row) => measure.read(table, row, model)),
  );
}

/** The domain of the vertical axis over the finite values, from zero where zero means none. */
export function profileDomain(lines: readonly (readonly (number | null)[])[], measure: Measure): Extent {
  const all = lines.flatMap((line) => line.filter((value) => value !== null));
  const extent = finiteExtent(all, measure.log);
  if (!extent) return measure.log ? [0.01, 1] : [0, 1];
  if (measure.log) return padLog(extent, 0.04);
  if (measure.id === "cosine") return padLinear([extent[0], 1], 0.04);
  return padLinear([Math.min(0, extent[0]), extent[1] > 0 || extent[0] < 0 ? extent[1] : 1], 0.03);
}

/**
 * The path of a line. Layers without a finite value are left out and the line goes on behind them. Where there are
 * more layers than pixels, each pixel gets the lowest and the highest value of its layers.
 */
export function linePath(
  values: readonly (number | null)[],
  toX: (place: number) => number,
  toY: (value: number) => number,
): string {
  const points: [number, number][] = [];
  let column: { x: number; low: number; high: number } | null = null;
  const flush = (): void => {
    if (!column) return;
    points.push([column.x, column.low]);
    if (column.high !== column.low) points.push([column.x, column.high]);
  };
  const wide = values.length > 1 && toX(1) - toX(0) >= 1;
  values.forEach((value, place) => {
    if (value === null || !Number.isFinite(value)) return;
    const y = toY(value);
    if (!Number.isFinite(y)) return;
    const x = wide ? toX(place) : Math.round(toX(place));
    if (column && column.x === x) column = { x, low: Math.min(column.low, y), high: Math.max(column.high, y) };
    else {
      flush();
      column = { x, low: y, high: y };
    }
  });
  flush();
  return points.map(([x, y], k) => `${k === 0 ? "M" : "L"}${x.toFixed(1)},${y.toFixed(1)}`).join("");
}

/** One dot per layer, as a path: strokes without length that round ends make visible. */
export function dotsPath(
  values: readonly (number | null)[],
  toX: (place: number) => number,
  toY: (value: number) => number,
): string {
  const at = (value: number | null, place: number): string => {
    const y = value === null || !Number.isFinite(value) ? NaN : toY(value);
    return Number.isFinite(y) ? `M${toX(place).toFixed(1)},${y.toFixed(1)}h0` : "";
  };
  return values.map(at).join("");
}

export interface Group {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/** The layer that a row of the table belongs to: a tensor's module; -1 for none. */
export function layerOf(table: LayerTable, row: number | null): number {
  let at = row ?? -1;
  while (at >= 0 && table.rows[at]!.parameter !== null) at = table.rows[at]!.parent;
  return at;
}

/** The place that an arrow key leads to: from none to the first or the last, and never beyond them. */
export function placeBy(chosen: number, by: 1 | -1, count: number): number {
  const from = chosen >= 0 ? chosen : by > 0 ? -1 : count;
  return Math.min(count - 1, Math.max(0, from + by));
}

/** Runs of layers that are in the same module, as deep as all their names have room. */
export function groupsOf(table: LayerTable, layers: readonly number[], width: number): Group[] {
  let best: Group[] = [];
  for (let depth = 1; depth <= 12; depth++) {
    const groups = runs(table, layers, depth);
    const room = width / Math.max(1, layers.length);
    const fits = groups.every(({ name, first, last }) => (last - first + 1) * room >= name.length * 6 + 6);
    if (best.length > 0 && !fits) break;
    if (fits || groups.length * 56 <= width) best = groups;
    if (groups.length === layers.length) break;
  }
  return best;
}

function runs(table: LayerTable, layers: readonly number[], depth: number): Group[] {
  const found: { name: string; first: number; last: number }[] = [];
  layers.forEach((row, place) => {
    const parts = table.rows[row]!.module.split(".");
    const name = parts.slice(0, depth).join(".");
    const last = found[found.length - 1];
    if (last && last.name === name) last.last = place;
    else found.push({ name, first: place, last: place });
  });
  return found;
}
