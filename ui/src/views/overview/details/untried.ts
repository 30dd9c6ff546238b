/**
 * What was not tried yet: the empty cells of the grids of steps and models, and what was seen where the same step was
 * applied to models that are made alike.
 */
import type { Json } from "@/api/json";
import { extent } from "@/state/encodings";
import type { Metric, ModelTable } from "@/state/table";
import { parameterText } from "@/state/filters";

/** What a step did to a metric where it was applied, told for another model: the mean, and from least to most. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** How many pairs of models it is from. */
  readonly pairs: number;
}

export interface Untried {
  /** Row of the model that the step was not applied to. */
  readonly model: number;
  readonly operation: string;
  readonly parameters: Readonly<Record<string, Json>>;
  /** In the order of the metrics; null where nothing is known. */
  readonly estimates: readonly (Estimate | null)[];
}

/** Steps of a grid: more than these are no grid but a sweep. */
const MOST_STEPS = 12;
/** What is shipped is written to a file by a command of its own, not applied as a step. */
const SHIP = "ship";
/** Values are alike that are no further apart than this share of what the metric spans in the project. */
const NEAR = 0.05;

/**
 * The cells whose row and column both have a model, and that have none themselves.
 *
 * Columns are models that were made alike: of one parent, by one operation. Rows are the steps that were applied to any
 * of them. What is estimated of a cell is from the pairs of its row.
 */
export function untried(table: ModelTable, metrics: readonly Metric[]): Untried[] {
  return gridsOf(table).flatMap(({ models, steps }) =>
    steps.size > MOST_STEPS ? [] : [...steps.values()].flatMap((made) => emptyCells(table, metrics, models, made)),
  );
}

interface Grid {
  readonly models: readonly number[];
  /** Step → the models that it made of these. */
  readonly steps: ReadonlyMap<string, readonly number[]>;
}

function gridsOf(table: ModelTable): Grid[] {
  const alike = new Map<string, number[]>();
  for (let i = 0; i < table.count; i++) {
    if (table.base[i]! < 0) continue;
    const key = `${table.base[i]}\0${table.operation[i]}`;
    alike.set(key, [...(alike.get(key) ?? []), i]);
  }
  return [...alike.values()].map((models) => {
    const steps = new Map<string, number[]>();
    for (const child of models.flatMap((model) => table.children[model]!)) {
      const operation = table.operation[child];
      if (operation == null || operation === SHIP || table.references[child]!.length > 0) continue;
      const key = stepOf(table, child);
      steps.set(key, [...(steps.get(key) ?? []), child]);
    }
    return { models, steps };
  });
}

const stepOf = (table: ModelTable, model: number): string =>
  JSON.stringify([table.operation[model], Object.entries(table.parameters[model]!).sort()]);

function emptyCells(
  table: ModelTable,
  metrics: readonly Metric[],
  models: readonly number[],
  made: readonly number[],
): Untried[] {
  const tried = new Set(made.map((child) => table.base[child]!));
  const [first] = made as [number];
  return models
    .filter((model) => !tried.has(model))
    .map((model) => ({
      model,
      operation: table.operation[first]!,
      parameters: table.parameters[first]!,
      estimates: metrics.map((metric) => estimate(table, metric, model, made)),
    }));
}

/**
 * Sizes change by a ratio. All else changes by a difference, as effects do, but only as much as where the step began
 * from a like value: what repairs a broken model does little for a good one.
 */
function estimate(table: ModelTable, metric: Metric, model: number, made: readonly number[]): Estimate | null {
  const values = table.values.get(metric.name)!;
  const isRatio = metric.unit === "B";
  const from = values[model]!;
  const [low, high] = extent(values) ?? [0, 0];
  const near = NEAR * (high - low);
  const changes = made
    .map((child) => ({ before: values[table.base[child]!]!, after: values[child]! }))
    .filter(({ before, after }) => Number.isFinite(before - after) && (!isRatio || (before > 0 && after > 0)))
    .filter(({ before }) => isRatio || Math.abs(before - from) <= near)
    .map(({ before, after }) => (isRatio ? Math.log(after / before) : after - before));
  if (changes.length === 0 || !Number.isFinite(from)) return null;
  const told = (change: number): number => {
    const value = isRatio ? from * Math.exp(change) : from + change;
    return Math.min(metric.max ?? Infinity, Math.max(metric.min ?? -Infinity, value));
  };
  const mean = changes.reduce((sum, change) => sum + change, 0) / changes.length;
  return {
    value: told(mean),
    low: told(Math.min(...changes)),
    high: told(Math.max(...changes)),
    pairs: changes.length,
  };
}

/** The most promising first: by the first metric that has a direction; what is not estimated comes last. */
export function promising(cells: readonly Untried[], metrics: readonly Metric[]): Untried[] {
  const by = metrics.findIndex((metric) => metric.higher_is_better !== null);
  const sign = metrics[by]?.higher_is_better === false ? 1 : -1;
  const rank = (cell: Untried): number => {
    const value = cell.estimates[by]?.value;
    return value === undefined ? Infinity : sign * value;
  };
  return [...cells].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) < rank(b) ? -1 : 1));
}

/** The step in words: `quantize bits 4`. */
export function stepWords({ operation, parameters }: Untried): string {
  const said = Object.entries(parameters).map(
    ([name, value]) => `${name.replaceAll("_", " ")} ${parameterText(value)}`,
  );
  return [operation, said.join(", ")].filter(Boolean).join(" ");
}

/** The page Experiments with this step filled in, as part of an address. */
export function draftOf({ operation, parameters }: Untried): Record<string, string[]> {
  const typed = Object.entries(parameters).filter(([, value]) => value !== null && typeof value !== "object");
  return {
    operation: [operation],
    set: typed.map(([name, value]) => JSON.stringify([name, typeof value === "boolean" ? value : String(value)])),
  };
}
