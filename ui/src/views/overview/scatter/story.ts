/** What the scatterplot says in words: a title that is a sentence, and notes on what is not shown. */
import { changeKind, formatChange, formatDifference, formatValue, orderOf, plural, type Reading } from "@/format";
import { NUMBER, type Metric, type ModelTable } from "@/state/table";

interface Axes {
  readonly x: Metric;
  readonly y: Metric;
}

export interface Title {
  readonly text: string;
  /** The models the sentence is about. */
  readonly models: readonly number[];
}

/** What is known beyond the values. */
export interface Known {
  /** Until the errors have come, null: then nothing is said that could be a tie. */
  readonly errorOf?: ((model: number, metric: string) => number | null) | null;
  /** What a model is called; by its id where this is left out. */
  readonly nameOf?: (model: number) => string;
}

/** A loss of quality that many would take: 2 points of a fraction, or 2% of another number's value. */
function isSmallLoss(metric: Metric, value: number, than: number): boolean {
  const loss = metric.higher_is_better ? than - value : value - than;
  return changeKind(metric) === "points" ? loss <= 0.02 : loss <= 0.02 * Math.abs(than);
}

/** The cost metric of a pair: lower is better and zero means nothing. Null unless exactly one of them is a quality. */
function costAndQuality(x: Metric, y: Metric): { cost: Metric; quality: Metric } | null {
  if (x.higher_is_better === false && y.higher_is_better === true) return { cost: x, quality: y };
  if (y.higher_is_better === false && x.higher_is_better === true) return { cost: y, quality: x };
  return null;
}

/** The root that a model was made from, if both metrics are known of it. */
function rootOf(table: ModelTable, model: number, values: readonly Float64Array[]): number | null {
  let root = model;
  while (table.base[root]! >= 0) root = table.base[root]!;
  return root !== model && values.every((column) => Number.isFinite(column[root])) ? root : null;
}

/** The best news of a frontier: how far the cost falls, against the uncompressed model, before quality falls much. */
function bargain(
  table: ModelTable,
  { x, y }: Axes,
  frontier: readonly number[],
  { errorOf = () => null, nameOf = (row) => table.ids[row]! }: Known,
): Title | null {
  const pair = costAndQuality(x, y);
  if (!pair || errorOf === null) return null;
  const { cost, quality } = pair;
  const [costs, qualities] = [table.values.get(cost.name)!, table.values.get(quality.name)!];
  const found = frontier.flatMap((model) => {
    const root = rootOf(table, model, [costs, qualities]);
    const fits = root !== null && isSmallLoss(quality, qualities[model]!, qualities[root]!);
    return fits && costs[model]! < 0.95 * costs[root]! ? [{ model, root, left: costs[model]! / costs[root]! }] : [];
  });
  const best = found.reduce<(typeof found)[number] | null>((a, b) => (a && a.left <= b.left ? a : b), null);
  if (!best) return null;
  const { model, root } = best;
  const reading = (i: number): Reading => ({ value: qualities[i]!, error: errorOf(i, quality.name) });
  const saved = formatChange(cost, costs[model]!, costs[root]!);
  const lost = formatDifference(quality, qualities[model]! - qualities[root]!);
  const isTie = orderOf(quality, reading(model), reading(root)) === "tie";
  const told = isTie ? `${quality.name} tied (${lost})` : `${lost} ${quality.name}`;
  const text = `${nameOf(model)}: ${saved} ${cost.name}, ${told} vs ${nameOf(root)}`;
  return { text, models: [model] };
}

/** One sentence about the data on show. */
export function makeTitle(table: ModelTable, axes: Axes, frontier: readonly number[] | null, known: Known = {}): Title {
  const { x, y } = axes;
  if (frontier && frontier.length > 0) {
    const found = bargain(table, axes, frontier, known);
    if (found) return found;
    if (frontier.length === 1) {
      const name = known.nameOf?.(frontier[0]!) ?? table.ids[frontier[0]!]!;
      return { text: `No model beats ${name} in either`, models: frontier };
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
