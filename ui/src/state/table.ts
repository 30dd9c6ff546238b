/** Every model of a project, column by column: what all views of the overview read. A model is its row number. */
import type { Schemas } from "@/api/types";
import type { Json } from "@/api/json";
import { replicatesOf, type Replicates } from "./alike";

/** A metric's definition, as the project declares it: unit, d3 format, direction (null: unknown), range. */
export type Metric = Schemas["MetricAnswer"];

/** Why a number is or is not there. */
export const NUMBER = 0;
export const MISSING = 1;
export const NAN = 2;
export const POSITIVE_INFINITY = 3;
export const NEGATIVE_INFINITY = 4;

export interface Reference {
  role: string;
  model: number;
}

export interface ModelTable {
  revision: number;
  count: number;
  ids: string[];
  indexOf: Map<string, number>;
  /** Row of the base model, -1 for a root. */
  base: Int32Array;
  operation: (string | null)[];
  parameters: Record<string, Json>[];
  /** Depth: 0 for a root. */
  step: Int32Array;
  tags: string[][];
  references: Reference[][];
  /** Rows of the models made directly from this one, ascending. */
  children: number[][];
  roots: number[];
  /** Models made alike, which stand as one on the map and the scatterplot. */
  replicates: Replicates;
  metrics: Metric[];
  /** NaN where there is no finite number; `status` says why. Infinities are NaN here, too. */
  values: Map<string, Float64Array>;
  status: Map<string, Uint8Array>;
}

/** The columns that a table is built from, before anything is derived. */
export interface ModelColumns {
  revision: number;
  ids: string[];
  bases: (string | null)[];
  operation: (string | null)[];
  parameters: Record<string, Json>[];
  tags: string[][];
  references: { role: string; model: string }[][];
  /** Which of several models made alike each is; null, or none of it, where that is not said. */
  replicate?: (string | null)[];
  metrics: Metric[];
  /** One list per metric: a number (NaN and infinities as they are), or null where it is missing. */
  values: ArrayLike<number | null>[];
}

/** Build the table: rows for ids, children, depths, and a status for every number. */
export function buildTable(columns: ModelColumns): ModelTable {
  const count = columns.ids.length;
  const indexOf = new Map(columns.ids.map((id, index) => [id, index]));
  const base = Int32Array.from(columns.bases, (id) => (id === null ? -1 : (indexOf.get(id) ?? -1)));
  const children: number[][] = Array.from({ length: count }, () => []);
  const roots: number[] = [];
  for (let i = 0; i < count; i++) (base[i]! < 0 ? roots : children[base[i]!]!).push(i);
  const values = new Map<string, Float64Array>();
  const status = new Map<string, Uint8Array>();
  columns.metrics.forEach((metric, k) => {
    const [numbers, reasons] = classify(columns.values[k] ?? [], count);
    values.set(metric.name, numbers);
    status.set(metric.name, reasons);
  });
  return {
    revision: columns.revision,
    count,
    ids: columns.ids,
    indexOf,
    base,
    operation: columns.operation,
    parameters: columns.parameters,
    step: depths(roots, children),
    tags: columns.tags,
    references: columns.references.map((list) =>
      list.flatMap(({ role, model }) => (indexOf.has(model) ? [{ role, model: indexOf.get(model)! }] : [])),
    ),
    children,
    roots,
    replicates: replicatesOf({ ...columns, base }),
    metrics: columns.metrics,
    values,
    status,
  };
}

function classify(column: ArrayLike<number | null>, count: number): [Float64Array, Uint8Array] {
  const numbers = new Float64Array(count).fill(NaN);
  const reasons = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const value = column[i] ?? null;
    if (value === null) reasons[i] = MISSING;
    else if (Number.isNaN(value)) reasons[i] = NAN;
    else if (value === Infinity) reasons[i] = POSITIVE_INFINITY;
    else if (value === -Infinity) reasons[i] = NEGATIVE_INFINITY;
    else numbers[i] = value;
  }
  return [numbers, reasons];
}

function depths(roots: number[], children: number[][]): Int32Array {
  const step = new Int32Array(children.length);
  const queue = [...roots];
  for (let head = 0; head < queue.length; head++) {
    const parent = queue[head]!;
    for (const child of children[parent]!) {
      step[child] = step[parent]! + 1;
      queue.push(child);
    }
  }
  return step;
}

/** What to say where there is no number: "" for a number. */
export function whyNoNumber(status: number | undefined): string {
  return ["", "missing", "NaN", "+∞", "−∞"][status ?? MISSING] ?? "";
}
