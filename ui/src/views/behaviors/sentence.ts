/** What the comparison found, in one sentence. */
import type { Answer, ChangeRow, Counts, SummaryRow } from "@/api/behaviors";
import { formatCount, formatDifferenceInterval, goodness, shorten, type MetricLike } from "@/format";
import { word } from "./filters";

export function sentence(answer: Answer, metric: MetricLike): string {
  const rows = answer.summary ?? [];
  const base = shorten(answer.base, 28);
  const worst = rows.reduce<SummaryRow | null>(
    (most, row) => ((row.right_to_wrong ?? 0) > (most?.right_to_wrong ?? 0) ? row : most),
    null,
  );
  if (worst && isBeyondChance(worst)) {
    const change = answer.changes?.find(({ model }) => model === worst.model);
    const flips = formatCount(worst.right_to_wrong ?? 0);
    return `${shorten(worst.model, 28)} gets ${flips} wrong that ${base} gets right${often(change)}`;
  }
  if (rows.length > 0 && rows.every((row) => row.mcnemar_p !== null)) {
    const who = rows.length === 1 ? shorten(rows[0]!.model, 28) : "None of the models";
    const verb = rows.length === 1 ? "does not differ" : "differs";
    return `${who} ${verb} significantly from ${base} in accuracy`;
  }
  const largest = rows.reduce<SummaryRow | null>(
    (most, row) => (Math.abs(row.difference ?? 0) > Math.abs(most?.difference ?? 0) ? row : most),
    null,
  );
  if (!largest) return `${formatCount(rows.length)} compared with ${base}`;
  const { difference, ci_low, ci_high } = largest;
  const interval = formatDifferenceInterval(metric, difference ?? 0, ci_low, ci_high);
  return `${shorten(largest.model, 28)} changes ${metric.name.toLowerCase()} most: ${interval}`;
}

/** Only what happened more than once is often: free texts rarely repeat. */
function often(change: ChangeRow | undefined): string {
  return change && change.count > 1
    ? `, most often ${shorten(word(change.base_prediction))} read as ${shorten(word(change.prediction))}`
    : "";
}

/** Whether right and wrong differ significantly at 5%, adjusted for the number of models compared. */
export function isBeyondChance(row: SummaryRow): boolean {
  const p = row.mcnemar_p_adjusted ?? row.mcnemar_p;
  return p !== null && p < 0.05;
}

/** The interval of a difference by both methods, each with its name. */
export function bothIntervals(metric: MetricLike, row: Counts): string {
  if (row.difference === null) return "";
  const told = (low: number | null, high: number | null): string =>
    formatDifferenceInterval(metric, row.difference ?? 0, low, high);
  const bootstrap = told(row.bootstrap_low, row.bootstrap_high);
  return `${row.interval}: ${told(row.ci_low, row.ci_high)}; paired bootstrap: ${bootstrap}`;
}

/** Whether an interval of a difference leaves out zero. */
export function excludesZero(row: { ci_low: number | null; ci_high: number | null }): boolean {
  return row.ci_low !== null && row.ci_high !== null && (row.ci_low > 0 || row.ci_high < 0);
}

/** Good, bad, or neutral where the interval holds zero. */
export function verdict(
  metric: MetricLike,
  row: { difference: number | null; ci_low: number | null; ci_high: number | null },
): "good" | "bad" | "neutral" {
  return excludesZero(row) ? goodness(metric, row.difference ?? 0) : "neutral";
}

/** A p-value with one or two digits: "0.03", "< 0.001". */
export function formatP(p: number | null): string {
  if (p === null) return "—";
  if (p < 0.001) return "< 0.001";
  return p < 0.01 ? p.toFixed(3) : p.toFixed(2);
}
