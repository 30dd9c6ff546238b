/** What a chart shows, in a few words, where it can be said: the title of a comparison of one metric. */
import { summarize, type BarLayout, type Variable, type VariableValue } from "@/charts/bars";
import { valuePhrase, valueWord } from "@/charts/words";
import { formatChange, leaders, listWords, orderOf, type MetricLike, type Reading } from "@/format";

interface Means {
  /** Mean by x and color; null where there is none. Facets are averaged only where there is a single one. */
  at(x: number, color: number): Reading | null;
  /** Whether all models of an x or of a color are roots, which nothing was done to. */
  areRoots(of: "x" | "color", index: number): boolean;
}

type NumberOf = (id: string) => number | null;

/** What is known about the models of a chart; without standard errors, values count as exact. */
export interface Facts {
  readonly value: NumberOf;
  readonly error?: NumberOf;
  readonly isRoot?: (id: string) => boolean;
}

function meansOf(layout: BarLayout, { value, error = () => null, isRoot = () => false }: Facts): Means {
  const means = new Map<string, Reading>();
  for (const cell of layout.cells.filter(({ facet }) => facet === 0)) {
    const { mean } = summarize(cell.ids.map(value));
    const spread = Math.hypot(...cell.ids.map((id) => error(id) ?? 0)) / cell.ids.length;
    if (mean !== null) means.set(`${cell.x}/${cell.color}`, { value: mean, error: spread });
  }
  return {
    at: (x, color) => means.get(`${x}/${color}`) ?? null,
    areRoots: (of, index) => layout.cells.filter((cell) => cell[of] === index).every(({ ids }) => ids.every(isRoot)),
  };
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
    if (!without || !withIt) return [];
    const error = Math.hypot(without.error ?? 0, withIt.error ?? 0);
    const gap = { value: Math.abs(withIt.value - without.value), error };
    return [{ i, without, withIt, gap, isTie: orderOf(metric, withIt, without) === "tie" }];
  });
  if (gaps.length < 2) return null;
  const name = color.kind === "presence" ? color.name : valueWord(color, layout.colors[1]!);
  if (gaps.every(({ isTie }) => isTie)) return `${name}: a tie throughout`;
  const largest = leaders(
    metric,
    gaps.map(({ gap }) => gap),
    true,
  );
  const sizes = gaps.map(({ gap }) => gap.value).sort((a, b) => b - a);
  const first = gaps[largest[0]!]!;
  // "most" must be more than a little more, and not about the same everywhere
  if (largest.length > 1 || first.isTie || sizes[0]! < 1.05 * sizes[1]! || sizes[0]! < 1.5 * sizes.at(-1)!) return null;
  const change = formatChange(metric, first.withIt.value, first.without.value);
  return `${name} matters most at ${valueWord(x, layout.xs[first.i]!)}: ${change}`;
}

/** With more colors: the one that is best wherever one is, by more than the 95% interval of the difference. */
function bestFinding(metric: MetricLike, layout: BarLayout, means: Means, x: Variable, color: Variable): string | null {
  const contests = layout.xs.flatMap((_, i) => {
    const there = layout.colors.map((_, c) => means.at(i, c));
    const known = there.filter((mean) => mean !== null).length;
    const best = leaders(metric, there, metric.higher_is_better ?? true);
    return known < 2 ? [] : [{ i, best, isTie: best.length === known }];
  });
  if (contests.length > 1 && contests.every(({ isTie }) => isTie)) return `${color.name}: a tie throughout`;
  if (metric.higher_is_better === null) return null;
  const won = contests.filter(({ best }) => best.length === 1);
  const winner = won[0]?.best[0] ?? null;
  if (winner === null || contests.length < 2 || won.some(({ best }) => best[0] !== winner)) return null;
  const where =
    won.length === contests.length ? "throughout" : `at ${listWords(won.map(({ i }) => valueWord(x, layout.xs[i]!)))}`;
  return `${bestWords(color, layout.colors[winner]!, means.areRoots("color", winner))} ${where}`;
}

interface Point {
  readonly i: number;
  readonly value: VariableValue;
  readonly mean: Reading;
}

/** Of two: the change from the first to the second, and whether it is a tie. */
function changeFinding(metric: MetricLike, means: Means, x: Variable, [first, last]: readonly [Point, Point]): string {
  const change = `${formatChange(metric, last.mean.value, first.mean.value)} ${valuePhrase(x, last.value)}`;
  const isRoot = first.value === null && means.areRoots("x", first.i);
  const than = isRoot ? "the uncompressed model" : valuePhrase(x, first.value);
  const what = x.kind === "presence" ? change : `${change} against ${than}`;
  if (first.mean.value === last.mean.value) return "equal";
  return orderOf(metric, last.mean, first.mean) === "tie" ? `a tie: ${what}` : what;
}

/** Without color: from the first to the last of numbers when it only falls or only rises, else the best one. */
function lineFinding(metric: MetricLike, layout: BarLayout, means: Means, x: Variable): string | null {
  const line: Point[] = layout.xs.flatMap((value, i) => {
    const mean = means.at(i, 0);
    return mean === null ? [] : [{ i, value, mean }];
  });
  if (line.length < 2 || line.length < layout.xs.length) return null;
  const [first, last] = [line[0]!, line[line.length - 1]!];
  if (line.length === 2) return changeFinding(metric, means, x, [first, last]);
  const readings = line.map(({ mean }) => mean);
  if (leaders(metric, readings, true).length === line.length) return `all ${line.length} tie`;
  const steps = line.slice(1).map(({ mean }, i) => Math.sign(mean.value - line[i]!.mean.value));
  const numeric = line.every(({ value }) => typeof value === "number");
  if (numeric && (steps.every((sign) => sign <= 0) || steps.every((sign) => sign >= 0))) {
    if (orderOf(metric, last.mean, first.mean) === "tie") return null;
    const change = formatChange(metric, last.mean.value, first.mean.value);
    return `${change} from ${valueWord(x, first.value)} to ${valueWord(x, last.value)}`;
  }
  if (metric.higher_is_better === null) return null;
  const best = leaders(metric, readings, metric.higher_is_better);
  if (best.length > 1)
    return tieWords(
      x,
      best.map((place) => line[place]!.value),
      line.length,
    );
  const winner = line[best[0]!]!;
  return bestWords(x, winner.value, means.areRoots("x", winner.i));
}

/** Those that tie for best, by name while they are few. */
function tieWords(x: Variable, values: readonly VariableValue[], of: number): string {
  if (values.length > 3) return `${values.length} of ${of} tie for best`;
  return `${listWords(values.map((value) => valueWord(x, value)))} tie for best`;
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
