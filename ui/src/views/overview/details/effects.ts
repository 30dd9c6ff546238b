/** Matched-pair effects as plain sentences, ranked. */
import type { Effect } from "@/api/models";
import { formatDifference, formatDifferenceInterval, goodness, plural, type Goodness } from "@/format";
import { NUMBER, type Metric, type ModelTable } from "@/state/table";

/** One effect of the list, with what it depends on below it. */
export interface RankedEffect {
  readonly effect: Effect;
  readonly conditions: readonly Effect[];
}

const sizeOf = (effect: Effect): number =>
  effect.mean === null || !Number.isFinite(effect.mean) ? -1 : Math.abs(effect.mean);

/** Whether an effect is over all pairs of its operation or parameter: the rows with a condition explain it. */
function isOverall(effect: Effect): boolean {
  return effect.condition === null || effect.parameter !== null;
}

/** The effects on one metric, the largest first; what an operation's effect depends on is with it. */
export function rankEffects(effects: readonly Effect[], metric: string): RankedEffect[] {
  const own = effects.filter((effect) => effect.metric === metric && effect.pairs > 0);
  return own
    .filter(isOverall)
    .map((effect) => ({
      effect,
      conditions:
        effect.parameter !== null
          ? []
          : own
              .filter((other) => other.operation === effect.operation && !isOverall(other))
              .sort((a, b) => sizeOf(b) - sizeOf(a)),
    }))
    .sort((a, b) => sizeOf(b.effect) - sizeOf(a.effect) || b.effect.pairs - a.effect.pairs);
}

/** What was changed, in words: `calibrate`, `magnitude prune amount 0.5 → 0.75`. */
export function subject(effect: Effect): string {
  return [effect.operation, effect.parameter, effect.parameter !== null ? effect.condition : null]
    .filter(Boolean)
    .join(" ");
}

/** Whether the interval leaves out zero. */
export function isSure({ ci_low, ci_high }: Effect): boolean {
  return ci_low !== null && ci_high !== null && (ci_low > 0 || ci_high < 0);
}

/** What an effect does, to follow its subject: `raises Top-1 Accuracy by 13 pp`. */
export function predicate(metric: Metric, effect: Effect): { text: string; goodness: Goodness } {
  if (effect.mean === null)
    return { text: `has no pair with two finite values of ${metric.name}`, goodness: "neutral" };
  if (effect.mean === 0) return { text: `does not change ${metric.name}`, goodness: "neutral" };
  const change = formatDifference(metric, effect.mean).slice(1);
  const verdict = isSure(effect) ? goodness(metric, effect.mean) : "neutral";
  return { text: `${effect.mean > 0 ? "raises" : "lowers"} ${metric.name} by ${change}`, goodness: verdict };
}

/** How sure it is: `3 pairs, −131 to +36 pp: it may be none`. */
export function evidence(metric: Metric, effect: Effect): string {
  if (effect.pairs === 1) return "one pair only";
  const pairs = plural(effect.pairs, "pair");
  if (effect.mean === null || effect.ci_low === null || effect.ci_high === null) return pairs;
  const interval = formatDifferenceInterval(metric, effect.mean, effect.ci_low, effect.ci_high);
  const [, unit = "", ends = ""] = /^\S+?([^\d.,]*) \((.*)\)$/.exec(interval) ?? [];
  const method = effect.interval ? ` (${effect.interval})` : "";
  return ends === "" ? pairs : `${pairs}, ${ends}${unit}${method}${isSure(effect) ? "" : ": it may be none"}`;
}

/** The condition under which an effect is largest, when it depends on one: `most after magnitude prune amount=0.75: +50.7 pp`. */
export function strongest(metric: Metric, { effect, conditions }: RankedEffect): string | null {
  const means = conditions.map((condition) => condition.mean).filter((mean) => mean !== null);
  const first = conditions[0];
  if (!first?.condition || first.mean === null || means.length < 2 || effect.mean === null) return null;
  const spread = Math.max(...means) - Math.min(...means);
  if (spread < 0.5 * Math.abs(effect.mean)) return null;
  return `most ${first.condition.startsWith("after ") ? "" : "with "}${first.condition}: ${formatDifference(metric, first.mean)}`;
}

export interface Pair {
  readonly without: number;
  readonly with: number;
  /** NaN where one of both is not finite. */
  readonly difference: number;
}

/** The pairs as rows of the table with their differences; pairs of models that are not (yet) there are left out. */
export function pairsOf(table: ModelTable, metric: Metric, effect: Effect): Pair[] {
  const values = table.values.get(metric.name)!;
  const status = table.status.get(metric.name)!;
  return effect.models.flatMap(([first = "", second = ""]) => {
    const without = table.indexOf.get(first);
    const withIt = table.indexOf.get(second);
    if (without === undefined || withIt === undefined) return [];
    const finite = status[without] === NUMBER && status[withIt] === NUMBER;
    return [{ without, with: withIt, difference: finite ? values[withIt]! - values[without]! : Number.NaN }];
  });
}

/** The domain that all strips of a list share: zero and every finite difference. */
export function sharedDomain(pairs: readonly Pair[]): [number, number] {
  let [low, high] = [0, 0];
  for (const { difference } of pairs) {
    if (difference < low) low = difference;
    if (difference > high) high = difference;
  }
  return low === high ? [-1, 1] : [low, high];
}
