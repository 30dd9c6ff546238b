/** What the table of models says, and what a click or a brush in it does to the filters. */
import type { HistogramRow, SummaryRow } from "@/api/behaviors";
import { formatCount, formatDifference, formatValue, type MetricLike } from "@/format";
import { sameFilter } from "./filters";
import type { Brush, Filter } from "./params";
import { verdict } from "./sentence";

/** What the left and the right end of the histograms are. */
export function endsOf(row: HistogramRow | undefined, metric: MetricLike, relative: boolean, yesNo: boolean): string[] {
  if (!row) return ["", ""];
  if (yesNo && !relative) return ["wrong", "right"];
  const text = (value: number): string => (relative ? formatDifference(metric, value) : formatValue(metric, value));
  return [text(row.low), text(row.high)];
}

/** Whether the interval of the change holds zero, and the change is called neither good nor bad. */
export function isTie(metric: MetricLike, row: SummaryRow): boolean {
  return row.difference !== null && verdict(metric, row) === "neutral" && row.ci_low !== null && row.ci_low <= 0;
}

/** Which instances a model or the base lacks, in words; empty if none. */
export function missingWords(row: SummaryRow): string {
  const parts = [
    row.missing > 0 ? `lacks ${formatCount(row.missing)} examples` : "",
    row.base_missing > 0 ? `base lacks ${formatCount(row.base_missing)}` : "",
    row.nonfinite > 0 ? `${formatCount(row.nonfinite)} values are NaN or infinite` : "",
  ];
  return parts.filter(Boolean).join("; ");
}

/** The filters with one taken away, or put in. A model's flips and changes exclude each other: the newest counts. */
export function withFilter(filters: readonly Filter[], filter: Filter): Filter[] {
  const without = filters.filter((other) => !sameFilter(other, filter));
  if (without.length < filters.length) return without;
  const others = filters.filter((other) => !("model" in other && "model" in filter && other.model === filter.model));
  return [...others, filter];
}

/** The brushes with that of a model replaced, or taken away. */
export function withBrush(
  brushes: Readonly<Record<string, Brush>>,
  model: string,
  range: Brush | null,
): Record<string, Brush> {
  const others = Object.fromEntries(Object.entries(brushes).filter(([name]) => name !== model));
  return range ? { ...others, [model]: range } : others;
}

/** What becomes of an example, in the order of the bar. */
export const OUTCOMES = ["both_right", "lost", "gained", "both_wrong"] as const;
export const OUTCOME_WORDS = {
  both_right: "both right",
  lost: "lost",
  gained: "gained",
  both_wrong: "both wrong",
} as const;
/** How many examples that happens to. */
export type Outcomes = Readonly<Record<(typeof OUTCOMES)[number], number>>;

/** What became of the examples of a model; null where that is not known. `base_value` is the base's share of hits. */
export function outcomesOf(row: SummaryRow): Outcomes | null {
  const { base_value: share, right_to_wrong: lost, wrong_to_right: gained } = row;
  const count = row.compared ?? row.count;
  if (share === null || lost === null || gained === null || lost === undefined || gained === undefined) return null;
  const right = Math.round(share * count);
  return { both_right: right - lost, lost, gained, both_wrong: count - right - gained };
}

/** The same of the base beside itself. */
export function outcomesOfBase(row: SummaryRow): Outcomes | null {
  const own = outcomesOf(row);
  return own && { both_right: own.both_right + own.lost, lost: 0, gained: 0, both_wrong: own.both_wrong + own.gained };
}
