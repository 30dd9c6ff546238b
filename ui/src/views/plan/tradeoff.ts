/** Geometry of predicted plans beside the measured models. */
import { makeAxis, type Axis } from "@/charts/axis";
import { clampTo, finiteExtent, padLinear, padLog } from "@/charts/domain";
import { frontierSteps, paretoFrontier } from "@/charts/pareto";
import type { PlanPoint } from "@/api/plans";
import type { Metric, ModelTable } from "@/state/table";
import { UNITS } from "./words";

/** The metric of the project that a plan's bytes can be compared with. */
export const SIZE = "Packed Size";
/** From this ratio on, sizes are on a logarithmic axis. */
const DECADE = 10;

export interface Tradeoff {
  readonly x: Axis;
  readonly y: Axis;
  /** Models with both values. */
  readonly models: readonly { readonly model: number; readonly x: number; readonly y: number }[];
  /** The staircase of the models that no other beats, as a path. */
  readonly frontier: string;
  /** The predicted plans as a path, and their intervals as an area; empty where no interval is known. */
  readonly line: string;
  readonly band: string;
}

export interface TradeoffRequest {
  readonly table: ModelTable;
  readonly metric: Metric;
  readonly points: readonly PlanPoint[];
  readonly width: number;
  readonly height: number;
}

const LEFT = 52;
const RIGHT = 16;
const TOP = 10;
const BOTTOM = 22;

export function makeTradeoff({ table, metric, points, width, height }: TradeoffRequest): Tradeoff {
  const sizes = table.values.get(SIZE);
  const values = table.values.get(metric.name)!;
  const rows = Array.from({ length: sizes ? table.count : 0 }, (_, i) => i).filter(
    (i) => Number.isFinite(sizes![i]!) && sizes![i]! > 0 && Number.isFinite(values[i]!),
  );
  const predicted = points.filter(({ value, size }) => value !== null && Number.isFinite(value) && size > 0);
  const xs = finiteExtent([...rows.map((i) => sizes![i]!), ...predicted.map(({ size }) => size)], true) ?? [1, 10];
  const ys = finiteExtent([...rows.map((i) => values[i]!), ...predicted.map(({ value }) => value!)]) ?? [0, 1];
  const log = xs[1] / xs[0] >= DECADE;
  const x = makeAxis(UNITS.bytes.metric, log ? padLog(xs, 0.05) : padLinear(xs, 0.05), {
    log,
    range: [LEFT, Math.max(LEFT + 1, width - RIGHT)],
    count: Math.max(2, Math.floor(width / 90)),
  });
  const y = makeAxis(metric, clampTo(metric, padLinear(ys, 0.05)), {
    range: [Math.max(TOP + 1, height - BOTTOM), TOP],
    count: Math.max(2, Math.floor(height / 44)),
  });
  const at = (size: number, value: number) => ({ x: x.toPixel(size), y: y.toPixel(value) });
  const best = paretoFrontier(
    rows.map((i) => sizes![i]!),
    rows.map((i) => values[i]!),
    { xHigher: false, yHigher: metric.higher_is_better !== false },
  ).map((k) => at(sizes![rows[k]!]!, values[rows[k]!]!));
  const known = predicted.every(({ ci_low, ci_high }) => ci_low !== null && ci_high !== null);
  const upper = predicted.map(({ size, ci_high }) => at(size, ci_high ?? 0));
  const lower = predicted.map(({ size, ci_low }) => at(size, ci_low ?? 0)).reverse();
  return {
    x,
    y,
    models: rows.map((i) => ({ model: i, ...at(sizes![i]!, values[i]!) })),
    frontier: pathOf(frontierSteps(best)),
    line: pathOf(predicted.map(({ size, value }) => at(size, value!))),
    band: known && predicted.length > 1 ? `${pathOf([...upper, ...lower])}Z` : "",
  };
}

function pathOf(points: readonly { readonly x: number; readonly y: number }[]): string {
  return points.map(({ x, y }, k) => `${k === 0 ? "M" : "L"}${x.toFixed(1)},${y.toFixed(1)}`).join("");
}
