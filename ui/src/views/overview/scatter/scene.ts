/** The scatterplot's data: which models have both values, where their points are, and what is left out. */
import { makeAxis, type Axis } from "@/charts/axis";
import { finiteExtent, padLinear, padLog, type Extent } from "@/charts/domain";
import { PointGrid } from "@/charts/grid";
import type { Ruler } from "@/charts/measure";
import { paretoFrontier } from "@/charts/pareto";
import type { Metric, ModelTable } from "@/state/table";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Margins {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Domains that a person zoomed to; null for all data. */
export interface Zoom {
  readonly x: Extent;
  readonly y: Extent;
}

/** What the address says as a zoom; null where an axis could not be drawn so. */
export function zoomOf(
  within: readonly [number, number, number, number] | null,
  { logX, logY }: { logX: boolean; logY: boolean },
): Zoom | null {
  if (!within) return null;
  const [x0, x1, y0, y1] = within;
  const fits = x0 < x1 && y0 < y1 && (!logX || x0 > 0) && (!logY || y0 > 0);
  return fits ? { x: [x0, x1], y: [y0, y1] } : null;
}

export interface Scene {
  readonly xAxis: Axis;
  readonly yAxis: Axis;
  /** Pixels of each model's point; NaN where it has none. */
  readonly px: Float64Array;
  readonly py: Float64Array;
  readonly grid: PointGrid;
}

export interface SceneRequest {
  readonly table: ModelTable;
  readonly x: Metric;
  readonly y: Metric;
  readonly logX: boolean;
  readonly logY: boolean;
  readonly size: Size;
  readonly margins: Margins;
  readonly zoom: Zoom | null;
}

/** The domain that shows every model with both values. */
export function fullDomain(values: Float64Array, others: Float64Array, log: boolean): Extent {
  const shown = values.map((value, i) => (Number.isNaN(others[i]!) ? Number.NaN : value));
  const extent = finiteExtent(shown, log);
  if (!extent) return log ? [1, 10] : [0, 1];
  return log ? padLog(extent, 0.06) : padLinear(extent, 0.06);
}

/** The axis of the values that go up: it does not ask how far from the left it stands. */
export function verticalAxis({ table, x, y, logY, size, margins, zoom }: SceneRequest): Axis {
  const bottom = Math.max(margins.top + 1, size.height - margins.bottom);
  return makeAxis(y, zoom?.y ?? fullDomain(table.values.get(y.name)!, table.values.get(x.name)!, logY), {
    log: logY,
    range: [bottom, margins.top],
    count: Math.max(2, Math.floor((bottom - margins.top) / 44)),
  });
}

/** Pixels between the labels of an axis and its line, with room for the handle of a budget. */
export const LABEL_GAP = 10;
/** Widths of labels are rounded up to this many pixels, so that the axis keeps its place while somebody zooms. */
const STEP = 8;

/** Margins with as much room on the left as the labels of the vertical axis need. */
export function roomFor(labels: readonly string[], ruler: Ruler, margins: Margins): Margins {
  const widest = Math.max(0, ...labels.map(ruler)) + LABEL_GAP + 2;
  return { ...margins, left: Math.max(margins.left, Math.ceil(widest / STEP) * STEP) };
}

/** Lays the points out in a panel. */
export function makeScene(request: SceneRequest): Scene {
  const { table, x, y, logX, size, margins, zoom } = request;
  const xs = table.values.get(x.name)!;
  const ys = table.values.get(y.name)!;
  const right = Math.max(margins.left + 1, size.width - margins.right);
  const xAxis = makeAxis(x, zoom?.x ?? fullDomain(xs, ys, logX), {
    log: logX,
    range: [margins.left, right],
    count: Math.max(2, Math.floor((right - margins.left) / 84)),
  });
  const yAxis = verticalAxis(request);
  const px = new Float64Array(table.count).fill(Number.NaN);
  const py = new Float64Array(table.count).fill(Number.NaN);
  for (let i = 0; i < table.count; i++) {
    if (!hasPlace(xs[i]!, xAxis.log) || !hasPlace(ys[i]!, yAxis.log)) continue;
    px[i] = xAxis.toPixel(xs[i]!);
    py[i] = yAxis.toPixel(ys[i]!);
  }
  return { xAxis, yAxis, px, py, grid: new PointGrid(px, py, size.width, size.height) };
}

function hasPlace(value: number, log: boolean): boolean {
  return !Number.isNaN(value) && (!log || value > 0);
}

/** Models that no visible model beats, best along x first; null where a metric has no direction. */
export function frontierOf(table: ModelTable, x: Metric, y: Metric, visible: Uint8Array): number[] | null {
  if (x.higher_is_better === null || y.higher_is_better === null || x.name === y.name) return null;
  return paretoFrontier(
    table.values.get(x.name)!,
    table.values.get(y.name)!,
    { xHigher: x.higher_is_better, yHigher: y.higher_is_better },
    (i) => visible[i] === 1,
  );
}
