import type { MetricLike } from "@/format";
import { summarize, type Cell } from "./bars";
import { intervalOf } from "./interval";

/** What one cell of a bar chart shows. */
export interface CellMark {
  readonly cell: Cell;
  /** The value, or the mean of replicates; null where there is no finite one. */
  readonly mean: number | null;
  /** Where there is no finite value: the first one's null, NaN or infinity. */
  readonly special: number | null;
  /** Ends of the whisker: the range of replicates, or the 95% interval of a single value; null for none. */
  readonly low: number | null;
  readonly high: number | null;
  /** Single values of replicates. */
  readonly replicates: readonly number[];
}

/** The mark of a cell of a metric's chart. */
export function markOf(
  metric: MetricLike,
  cell: Cell,
  value: (id: string) => number | null,
  error: (id: string) => number | null,
): CellMark {
  const values = cell.ids.map(value);
  const { mean, low, high, count } = summarize(values);
  const special = values[0] ?? null;
  if (mean === null) return { cell, mean, special, low: null, high: null, replicates: [] };
  if (cell.ids.length > 1) {
    const finite = values.filter((v): v is number => v !== null && Number.isFinite(v));
    return { cell, mean, special, low: count > 1 ? low : null, high: count > 1 ? high : null, replicates: finite };
  }
  const [low95, high95] = intervalOf(metric, mean, error(cell.ids[0]!)) ?? [null, null];
  return { cell, mean, special, low: low95, high: high95, replicates: [] };
}
