/** What the scatterplot says in words: a title that is a sentence, and notes on what is not shown. */
import { changeKind, formatChange, formatDifference, formatValue, plural, shorten } from "@/format";
import { NUMBER, type Metric, type ModelTable } from "@/state/table";

export interface Title {
  readonly text: string;
  /** The models the sentence is about. */
  readonly models: readonly number[];
}

/** A loss of quality that many would take: 2 points of a fraction, or 2% of another number's value. */
function isSmallLoss(metric: Metric, value: number, best: number): boolean {
  const loss = Math.abs(value - best);
  return changeKind(metric) === "points" ? loss <= 0.02 : loss <= 0.02 * Math.abs(best);
}

/** The cost metric of a pair: lower is better and zero means nothing. Null unless exactly one of them is a quality. */
function costAndQuality(x: Metric, y: Metric): { cost: Metric; quality: Metric } | null {
  if (x.higher_is_better === false && y.higher_is_better === true) return { cost: x, quality: y };
  if (y.higher_is_better === false && x.higher_is_better === true) return { cost: y, quality: x };
  return null;
}

/** The best news of a frontier: how far the cost falls before quality falls much. */
function bargain(table: ModelTable, x: Metric, y: Metric, frontier: readonly number[]): Title | null {
  const pair = costAndQuality(x, y);
  if (!pair || frontier.length < 2) return null;
  const { cost, quality } = pair;
  const costs = table.values.get(cost.name)!;
  const qualities = table.values.get(quality.name)!;
  const best = frontier.reduce((a, b) => (qualities[b]! > qualities[a]! ? b : a));
  const cheap = frontier
    .filter((i) => isSmallLoss(quality, qualities[i]!, qualities[best]!))
    .reduce((a, b) => (costs[b]! < costs[a]! ? b : a), best);
  if (cheap === best || !(costs[best]! > 0) || costs[cheap]! > 0.95 * costs[best]!) return null;
  const saved = formatChange(cost, costs[cheap]!, costs[best]!);
  const lost = formatDifference(quality, qualities[cheap]! - qualities[best]!);
  return { text: `${saved} ${cost.name} for ${lost} ${quality.name}`, models: [cheap] };
}

/** One sentence about the data on show. */
export function makeTitle(table: ModelTable, x: Metric, y: Metric, frontier: readonly number[] | null): Title {
  if (frontier && frontier.length > 0) {
    const found = bargain(table, x, y, frontier);
    if (found) return found;
    if (frontier.length === 1) {
      return { text: `${shorten(table.ids[frontier[0]!]!, 28)} is best in both`, models: frontier };
    }
    return { text: `${plural(frontier.length, "model")} of ${table.count} are on the frontier`, models: frontier };
  }
  return { text: `${y.name} against ${x.name}`, models: [] };
}

/** Sentences on models without a point: `3 models have no Latency`. */
export function missingNotes(table: ModelTable, axes: readonly { metric: Metric; log: boolean }[]): string[] {
  const notes: string[] = [];
  const told = new Set<string>();
  for (const { metric, log } of axes) {
    if (told.has(metric.name)) continue;
    told.add(metric.name);
    const values = table.values.get(metric.name)!;
    const status = table.status.get(metric.name)!;
    let missing = 0;
    let notPositive = 0;
    for (let i = 0; i < table.count; i++) {
      if (status[i] !== NUMBER) missing++;
      else if (log && !(values[i]! > 0)) notPositive++;
    }
    if (missing > 0) notes.push(`${plural(missing, "model")} ${missing === 1 ? "has" : "have"} no ${metric.name}`);
    if (notPositive > 0) {
      const which = `${plural(notPositive, "model")} ${notPositive === 1 ? "has" : "have"}`;
      notes.push(`${which} ${metric.name} ≤ ${formatValue(metric, 0)}, which a log axis cannot show`);
    }
  }
  return notes;
}

/**
 * The first of two metrics that does not say which direction is better, so that there is no frontier; null if both do.
 */
export function undirected(x: Metric, y: Metric): Metric | null {
  return [x, y].find((metric) => metric.higher_is_better === null) ?? null;
}
