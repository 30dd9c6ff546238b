/** What the map says, in one line. */
import { formatChange, formatDifference, judge, leaders, listWords, plural, type Reading } from "@/format";
import type { Metric, ModelTable } from "@/state/table";

/** What is known about the models of a map. */
export interface Shown {
  /** 1 where a model is shown; all are where this is left out. */
  readonly passing?: ArrayLike<number>;
  /** The standard error of a model's metric, null where none is known; null while it is being fetched. */
  readonly errorOf?: ((model: number, metric: string) => number | null) | null;
  /** What a model is called; by its id where this is left out. */
  readonly nameOf?: (model: number) => string;
}

interface Fall {
  readonly model: number;
  readonly parent: number;
  readonly change: Reading;
}

/** The steps after which a metric is worse than before by more than its interval. */
function falls(table: ModelTable, metric: Metric, { passing, errorOf }: Shown): Fall[] {
  const values = table.values.get(metric.name)!;
  const reading = (model: number): Reading => ({ value: values[model]!, error: errorOf?.(model, metric.name) });
  return Array.from({ length: table.count }, (_, model) => model).flatMap((model) => {
    const parent = table.base[model]!;
    if (parent < 0 || (passing && !passing[model]) || Number.isNaN(values[model]! - values[parent]!)) return [];
    const [after, before] = [reading(model), reading(parent)];
    if (judge(metric, after, before) !== "bad") return [];
    const error = Math.hypot(after.error ?? 0, before.error ?? 0);
    return [{ model, parent, change: { value: after.value - before.value, error } }];
  });
}

/** The steps after which a metric is worst against its parent: more than one where they tie. */
export function worstSteps(table: ModelTable, metric: string | null, shown: Shown = {}): Fall[] {
  const definition = table.metrics.find(({ name }) => name === metric);
  if (!definition || definition.higher_is_better === null || shown.errorOf === null) return [];
  const found = falls(table, definition, shown);
  const worst = leaders(
    definition,
    found.map(({ change }) => change),
    !definition.higher_is_better,
  );
  return worst.map((place) => found[place]!);
}

/** "Top-1 Accuracy falls most at cnn-p90: −56.9 pp against cnn", else how many models are shown. */
export function mapSentence(table: ModelTable, metric: string | null, shown: Shown = {}): string {
  const worst = worstSteps(table, metric, shown);
  const { nameOf = (row) => table.ids[row]! } = shown;
  const count = shown.passing ? Array.from(shown.passing).filter(Boolean).length : table.count;
  if (worst.length === 0)
    return count < table.count ? `${count} of ${plural(table.count, "model")}` : plural(count, "model");
  const definition = table.metrics.find(({ name }) => name === metric)!;
  const verb = definition.higher_is_better ? "falls" : "rises";
  const values = table.values.get(definition.name)!;
  const [first] = worst;
  if (worst.length === 1) {
    const change = formatChange(definition, values[first!.model]!, values[first!.parent]!);
    return `${definition.name} ${verb} most at ${nameOf(first!.model)}: ${change} against ${nameOf(first!.parent)}`;
  }
  const where =
    worst.length > 2
      ? `${worst.length} steps that tie`
      : `${listWords(worst.map(({ model }) => nameOf(model)))}, a tie`;
  const sizes = worst.map(({ change }) => Math.abs(change.value));
  const least = formatDifference(definition, Math.sign(first!.change.value) * Math.min(...sizes));
  return `${definition.name} ${verb} most, by ${least.replace(/^[+−]/, "")} or more, at ${where}`;
}
