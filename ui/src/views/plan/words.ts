/** What the page of plans says of a plan. */
import type { BudgetKind, PlanPoint } from "@/api/plans";
import { formatBytes, formatInterval, formatValue, orderOf, plain, Z95, type MetricLike, type Reading } from "@/format";

export interface BudgetUnit {
  readonly label: string;
  readonly title: string;
  readonly metric: MetricLike;
}

const unit = (name: string, unitName: string): MetricLike => ({
  name,
  unit: unitName,
  format: "",
  higher_is_better: false,
  min: 0,
  max: null,
});

export const UNITS: Readonly<Record<BudgetKind, BudgetUnit>> = {
  bytes: { label: "Bytes", title: "Packed bytes of the whole model", metric: unit("Packed size", "B") },
  bits_per_weight: {
    label: "Bits per weight",
    title: "Average over the measured layers, with scales and codebooks",
    metric: unit("Bits per weight", "bits"),
  },
  macs: { label: "MACs", title: "Multiply-accumulates of one example", metric: unit("MACs", "MACs") },
  latency: { label: "Latency", title: "Seconds of a forward pass", metric: unit("Latency", "s") },
};

/** A budget in its unit: bits per weight never take a prefix. */
export function budgetText(kind: BudgetKind, value: number): string {
  return kind === "bits_per_weight"
    ? `${plain(Number(value.toPrecision(3)))} bits`
    : formatValue(UNITS[kind].metric, value);
}

/** A plan's predicted value as a reading: half of its interval is so many standard errors. */
export function readingOf(point: PlanPoint): Reading {
  const known = point.ci_low !== null && point.ci_high !== null;
  return { value: point.value!, error: known ? (point.ci_high! - point.ci_low!) / (2 * Z95) : null };
}

export function predictedText(metric: MetricLike, point: PlanPoint): string {
  if (point.value === null) return "not known";
  // where nothing is compressed, nothing is predicted either
  if (point.ci_low === null || point.ci_high === null || point.chosen.length === 0) {
    return formatValue(metric, point.value);
  }
  return formatInterval(metric, point.value, point.ci_low, point.ci_high);
}

/** One sentence on the plan, no more than its interval supports. */
export function sentence(metric: MetricLike, before: number, point: PlanPoint, name: string): string {
  if (point.chosen.length === 0) return `Nothing is compressed: ${name} is ${formatBytes(point.size)}`;
  const order = point.value === null ? "tie" : orderOf(metric, readingOf(point), { value: before });
  const better = (order === "above") === metric.higher_is_better;
  const words = order === "tie" ? "tied with" : better ? "better than" : "below";
  const than = `${words} ${formatValue(metric, before)} of ${name}`;
  const worse = !better && order !== "tie" && metric.higher_is_better === false ? than.replace("below", "above") : than;
  return `${formatBytes(point.size)}, predicted ${metric.name} ${predictedText(metric, point)}, ${worse}`;
}
