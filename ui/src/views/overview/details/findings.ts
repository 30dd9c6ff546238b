/** What a chart shows, in a few words, where it can be said: the title of a comparison of one metric. */
import { summarize, type BarLayout, type Variable, type VariableValue } from "@/charts/bars";
import { valuePhrase, valueWord } from "@/charts/words";
import { formatChange, isFraction, listWords, type MetricLike } from "@/format";

interface Means {
  /** Mean by x and color; null where there is none. Facets are averaged only where there is a single one. */
  at(x: number, color: number): number | null;
  /** Its standard error; 0 where none is known. */
  errorAt(x: number, color: number): number;
  /** Whether all models of an x or of a color are roots, which nothing was done to. */
  areRoots(of: "x" | "color", index: number): boolean;
}

type Reading = (id: string) => number | null;

/** What is known about the models of a chart; without standard errors, values count as exact. */
export interface Facts {
  readonly value: Reading;
  readonly error?: Reading;
  readonly isRoot?: (id: string) => boolean;
}

function meansOf(layout: BarLayout, { value, error = () => null, isRoot = () => false }: Facts): Means {
  const means = new Map<string, number | null>();
  const errors = new Map<string, number>();
  for (const cell of layout.cells.filter(({ facet }) => facet === 0)) {
    const place = `${cell.x}/${cell.color}`;
    means.set(place, summarize(cell.ids.map(value)).mean);
    errors.set(place, Math.hypot(...cell.ids.map((id) => error(id) ?? 0)) / cell.ids.length);
  }
  return {
    at: (x, color) => means.get(`${x}/${color}`) ?? null,
    errorAt: (x, color) => errors.get(`${x}/${color}`) ?? 0,
    areRoots: (of, index) => layout.cells.filter((cell) => cell[of] === index).every(({ ids }) => ids.every(isRoot)),
  };
}

/** Half the width of a 95% interval of a normal difference, in standard errors. */
const CLEAR = 1.96;

/** Differences below this are not worth a title: a tenth of a point of a fraction, or 0.5% of the largest value. */
function isNothing(metric: MetricLike, difference: number, largest: number): boolean {
  return isFraction(metric) ? Math.abs(difference) < 0.001 : Math.abs(difference) < 0.005 * Math.abs(largest);
}

/** Whether a difference is more than nothing and beyond its 95% interval. */
function isClear(metric: MetricLike, difference: number, largest: number, errors: readonly number[]): boolean {
  return !isNothing(metric, difference, largest) && Math.abs(difference) > CLEAR * Math.hypot(...errors);
}

/** The sentence about a winner: `train is best`, `best with train 2`, `the uncompressed model is best`. */
function bestWords(variable: Variable, value: VariableValue, areRoots: boolean): string {
  if (value === null && areRoots) return "the uncompressed model is best";
  const phrase = valuePhrase(variable, value);
  return value === null || variable.kind === "presence" ? `best ${phrase}` : `${phrase} is best`;
}

/** With a color of two values: where along x the second differs most from the first. */
function pairFinding(metric: MetricLike, layout: BarLayout, means: Means, x: Variable, color: Variable): string | null {
  const gaps = layout.xs.flatMap((_, i) => {
    const [without, withIt] = [means.at(i, 0), means.at(i, 1)];
    return without === null || withIt === null ? [] : [{ i, without, withIt, size: Math.abs(withIt - without) }];
  });
  if (gaps.length < 2) return null;
  const sorted = [...gaps].sort((a, b) => b.size - a.size);
  const [first, second, last] = [sorted[0]!, sorted[1]!, sorted[sorted.length - 1]!];
  const name = color.kind === "presence" ? color.name : valueWord(color, layout.colors[1]!);
  const largest = Math.max(...gaps.map((gap) => Math.max(Math.abs(gap.without), Math.abs(gap.withIt))));
  if (isNothing(metric, first.size, largest)) return `${name} makes no difference`;
  // "most" must be more than a little more, and not about the same everywhere
  if (first.size < 1.05 * second.size || first.size < 1.5 * last.size) return null;
  if (first.size <= CLEAR * Math.hypot(means.errorAt(first.i, 0), means.errorAt(first.i, 1))) return null;
  const change = formatChange(metric, first.withIt, first.without);
  return `${name} matters most at ${valueWord(x, layout.xs[first.i]!)}: ${change}`;
}

