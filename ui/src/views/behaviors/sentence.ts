/** What the comparison found, in one sentence. */
import type { Answer, ChangeRow, Counts, SummaryRow } from "@/api/behaviors";
import {
  formatCount,
  formatDifferenceInterval,
  goodness,
  leaders,
  listWords,
  shorten,
  Z95,
  type MetricLike,
} from "@/format";
import { word } from "./filters";
import { isYesNo } from "./metrics";

/** Numbers of examples, of which chance adds or takes the square root. */
const EXAMPLES: MetricLike = { name: "examples", unit: "", format: "d", higher_is_better: false, min: 0, max: null };

/** What a model is called. */
export type NameOf = (id: string) => string;
const byId: NameOf = (id) => shorten(id, 28);

export function sentence(answer: Answer, metric: MetricLike, name: NameOf = byId): string {
  const rows = answer.summary ?? [];
  const base = name(answer.base);
  const losing = rows.filter((row) => (row.right_to_wrong ?? 0) > 0 && isBeyondChance(row));
  const lost = losing.map(({ right_to_wrong: count }) => ({ value: count!, error: Math.sqrt(count!) }));
  const worst = leaders(EXAMPLES, lost, true).map((place) => losing[place]!);
  if (worst.length === 1) {
    const changes = (answer.changes ?? []).filter(({ model }) => model === worst[0]!.model);
    const flips = formatCount(worst[0]!.right_to_wrong ?? 0);
    return `${name(worst[0]!.model)} gets ${flips} wrong that ${base} gets right${often(changes)}`;
  }
  if (worst.length > 1) {
    const [least, most] = [Math.min, Math.max].map((end) => end(...worst.map((row) => row.right_to_wrong!)));
    const flips = least === most ? `${formatCount(most!)} each` : `${formatCount(least!)} to ${formatCount(most!)}`;
    return `${namesOf(worst, name)} get most wrong that ${base} gets right (${flips}), and tie`;
  }
  const isOnlyFlips = isYesNo(answer.metric) || !rows.some(excludesZero);
  if (rows.length > 0 && isOnlyFlips && rows.every((row) => row.mcnemar_p !== null)) {
    const who = rows.length === 1 ? name(rows[0]!.model) : "None of the models";
    const verb = rows.length === 1 ? "does not differ" : "differs";
    return `${who} ${verb} significantly from ${base} in accuracy`;
  }
  if (rows.length === 0) return `Nothing is compared with ${base}`;
  return changeSentence(rows, metric, { base, name });
}

/** A name inside a sentence: `accuracy`, but `KL divergence`. */
const inSentence = (name: string): string =>
  /^[A-Z][a-z]/.test(name) ? `${name[0]!.toLowerCase()}${name.slice(1)}` : name;

/** Up to three models by name; of more, two and how many more. */
export function namesOf(rows: readonly { model: string }[], name: NameOf): string {
  const names = rows.slice(0, rows.length > 3 ? 2 : 3).map(({ model }) => name(model));
  return listWords(rows.length > names.length ? [...names, `${rows.length - names.length} more`] : names);
}

/** The model whose metric changes most, of those that change by more than their interval. */
function changeSentence(
  rows: readonly SummaryRow[],
  metric: MetricLike,
  { base, name }: { base: string; name: NameOf },
): string {
  const what = inSentence(metric.name);
  const changed = rows.filter((row) => row.difference !== null && excludesZero(row));
  const sizes = changed.map((row) => ({
    value: Math.abs(row.difference!),
    error: (row.ci_high! - row.ci_low!) / 2 / Z95,
  }));
  const most = leaders(metric, sizes, true).map((place) => changed[place]!);
  const [first] = most;
  if (!first) {
    const who = rows.length === 1 ? `${name(rows[0]!.model)} does not differ` : "None of the models differs";
    return `${who} from ${base} in ${what} by more than its interval`;
  }
  if (most.length === 1) {
    const interval = formatDifferenceInterval(metric, first.difference!, first.ci_low, first.ci_high);
    return `${name(first.model)} changes ${what} most against ${base}: ${interval}`;
  }
  return `${namesOf(most, name)} change ${what} most against ${base}, and tie`;
}

/** Free texts rarely repeat, and the most frequent of a few is chance: said only where it is clearly ahead. */
function often([change, next]: readonly ChangeRow[]): string {
  const lead = (change?.count ?? 0) - (next?.count ?? 0);
  return change && lead > Z95 * Math.sqrt(change.count + (next?.count ?? 0))
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
