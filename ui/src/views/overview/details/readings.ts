/** Rows of a single model's metrics: its value, and its change against base and root. */
import type { Change } from "@/api/changes";
import type { MetricReading } from "@/api/models";
import type { Json } from "@/api/json";
import type { CsvValue } from "@/export/csv";
import { intervalOf } from "@/charts/interval";
import { formatInterval, formatValue } from "@/format";
import { metricOf, numberOf, whoWords } from "@/state/changeWords";
import type { Metric, ModelTable } from "@/state/table";
import { lineageOf, metricFact, valueOf, type ErrorOf, type MetricFact } from "@/widgets/facts";

export interface MetricRow {
  readonly metric: Metric;
  /** The value with its interval where a standard error is known. */
  readonly text: string;
  readonly missing: boolean;
  readonly base: MetricFact;
  readonly root: MetricFact;
  /** On what and how it was measured. */
  readonly note: string;
  /** Readings on classes or subgroups. */
  readonly slices: readonly MetricReading[];
}

/** A value that stood in the place of one that is shown, until somebody corrected it. */
export interface Corrected {
  /** What it was, and where, if not over everything. */
  readonly text: string;
  readonly at: string;
  readonly by: string;
  readonly reason: string;
}

/** What the values of a metric were before they were corrected, the last first. */
export function correctedValues(
  metric: Metric,
  metrics: readonly Metric[],
  corrections: readonly Change[],
): Corrected[] {
  return corrections
    .filter((change) => change.undone_by === null)
    .flatMap((change) =>
      Object.entries(change.old)
        .filter(([name]) => metricOf(name, metrics)?.name === metric.name)
        .map(([name, value]) => ({
          text: `${formatValue(metric, numberOf(value as Json))}${name.slice(metric.name.length)}`,
          at: change.at,
          by: whoWords(change).who,
          reason: change.reason,
        })),
    );
}

function noteOf(reading: MetricReading | undefined): string {
  if (!reading) return "";
  const count = reading.count === null ? "" : `${reading.count.toLocaleString("en")} samples or runs`;
  return [reading.device ?? "", count].filter(Boolean).join(", ");
}

/** The reading over everything that the table shows; with several devices the one of that value. */
function wholeOf(own: readonly MetricReading[], value: number | null): MetricReading | undefined {
  const whole = own.filter((reading) => reading.slice === null);
  const distance = (reading: MetricReading): number => Math.abs(reading.value - (value ?? 0));
  return whole.length > 1 ? whole.reduce((a, b) => (distance(b) < distance(a) ? b : a)) : whole[0];
}

/** The metrics of a model in the order of their definition, primary ones first. */
export function metricRows(
  table: ModelTable,
  model: number,
  readings: readonly MetricReading[],
  errorOf?: ErrorOf,
): MetricRow[] {
  const base = table.base[model]!;
  const root = lineageOf(table, model)[0]!;
  const metrics = [...table.metrics].sort((a, b) => Number(b.primary) - Number(a.primary));
  return metrics.map((metric) => {
    const fact = metricFact(table, metric, model, base, errorOf);
    const own = readings.filter((reading) => reading.name === metric.name);
    const whole = wholeOf(own, fact.value);
    // the table has seven digits, the reading all
    const value = whole?.value ?? fact.value;
    const known = value !== null && Number.isFinite(value);
    const interval = known ? intervalOf(metric, value, whole?.standard_error ?? null) : null;
    return {
      metric,
      text: interval ? formatInterval(metric, value!, ...interval) : formatValue(metric, value),
      missing: fact.value === null,
      base: fact,
      root: metricFact(table, metric, model, root === model ? -1 : root, errorOf),
      note: noteOf(whole),
      slices: own.filter((reading) => reading.slice !== null),
    };
  });
}

/** Every reading of a model, one row each, beside the values of its base and root. */
export function metricRecords(table: ModelTable, model: number, readings: readonly MetricReading[]): CsvValue[][] {
  const base = table.base[model]!;
  const root = lineageOf(table, model)[0]!;
  const units = new Map(table.metrics.map(({ name, unit }) => [name, unit]));
  const other = (row: number, { name, slice }: MetricReading): number | null =>
    row < 0 || row === model || slice !== null ? null : valueOf(table, name, row);
  return readings.map((reading) => [
    reading.name,
    units.get(reading.name),
    reading.slice,
    reading.device,
    reading.value,
    reading.standard_error,
    reading.count,
    other(base, reading),
    other(root, reading),
  ]);
}