/** With more colors: the one that is best wherever one is, by more than the 95% interval of the difference. */
function bestFinding(metric: MetricLike, layout: BarLayout, means: Means, x: Variable, color: Variable): string | null {
  const spreads = layout.xs.flatMap((_, i) => {
    const known = layout.colors.map((_, c) => means.at(i, c)).filter((mean) => mean !== null);
    return known.length < 2 ? [] : [{ low: Math.min(...known), high: Math.max(...known) }];
  });
  if (spreads.length > 1 && spreads.every(({ low, high }) => isNothing(metric, high - low, high))) {
    return `${color.name} makes no difference`;
  }
  if (metric.higher_is_better === null) return null;
  const sign = metric.higher_is_better ? 1 : -1;
  const contests = layout.xs.flatMap((_, i) => {
    const there = layout.colors.flatMap((_, c) => {
      const mean = means.at(i, c);
      return mean === null ? [] : [{ c, worth: sign * mean, error: means.errorAt(i, c) }];
    });
    const [best, next] = there.sort((a, b) => b.worth - a.worth);
    if (!best || !next) return [];
    const clear = isClear(metric, best.worth - next.worth, best.worth, [best.error, next.error]);
    return [{ i, winner: clear ? best.c : null }];
  });
  const won = contests.filter(({ winner }) => winner !== null);
  const winner = won[0]?.winner ?? null;
  if (winner === null || contests.length < 2 || won.some((other) => other.winner !== winner)) return null;
  const where =
    won.length === contests.length ? "throughout" : `at ${listWords(won.map(({ i }) => valueWord(x, layout.xs[i]!)))}`;
  return `${bestWords(color, layout.colors[winner]!, means.areRoots("color", winner))} ${where}`;
}

/** Without color: from the first to the last of numbers when it only falls or only rises, else the best one. */
function lineFinding(metric: MetricLike, layout: BarLayout, means: Means, x: Variable): string | null {
  const line = layout.xs.flatMap((value, i) => {
    const mean = means.at(i, 0);
    return mean === null ? [] : [{ i, value, mean, error: means.errorAt(i, 0) }];
  });
  if (line.length < 2 || line.length < layout.xs.length) return null;
  const [first, last] = [line[0]!, line[line.length - 1]!];
  const largest = Math.max(...line.map(({ mean }) => Math.abs(mean)));
  const spread = Math.max(...line.map(({ mean }) => mean)) - Math.min(...line.map(({ mean }) => mean));
  if (isNothing(metric, spread, largest)) return "all equal";
  const change = formatChange(metric, last.mean, first.mean);
  const isSure = isClear(metric, last.mean - first.mean, largest, [first.error, last.error]);
  if (line.length === 2 && !isSure) return null;
  if (line.length === 2) return `${change} ${valuePhrase(x, last.value)}`;
  const steps = line.slice(1).map(({ mean }, i) => Math.sign(mean - line[i]!.mean));
  const numeric = line.every(({ value }) => typeof value === "number");
  if (numeric && (steps.every((sign) => sign <= 0) || steps.every((sign) => sign >= 0))) {
    if (!isSure) return null;
    return `${change} from ${valueWord(x, first.value)} to ${valueWord(x, last.value)}`;
  }
  if (metric.higher_is_better === null) return null;
  const sign = metric.higher_is_better ? 1 : -1;
  const [best, next] = [...line].sort((a, b) => sign * (b.mean - a.mean));
  if (!isClear(metric, best!.mean - next!.mean, best!.mean, [best!.error, next!.error])) return null;
  return bestWords(x, best!.value, means.areRoots("x", best!.i));
}

/** The finding of one chart, or null where there is none that is sure to be right. */
export function finding(
  metric: MetricLike,
  layout: BarLayout,
  variables: { readonly x: Variable | undefined; readonly color: Variable | undefined },
  facts: Facts,
): string | null {
  if (!variables.x || layout.facets.length > 1) return null;
  const means = meansOf(layout, facts);
  const { x, color } = variables;
  if (color && layout.colors.length === 2) return pairFinding(metric, layout, means, x, color);
  if (color && layout.colors.length > 2) return bestFinding(metric, layout, means, x, color);
  return lineFinding(metric, layout, means, x);
}
