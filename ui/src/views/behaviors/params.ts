/** What the page keeps in the address beside the selection. */
import type { Cell } from "@/api/behaviors";
import type { ViewState } from "@/state/url";

export const FLIPS = ["right_to_wrong", "wrong_to_right", "wrong_to_wrong"] as const;
export type Flip = (typeof FLIPS)[number];
export type Level = "instances" | "classes" | "slices" | "exemplars" | "calibration";

const LEVELS: readonly Level[] = ["instances", "classes", "slices", "exemplars", "calibration"];

/** One reason why an instance is listed; all of them hold. */
export type Filter =
  | { kind: "flip"; model: string; flip: Flip }
  | { kind: "change"; model: string; from: Cell; to: Cell }
  | { kind: "group"; value: Cell }
  | { kind: "cell"; label: Cell; model: string; to: Cell };

export type Brush = readonly [number, number];

export interface Params {
  base: string | null;
  data: string | null;
  /** Null: the one that fits the task. */
  metric: string | null;
  /** Values minus those of the base. */
  relative: boolean;
  level: Level;
  /** At most two columns that make the classes; none: the label. */
  by: readonly string[];
  find: string;
  filters: readonly Filter[];
  brushes: Readonly<Record<string, Brush>>;
  /** Only instances where any model disagrees with the base. */
  changed: boolean;
  /** A column, with "-" before it for descending; null: most changed first. */
  sort: string | null;
  /** Whether groups of two columns are a list, not a matrix. */
  list: boolean;
  /** The same of the table of classes. */
  order: string | null;
  /** The instance whose panel is open. */
  open: string | null;
}

export const DEFAULTS: Params = {
  base: null,
  data: null,
  metric: null,
  relative: false,
  level: "instances",
  by: [],
  list: false,
  find: "",
  filters: [],
  brushes: {},
  changed: false,
  sort: null,
  order: null,
  open: null,
};

type Own = ViewState["own"];

/** The page's own part of the address; other pages' names, which may not be the same ones, are kept. */
export function writeParams(params: Params, before: Own): Own {
  const { base, data, metric, sort, order, open } = params;
  const written: Record<string, readonly string[]> = {
    ...before,
    base: maybe(base),
    data: maybe(data),
    metric: maybe(metric),
    rel: params.relative ? ["1"] : [],
    level: params.level === "instances" ? [] : [params.level],
    per: params.by,
    flat: params.list ? ["1"] : [],
    text: maybe(params.find || null),
    if: params.filters.map((filter) => JSON.stringify(toList(filter))),
    brush: Object.entries(params.brushes).map(([model, [low, high]]) => `${low}~${high}~${model}`),
    changed: params.changed ? ["1"] : [],
    sort: maybe(sort),
    rank: maybe(order),
    id: maybe(open),
  };
  return Object.fromEntries(Object.entries(written).filter(([, texts]) => texts.length > 0));
}

/** The inverse of `writeParams`; what cannot be understood is left out. */
export function readParams(own: Own): Params {
  const one = (name: string): string | null => own[name]?.[0] ?? null;
  return {
    base: one("base"),
    data: one("data"),
    metric: one("metric"),
    relative: one("rel") === "1",
    level: LEVELS.find((level) => level === one("level")) ?? "instances",
    by: (own.per ?? []).slice(0, 2),
    list: one("flat") === "1",
    find: one("text") ?? "",
    filters: (own.if ?? []).flatMap((text) => toFilter(text) ?? []),
    brushes: Object.fromEntries((own.brush ?? []).map(toBrush).filter((found) => found !== null)),
    changed: one("changed") === "1",
    sort: one("sort"),
    order: one("rank"),
    open: one("id"),
  };
}

const maybe = (text: string | null): string[] => (text === null ? [] : [text]);

function toList(filter: Filter): Cell[] {
  switch (filter.kind) {
    case "flip":
      return ["flip", filter.model, filter.flip];
    case "change":
      return ["change", filter.model, filter.from, filter.to];
    case "group":
      return ["group", filter.value];
    case "cell":
      return ["cell", filter.model, filter.label, filter.to];
  }
}

function toFilter(text: string): Filter | null {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(list) || !list.every((item) => item === null || typeof item !== "object")) return null;
  const [kind, first, second = null, third = null] = list as (Cell | undefined)[];
  if (kind === "group" && first !== undefined) return { kind, value: first };
  if (typeof first !== "string") return null;
  const flip = FLIPS.find((name) => name === second);
  if (kind === "flip" && flip) return { kind, model: first, flip };
  if (kind === "change") return { kind, model: first, from: second, to: third };
  return kind === "cell" ? { kind, model: first, label: second, to: third } : null;
}

function toBrush(text: string): [string, Brush] | null {
  const [low = "", high = "", ...rest] = text.split("~");
  const range: Brush = [Number(low), Number(high)];
  const known = low !== "" && high !== "" && rest.length > 0 && !range.some(Number.isNaN);
  return known ? [rest.join("~"), range] : null;
}

export function sameKeys(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, k) => name === other[k]);
}
