/** What a view says about one model, read from the table. */
import {
  formatChange,
  formatInterval,
  formatValue,
  judge,
  operationFull,
  operationLabel,
  type Goodness,
} from "@/format";
import { pooled, spreadOf } from "@/state/replicates";
import { MISSING, NAN, NEGATIVE_INFINITY, POSITIVE_INFINITY, type Metric, type ModelTable } from "@/state/table";

/** A metric of a model as it was logged: infinities and NaN as such, null where it is missing. */
export function valueOf(table: ModelTable, metric: string, model: number): number | null {
  switch (table.status.get(metric)?.[model] ?? MISSING) {
    case MISSING:
      return null;
    case NAN:
      return Number.NaN;
    case POSITIVE_INFINITY:
      return Infinity;
    case NEGATIVE_INFINITY:
      return -Infinity;
    default:
      return table.values.get(metric)?.[model] ?? null;
  }
}

export interface MetricFact {
  readonly metric: Metric;
  readonly value: number | null;
  readonly text: string;
  /** Change against another model; empty without one. */
  readonly change: string;
  readonly goodness: Goodness;
}

/** The standard error of a model's metric, null where none is known. */
export type ErrorOf = (model: number, metric: string) => number | null;

/** A metric of a model and its change against `reference` (a row, or -1 for none), which is neutral where they tie. */
export function metricFact(
  table: ModelTable,
  metric: Metric,
  model: number,
  reference: number,
  errorOf: ErrorOf = () => null,
): MetricFact {
  const value = valueOf(table, metric.name, model);
  const before = reference < 0 ? null : valueOf(table, metric.name, reference);
  const known = value !== null && before !== null && Number.isFinite(value) && Number.isFinite(before);
  return {
    metric,
    value,
    text: formatValue(metric, value),
    change: known ? formatChange(metric, value, before) : "",
    goodness: known
      ? judge(
          metric,
          { value, error: errorOf(model, metric.name) },
          { value: before, error: errorOf(reference, metric.name) },
        )
      : "neutral",
  };
}

/** The metrics that any of some models was measured by, whether it came out as a number or not. */
export function measuredMetrics(table: ModelTable, models: readonly number[]): readonly Metric[] {
  return table.metrics.filter(({ name }) => {
    const status = table.status.get(name);
    return models.some((model) => (status?.[model] ?? MISSING) !== MISSING);
  });
}

/** The primary metrics; where none is declared primary, the first few. */
export function primaryMetrics(metrics: readonly Metric[], most = 6): readonly Metric[] {
  const primary = metrics.filter((metric) => metric.primary);
  return primary.length > 0 ? primary : metrics.slice(0, most);
}

/** The primary metrics of a model; of replicates their means, each with the smallest and the largest. */
export function primaryFacts(table: ModelTable, model: number, errorOf?: ErrorOf): MetricFact[] {
  const shown = table.replicates.members.has(model) ? pooled(table) : table;
  return primaryMetrics(table.metrics).map((metric) => {
    const fact = metricFact(shown, metric, model, table.base[model]!, errorOf);
    const spread = spreadOf(table, metric.name, model);
    return spread && spread[0] < spread[1] && fact.value !== null
      ? { ...fact, text: formatInterval(metric, fact.value, ...spread) }
      : fact;
  });
}

/** `3 replicates: mean, smallest and largest`; empty for a model that stands for itself. */
export function replicateWords(table: ModelTable, model: number): string {
  const alike = table.replicates.members.get(model);
  return alike ? `${alike.length} replicates: mean, smallest and largest` : "";
}

export function operationOf(table: ModelTable, model: number): string {
  return operationLabel(table.operation[model] ?? null, table.parameters[model]);
}

export function operationInFull(table: ModelTable, model: number): string {
  return operationFull(table.operation[model] ?? null, table.parameters[model]);
}

/** The models from the root to this one. */
export function lineageOf(table: ModelTable, model: number): number[] {
  const lineage: number[] = [];
  for (let at = model; at >= 0; at = table.base[at]!) lineage.push(at);
  return lineage.reverse();
}
