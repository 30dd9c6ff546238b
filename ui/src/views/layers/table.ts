/** The answer of the server as a tree of rows, with a cell for each model. */
import type { LayerColumn, LayerColumns, LayerValue, Mode } from "@/api/layers";

export interface LayerRow {
  readonly module: string;
  /** Null for a module, which holds tensors or other modules. */
  readonly parameter: string | null;
  /** What it is called in its module. */
  readonly name: string;
  /** Row of the module that it is in; -1 for the whole model. */
  readonly parent: number;
  readonly depth: number;
  readonly children: readonly number[];
  /** Of the base where it is listed, else the most of any model. */
  readonly numParameters: number;
}

/** Rows are in the order of execution, each module before what is in it. */
export interface LayerTable {
  readonly what: Mode;
  readonly models: readonly string[];
  readonly rows: readonly LayerRow[];
  /** Row of a key. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** Modules that hold tensors themselves, or nothing. */
  readonly layers: readonly number[];
  /** Depth of the deepest module. */
  readonly deepest: number;
  /** What a column says about a row of a model; null where the model has no such row. */
  value(row: number, model: number, column: LayerColumn): LayerValue;
  /** Whether the model has such a row at all, if only to say that it lacks the tensor. */
  has(row: number, model: number): boolean;
}

export const WHOLE = "All layers";

/** What identifies a row: no name of a module or tensor holds a NUL. */
export function keyOf(module: string, parameter: string | null): string {
  return parameter === null ? module : `${module}\0${parameter}`;
}

/** The whole name, as checkpoints write it. */
export function pathOf(row: Pick<LayerRow, "module" | "parameter">): string {
  if (row.parameter === null) return row.module || WHOLE;
  return row.module ? `${row.module}.${row.parameter}` : row.parameter;
}

interface Draft {
  module: string;
  parameter: string | null;
  name: string;
  parent: number;
  depth: number;
  children: number[];
  numParameters: number;
}

export function buildLayers(answer: LayerColumns, base: string): LayerTable {
  const { models, columns } = answer;
  const texts = (name: LayerColumn): ArrayLike<string | null> => (columns.get(name) ?? []) as ArrayLike<string | null>;
  const [modules, parameters, ids] = [texts("module"), texts("parameter"), texts("model")];
  const counts = (columns.get("num_parameters") ?? []) as ArrayLike<number>;
  const place = new Map(models.map((id, k) => [id, k]));
  const rows: Draft[] = [];
  const indexOf = new Map<string, number>();
  const places: Int32Array[] = [];
  for (let i = 0; i < answer.count; i++) {
    const key = keyOf(modules[i]!, parameters[i]!);
    let row = indexOf.get(key);
    if (row === undefined) {
      row = rows.length;
      indexOf.set(key, row);
      rows.push(draft(modules[i]!, parameters[i]!, row, { rows, indexOf }));
      places.push(new Int32Array(models.length).fill(-1));
    }
    places[row]![place.get(ids[i]!)!] = i;
    const one = rows[row]!;
    one.numParameters = ids[i] === base && counts[i] ? counts[i]! : Math.max(one.numParameters, counts[i] ?? 0);
  }
  return {
    what: answer.what,
    models,
    rows,
    indexOf,
    layers: layersOf(rows),
    deepest: rows.reduce((most, row) => (row.parameter === null ? Math.max(most, row.depth) : most), 0),
    value: (row, model, column) => {
      const at = places[row]?.[model] ?? -1;
      return at < 0 ? null : (columns.get(column)?.[at] ?? null);
    },
    has: (row, model) => (places[row]?.[model] ?? -1) >= 0,
  };
}

/** A new row, told to its parent. */
function draft(
  module: string,
  parameter: string | null,
  at: number,
  { rows, indexOf }: { rows: Draft[]; indexOf: Map<string, number> },
): Draft {
  const inside = parameter === null ? module.slice(0, Math.max(0, module.lastIndexOf("."))) : module;
  const parent = at === 0 ? -1 : (indexOf.get(inside) ?? 0);
  if (parent >= 0) rows[parent]!.children.push(at);
  const depth = parent < 0 ? 0 : rows[parent]!.depth + 1;
  const name = parameter ?? (module.slice(module.lastIndexOf(".") + 1) || WHOLE);
  return { module, parameter, name, parent, depth, children: [], numParameters: 0 };
}

function layersOf(rows: readonly Draft[]): number[] {
  const holds = (row: Draft): boolean =>
    row.children.length === 0 || row.children.some((child) => rows[child]!.parameter !== null);
  return rows.flatMap((row, i) => (row.parameter === null && holds(row) ? [i] : []));
}

/** A number of a cell: null where it is missing, NaN and infinities as they are. */
export function numberAt(table: LayerTable, row: number, model: number, column: LayerColumn): number | null {
  const value = table.value(row, model, column);
  return typeof value === "number" ? value : null;
}

/** A list of a cell. */
export function listAt(table: LayerTable, row: number, model: number, column: LayerColumn): ArrayLike<number> | null {
  const value = table.value(row, model, column);
  return value !== null && typeof value === "object" ? value : null;
}

/** A text of a cell. */
export function textAt(table: LayerTable, row: number, model: number, column: LayerColumn): string | null {
  const value = table.value(row, model, column);
  return typeof value === "string" ? value : null;
}
