/** What the page keeps in the address beside the selection. */
import type { Mode } from "@/api/layers";
import type { Shown } from "@/api/tensors";
import type { ViewState } from "@/state/url";

export const MODES = ["sparsity", "weights", "activations", "storage"] as const satisfies readonly Mode[];
const SHOWN = ["value", "change", "mask"] as const satisfies readonly Shown[];
const ABOVE = ["profile", "matrix"] as const;
export const MOST_EXAMPLES = 100_000;

/** `order`: of execution; `parameters`; or `model:` and an id: the measure of that model. */
export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

export interface Params {
  base: string | null;
  mode: Mode;
  /** How many examples activations are compared on. */
  examples: number;
  measure: string | null;
  sort: Sort | null;
  /** A list of layers, without the modules that they are in. */
  flat: boolean;
  /** Modules above this depth are open; null: as many as are easily seen. */
  depth: number | null;
  /** Modules that are open where their depth would have them closed, or the other way round. */
  open: readonly string[];
  /** The layer in the panel: its module, and its tensor after a NUL. */
  layer: string | null;
  find: string;
  /** Whether `find` is a regular expression. */
  pattern: boolean;
  /** The tensor that is looked into: module, dot, parameter. */
  tensor: string | null;
  /** Of which model; null: the first beside the base. */
  of: string | null;
  show: Shown;
  /** What a cell of several numbers shows. */
  cell: "mean" | "peak";
  /** Tensors that are compared because somebody says so: names in the base and in models. */
  align: readonly (readonly [string, string])[];
  /** The part in view, see `tensor/frame.ts`; null: all. */
  frame: string | null;
  /** Above the tree; null: the matrix where activations of several models are compared, else the profile. */
  above: "profile" | "matrix" | null;
}

export const DEFAULTS: Params = {
  base: null,
  mode: "weights",
  examples: 256,
  measure: null,
  sort: null,
  flat: false,
  depth: null,
  open: [],
  layer: null,
  find: "",
  pattern: false,
  tensor: null,
  of: null,
  show: "value",
  cell: "mean",
  frame: null,
  align: [],
  above: null,
};

type Own = ViewState["own"];

/** The page's own part of the address; other names are kept. */
export function writeParams(params: Params, before: Own): Own {
  const { base, mode, measure, sort, depth, layer, find } = params;
  const maybe = (text: string | null): string[] => (text === null ? [] : [text]);
  const written: Record<string, readonly string[]> = {
    ...before,
    base: maybe(base),
    mode: maybe(mode === DEFAULTS.mode ? null : mode),
    examples: maybe(params.examples === DEFAULTS.examples ? null : String(params.examples)),
    measure: maybe(measure),
    sort: maybe(sort && `${sort.descending ? "-" : "+"}${sort.column}`),
    rows: params.flat ? ["flat"] : [],
    depth: maybe(depth === null ? null : String(depth)),
    open: params.open,
    // a module may be the whole model, whose name is empty
    layer: maybe(layer === null ? null : JSON.stringify(layer.split("\0"))),
    find: maybe(find || null),
    pattern: params.pattern ? ["1"] : [],
    tensor: maybe(params.tensor),
    of: maybe(params.of),
    show: maybe(params.show === DEFAULTS.show ? null : params.show),
    cell: maybe(params.cell === DEFAULTS.cell ? null : params.cell),
    frame: maybe(params.tensor === null ? null : params.frame),
    above: maybe(params.above),
    align: params.align.map((pair) => JSON.stringify(pair)),
  };
  return Object.fromEntries(Object.entries(written).filter(([, texts]) => texts.length > 0));
}

/** The inverse of `writeParams`; what cannot be understood is the default. */
export function readParams(own: Own): Params {
  const one = (name: string): string | null => own[name]?.[0] ?? null;
  const depth = Number(one("depth") ?? NaN);
  const examples = Number(one("examples") ?? NaN);
  return {
    base: one("base"),
    mode: MODES.find((mode) => mode === one("mode")) ?? DEFAULTS.mode,
    examples: Number.isInteger(examples) && examples >= 1 && examples <= MOST_EXAMPLES ? examples : DEFAULTS.examples,
    measure: one("measure"),
    sort: readSort(one("sort") ?? ""),
    flat: one("rows") === "flat",
    depth: Number.isInteger(depth) && depth >= 0 ? depth : null,
    open: [...new Set(own.open ?? [])],
    layer: readLayer(one("layer")),
    find: one("find") ?? "",
    pattern: one("pattern") === "1",
    tensor: one("tensor"),
    of: one("of"),
    show: SHOWN.find((show) => show === one("show")) ?? DEFAULTS.show,
    cell: one("cell") === "peak" ? "peak" : "mean",
    frame: one("frame"),
    above: ABOVE.find((above) => above === one("above")) ?? null,
    align: (own.align ?? []).flatMap((text) => readPair(text)),
  };
}

function readSort(text: string): Sort | null {
  const column = text.slice(1);
  const known = column === "order" || column === "parameters" || column.startsWith("model:");
  return known && /^[+-]/.test(text) ? { column, descending: text.startsWith("-") } : null;
}

function readPair(text: string): [string, string][] {
  const parts = readLayer(text)?.split("\0") ?? [];
  return parts.length === 2 ? [[parts[0]!, parts[1]!]] : [];
}

function readLayer(text: string | null): string | null {
  try {
    const parts: unknown = JSON.parse(text ?? "null");
    return Array.isArray(parts) && parts.every((part) => typeof part === "string") ? parts.join("\0") : null;
  } catch {
    return null;
  }
}
