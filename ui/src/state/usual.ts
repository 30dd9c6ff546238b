/** Which two metrics the views begin with, where nobody chose any. */
import type { Metric, ModelTable } from "./table";

/** How many models have numbers for all of some metrics. */
function countOf(table: ModelTable, metrics: readonly Metric[]): number {
  const columns = metrics.map(({ name }) => table.values.get(name)!);
  let count = 0;
  for (let model = 0; model < table.count; model++) {
    if (columns.every((values) => !Number.isNaN(values[model]!))) count++;
  }
  return count;
}

/** Those of some metrics that at least half as many models have, together with others, as have the most common one. */
function commonOf(table: ModelTable, metrics: readonly Metric[], others: readonly Metric[] = []): Metric[] {
  const counts = metrics.map((metric) => countOf(table, [metric, ...others]));
  const most = Math.max(0, ...counts);
  return metrics.filter((_, k) => counts[k]! * 2 >= most);
}

/**
 * First the best-known quality (a primary metric that should be high), then the first cost: bytes, what should be low,
 * what has no upper end. Metrics that few models have are left aside: a picture of them would be nearly empty.
 */
export function usualMetrics(table: ModelTable): readonly string[] {
  const primary = table.metrics.filter((metric) => metric.primary);
  const pool = primary.length > 0 ? primary : table.metrics;
  const high = pool.filter((metric) => metric.higher_is_better === true);
  const [quality] = commonOf(table, high.length > 0 ? high : pool);
  if (!quality) return [];
  const rest = commonOf(
    table,
    pool.filter((metric) => metric !== quality),
    [quality],
  );
  const cost =
    rest.find((metric) => metric.unit === "B") ??
    rest.find((metric) => metric.higher_is_better === false) ??
    rest.find((metric) => metric.min === 0 && metric.max === null) ??
    rest[0];
  return [quality.name, ...(cost ? [cost.name] : [])];
}
