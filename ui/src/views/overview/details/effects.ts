/** Matched-pair effects as plain sentences, ranked. */
import type { Effect } from "@/api/models";
import { formatDifference, formatDifferenceInterval, goodness, isolate, plain, plural, type Goodness } from "@/format";
import type { CsvValue } from "@/export/csv";
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

/** The effects on one metric in the server's order, sure and large ones first; what one depends on is with it. */
export function rankEffects(effects: readonly Effect[], metric: string): RankedEffect[] {
  const own = effects.filter((effect) => effect.metric === metric && effect.pairs > 0);
  return own.filter(isOverall).map((effect) => ({
    effect,
    conditions:
      effect.parameter !== null
        ? []
        : own
            .filter((other) => other.operation === effect.operation && !isOverall(other))
            .sort((a, b) => sizeOf(b) - sizeOf(a)),
  }));
}

/** What was changed, in words: `calibrate`, `magnitude prune amount 0.5 → 0.75`. */
export function subject(effect: Effect): string {
  return [effect.operation, effect.parameter, effect.parameter !== null ? effect.condition : null]
    .flatMap((part) => (part ? isolate(part) : []))
    .join(" ");
}

/** Whether an interval of at least 95% leaves out zero. */
export function isSure({ ci_low, ci_high, confidence }: Effect): boolean {
  return (confidence ?? 0) >= 0.95 && ci_low !== null && ci_high !== null && (ci_low > 0 || ci_high < 0);
}

/**
 * What an effect does, to follow its subject: `raises Top-1 Accuracy by 13 pp`; where a few pairs pull the mean away,
 * `raises Top-1 Accuracy by 2 pp in the median pair`.
 */
export function predicate(metric: Metric, effect: Effect): { text: string; goodness: Goodness } {
  const { mean, median } = effect;
  if (mean === null || median === null)
    return { text: `has no pair in which both values of ${metric.name} are finite`, goodness: "neutral" };
  const [leading, where] = effect.skewed ? [median, " in the median pair"] : [mean, ""];
  if (leading === 0) return { text: `does not change ${metric.name}${where}`, goodness: "neutral" };
  const change = formatDifference(metric, leading).slice(1);
  const verdict = isSure(effect) && mean * leading > 0 ? goodness(metric, leading) : "neutral";
  return { text: `${leading > 0 ? "raises" : "lowers"} ${metric.name} by ${change}${where}`, goodness: verdict };
}

function doubt(effect: Effect): string {
  if (isSure(effect)) return "";
  const isAllOneWay = effect.ci_low! > 0 || effect.ci_high! < 0;
  return isAllOneWay ? ": not enough pairs" : ": could be zero";
}

/** How sure it is: `3 pairs, −131 to +36 pp: could be zero`; with the mean where the median leads. */
export function evidence(metric: Metric, effect: Effect): string {
  if (effect.pairs === 1) return "only one pair";
  const pairs = plural(effect.pairs, "pair");
  if (effect.mean === null || effect.ci_low === null || effect.ci_high === null) return pairs;
  const interval = formatDifferenceInterval(metric, effect.mean, effect.ci_low, effect.ci_high);
  const [, unit = "", ends = ""] = /^\S+?([^\d.,]*) \((.*)\)$/.exec(interval) ?? [];
  const level = effect.confidence === null ? "" : ` (${plain(100 * effect.confidence)}% interval)`;
  const mean = effect.skewed ? `mean ${formatDifference(metric, effect.mean)}, ` : "";
  return ends === "" ? pairs : `${pairs}, ${mean}${ends}${unit}${level}${doubt(effect)}`;
}

/** A condition that shows in a difference of means must make this much of the mean over all pairs. */
const WORTH_SAYING = 0.5;

/**
 * What an effect depends on, if anything: where it helps or hurts most and least, among conditions of one kind:
 * `helps most after gradient prune 0.9 (+67.2 pp), least after 0.5 (+0.8)`.
 */
export function dependence(metric: Metric, { effect, conditions }: RankedEffect): string | null {
  if (effect.mean === null) return null;
  let best: { words: string; spread: number } | null = null;
  for (const group of byKind(conditions)) {
    const known = group
      .filter(({ mean }) => mean !== null && Number.isFinite(mean))
      .sort((a, b) => sizeOf(b) - sizeOf(a));
    const [first, last] = [known[0], known.at(-1)];
    if (!first || !last || first === last) continue;
    const spread = Math.abs(first.mean! - last.mean!);
    if (spread < WORTH_SAYING * Math.abs(effect.mean) || spread <= (best?.spread ?? 0)) continue;
    const [most, least] = conditionWords(first.condition!, last.condition!);
    best = { words: mostAndLeast(metric, [first.mean!, most], [last.mean!, least]), spread };
  }
  return best?.words ?? null;
}

/** The two ends of a dependence; where they go different ways, each says its own. */
function mostAndLeast(metric: Metric, [high, most]: [number, string], [low, least]: [number, string]): string {
  const does = { good: "helps", bad: "hurts", neutral: "changes" };
  const said = (change: number): string => formatDifference(metric, change);
  if (high * low < 0) {
    const [one, other] = [does[goodness(metric, high)], does[goodness(metric, low)]];
    return `${one} ${most} (${said(high)}), ${other} ${least} (${said(low)})`;
  }
  const unit = /\u00a0pp$/;
  const verb = does[goodness(metric, high)];
  return `${verb} most ${most} (${said(high)}), least ${least} (${said(low).replace(unit, "")})`;
}

const ASSIGNMENT = /^(?:(after) (.*) )?([^= ]+)=(.*)$/;

/** Conditions that differ in one thing: values of one parameter, or the operation that came before. */
function byKind(conditions: readonly Effect[]): Effect[][] {
  const groups = new Map<string, Effect[]>();
  for (const condition of conditions) {
    const [, after = "", operation = "", parameter] = ASSIGNMENT.exec(condition.condition!) ?? [];
    const kind = parameter === undefined ? "after" : `${after} ${operation} ${parameter}`;
    groups.set(kind, [...(groups.get(kind) ?? []), condition]);
  }
  return [...groups.values()];
}

/** `after magnitude prune amount=0.75` and the same of 0.5 as `after magnitude prune 0.75` and `after 0.5`. */
function conditionWords(first: string, second: string): [string, string] {
  const [a, b] = [ASSIGNMENT.exec(first), ASSIGNMENT.exec(second)];
  if (!a || !b) return [isolate(first), isolate(second)];
  const [[, after, operation = "", name = ""], [most, least]] = [a, [isolate(a[4]!), isolate(b[4]!)]];
  return after
    ? [`after ${isolate(operation)} ${most}`, `after ${least}`]
    : [`with ${isolate(name)} ${most}`, `with ${least}`];
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

export const EFFECT_COLUMNS = [
  "operation",
  "parameter",
  "condition",
  "metric",
  "pairs",
  "mean",
  "median",
  "skewed",
  "ci_low",
  "ci_high",
  "interval",
  "confidence",
  "models",
];

/** All effects as they came, one row each; models as `without → with`. */
export function effectRecords(effects: readonly Effect[]): CsvValue[][] {
  return effects.map((effect) => [
    effect.operation,
    effect.parameter,
    effect.condition,
    effect.metric,
    effect.pairs,
    effect.mean,
    effect.median,
    effect.skewed,
    effect.ci_low,
    effect.ci_high,
    effect.interval,
    effect.confidence,
    effect.models.map((pair) => pair.join(" → ")).join("; "),
  ]);
}
