/** Layers by levels: what each cell of the heat map says, and how dark it is. */
import type { PlanPoint, SensitivityRow } from "@/api/plans";
import { formatParameter, type MetricLike } from "@/format";

export interface Level {
  readonly key: string;
  readonly operation: string;
  /** What tells it from the other levels of its operation: `4`, or `amount 0.5`. */
  readonly label: string;
}

export interface HeatTable {
  readonly layers: readonly string[];
  readonly levels: readonly Level[];
  /** Place of a row in the answer by layer and level; -1 where it was not measured. */
  readonly cells: readonly (readonly number[])[];
  /** The largest loss; 0 where nothing is lost. */
  readonly most: number;
}

const keyOf = (row: SensitivityRow): string => JSON.stringify([row.operation, row.parameters]);

/** How much a change is a loss, by the metric's direction; never below zero, since an improvement is mostly chance. */
export function lossOf(metric: MetricLike, change: number | null): number | null {
  if (change === null || !Number.isFinite(change)) return null;
  return Math.max(0, metric.higher_is_better ? -change : change);
}

export function heatTable(rows: readonly SensitivityRow[], metric: MetricLike): HeatTable {
  const layers = [...new Set(rows.map(({ layer }) => layer))];
  const first = new Map(rows.map((row) => [keyOf(row), row] as const));
  const levels = [...first].map(([key, { operation, parameters }]): Level => {
    const named = Object.entries(parameters).filter(([name]) => name !== "targets" && name !== "ignore");
    const words = named.map(([name, value]) => `${name} ${formatParameter(value)}`);
    return { key, operation, label: words.join(", ") || operation };
  });
  levels.sort((a, b) => a.operation.localeCompare(b.operation) || strengthOf(first.get(a.key)!, first.get(b.key)!));
  const place = new Map(rows.map((row, k) => [`${row.layer}\0${keyOf(row)}`, k]));
  const cells = layers.map((layer) => levels.map(({ key }) => place.get(`${layer}\0${key}`) ?? -1));
  const most = rows.reduce((high, row) => Math.max(high, lossOf(metric, row.change) ?? 0), 0);
  return { layers, levels, cells, most };
}

/** Milder levels first: those that leave more bytes per weight. */
function strengthOf(a: SensitivityRow, b: SensitivityRow): number {
  return b.layer_bytes / b.weights - a.layer_bytes / a.weights;
}

/** 0 for no loss to 1 for the largest, with room for small ones: a tenth of the largest is a third of the way. */
export function shadeOf(loss: number | null, most: number): number {
  return loss === null || most <= 0 ? 0 : Math.sqrt(Math.min(1, loss / most));
}

/** Whether the interval of a change leaves out zero; null where no interval is known. */
export function isClear(row: SensitivityRow): boolean | null {
  if (row.ci_low === null || row.ci_high === null) return null;
  return row.ci_low > 0 || row.ci_high < 0;
}

/** The largest plan within a budget; the smallest of all where none is. */
export function planWithin(points: readonly PlanPoint[], budget: number | null): PlanPoint | null {
  const last = points.at(-1) ?? null;
  if (budget === null) return last;
  const within = points.filter(({ used }) => used <= budget * (1 + 1e-6));
  return within.at(-1) ?? points[0] ?? null;
}
