/** Candidates side by side, and the sentence that says which one to take, where the intervals say that. */
import { intervalOf } from "@/charts/interval";
import { formatChange, formatInterval, formatValue, leaders, listWords, orderOf, type Reading } from "@/format";
import type { Metric, ModelTable } from "@/state/table";
import type { ErrorOf } from "@/widgets/facts";

/** The first primary metric that should be high, and the first that should be low and starts at zero. */
export function decisive(metrics: readonly Metric[]): { quality: Metric; cost: Metric } | null {
  const ordered = [...metrics].sort((a, b) => Number(b.primary) - Number(a.primary));
  const quality = ordered.find((metric) => metric.higher_is_better === true && metric.max !== null) ?? null;
  const cost = ordered.find((metric) => metric.higher_is_better === false && metric.min === 0) ?? null;
  return quality && cost && { quality, cost };
}

export interface Candidate {
  readonly model: number;
  /** Null where it is not known, and so the candidate is not judged. */
  readonly quality: Reading | null;
  readonly cost: Reading | null;
  readonly qualityText: string;
  readonly costText: string;
  /** The 95% interval of the quality; null where no error is known. */
  readonly interval: readonly [number, number] | null;
}

/** What is compared of each model. */
export function candidatesOf(
  table: ModelTable,
  models: readonly number[],
  { quality, cost }: { quality: Metric; cost: Metric },
  errorOf: ErrorOf,
): Candidate[] {
  const reading = (metric: Metric, model: number): Reading | null => {
    const value = table.values.get(metric.name)![model]!;
    return Number.isFinite(value) ? { value, error: errorOf(model, metric.name) } : null;
  };
  return models.map((model) => {
    const [good, dear] = [reading(quality, model), reading(cost, model)];
    const interval = good && intervalOf(quality, good.value, good.error ?? null);
    const qualityText = interval
      ? formatInterval(quality, good.value, ...interval)
      : formatValue(quality, good?.value ?? null);
    return {
      model,
      quality: good,
      cost: dear,
      qualityText,
      costText: formatValue(cost, dear?.value ?? null),
      interval,
    };
  });
}

/**
 * The verdict: of the candidates that tie with the best quality the cheapest, against the base, which stands first.
 * Where several tie in both, all of them are named; where the base itself is the cheapest, that is said.
 */
export function verdictOf(
  candidates: readonly Candidate[],
  { quality, cost }: { quality: Metric; cost: Metric },
  name: (model: number) => string,
): string {
  const [base] = candidates;
  const known = candidates.filter((one) => one.quality && one.cost);
  if (!base?.quality || !base.cost || known.length < 2) return "";
  const top = leaders(
    quality,
    known.map((one) => one.quality),
    true,
  ).map((place) => known[place]!);
  const cheap = leaders(
    cost,
    top.map((one) => one.cost),
    false,
  ).map((place) => top[place]!);
  const names = listWords(cheap.map(({ model }) => name(model)));
  const than = name(base.model);
  if (cheap.includes(base)) {
    const kept = cheap.length > 1 ? `${names} tie` : `No candidate keeps the ${quality.name} of ${than}`;
    return cheap.length > 1 ? `${kept} in ${quality.name} and ${cost.name}` : `${kept} at a lower ${cost.name}`;
  }
  const saved = formatChange(cost, cheap[0]!.cost!.value, base.cost.value);
  const tie = orderOf(quality, cheap[0]!.quality!, base.quality) === "tie";
  const held = tie ? `${quality.name} ties with ${than}` : `better ${quality.name} than ${than}`;
  return `${names}: ${saved} ${cost.name}, ${held}${cheap.length > 1 ? "; they tie" : ""}`;
}
