/**
 * The view's state as the part of the address after `#`: readable, and in ids, so that a pasted link means the same.
 */
import { COMPARING_KEYS, DEFAULT_COMPARING, readComparing, writeComparing, type Comparing } from "./comparing";
import { NO_FILTERS, type Filters } from "./filters";

/** Columns by operation or by step, or models with the same operations as one. */
export type Arrangement = "operation" | "step" | "path";
export type Four = readonly [number, number, number, number];
export type DetailsTab = "selection" | "filters" | "effects" | "untried" | "history";

/** Everything a person can change that a link restores. Null metrics: the default; "" : none. */
export interface ViewState {
  page: string;
  selection: string[];
  color: string | null;
  /** Where the colors end on the worse side; null: at the worst model. */
  clamp: number | null;
  size: string | null;
  x: string | null;
  y: string | null;
  /** Whether an axis is logarithmic; null: as its values suggest. */
  logX: boolean | null;
  logY: boolean | null;
  /** Null: as the number of models suggests. */
  arrangement: Arrangement | null;
  collapsed: string[];
  /** Whether the map and the scatterplot name models by their ids, not by how they were made. */
  byId: boolean;
  /** What part of the map is in view: pixels per column and per row, column and row in the middle. Null: all. */
  zoom: Four | null;
  /** What part of the scatterplot: from and to along x, from and to along y, in the metrics' units. Null: all. */
  within: Four | null;
  filters: Filters;
  tab: DetailsTab;
  comparing: Comparing;
  /** What other pages than the overview keep, under names of their own; read and written by them. */
  own: Readonly<Record<string, readonly string[]>>;
}

export const DEFAULT_VIEW: ViewState = {
  page: "overview",
  selection: [],
  color: null,
  clamp: null,
  size: null,
  x: null,
  y: null,
  logX: null,
  logY: null,
  arrangement: null,
  collapsed: [],
  byId: false,
  zoom: null,
  within: null,
  filters: NO_FILTERS,
  tab: "selection",
  comparing: DEFAULT_COMPARING,
  own: {},
};

const ARRANGEMENTS = ["operation", "step", "path"] as const;
const TABS = ["filters", "effects", "untried", "history"] as const;

/** What is read below; every other name is some page's own. */
const READ = new Set([
  "color",
  "clamp",
  "size",
  "x",
  "y",
  "logx",
  "logy",
  "by",
  "names",
  "tab",
  "keep",
  "op",
  "par",
  "tag",
  "only",
  "q",
  "where",
  "fold",
  "sel",
  "zoom",
  "within",
  ...COMPARING_KEYS,
]);

/** `#/overview?color=…&sel=…`; what equals the default is left out. */
export function formatHash(view: ViewState): string {
  const query = new URLSearchParams();
  for (const key of ["color", "size", "x", "y"] as const) if (view[key] !== null) query.set(key, view[key]);
  if (view.clamp !== null) query.set("clamp", short(view.clamp));
  if (view.logX !== null) query.set("logx", view.logX ? "1" : "0");
  if (view.logY !== null) query.set("logy", view.logY ? "1" : "0");
  if (view.arrangement !== null) query.set("by", view.arrangement);
  if (view.byId) query.set("names", "ids");
  if (view.tab !== DEFAULT_VIEW.tab) query.set("tab", view.tab);
  for (const key of ["zoom", "within"] as const) if (view[key]) query.set(key, view[key].map(short).join("~"));
  writeComparing(query, view.comparing);
  writeFilters(query, view.filters);
  for (const id of view.collapsed) query.append("fold", id);
  for (const id of view.selection) query.append("sel", id);
  for (const [name, texts] of Object.entries(view.own)) for (const text of texts) query.append(name, text);
  const text = query.toString();
  return `#/${encodeURIComponent(view.page)}${text ? `?${text}` : ""}`;
}

/** The inverse of `formatHash`; whatever cannot be understood is the default. */
export function parseHash(hash: string): ViewState {
  const [path = "", text = ""] = splitOnce(hash.replace(/^#\/?/, ""), "?");
  const query = new URLSearchParams(text);
  const tab = query.get("tab");
  return {
    page: decode(path) || DEFAULT_VIEW.page,
    selection: [...new Set(query.getAll("sel"))],
    color: query.get("color"),
    clamp: readNumber(query.get("clamp")),
    size: query.get("size"),
    x: query.get("x"),
    y: query.get("y"),
    logX: readChoice(query.get("logx")),
    logY: readChoice(query.get("logy")),
    arrangement: ARRANGEMENTS.find((known) => known === query.get("by")) ?? null,
    collapsed: [...new Set(query.getAll("fold"))],
    byId: query.get("names") === "ids",
    zoom: readFour(query.get("zoom")),
    within: readFour(query.get("within")),
    comparing: readComparing(query),
    filters: readFilters(query),
    tab: TABS.find((known) => known === tab) ?? "selection",
    own: readOwn(query),
  };
}

/** `after`, with the parts that are as before being the very same: what depends on those is left alone. */
export function keepEqual(before: ViewState, after: ViewState): ViewState {
  const parts = Object.entries(after) as [keyof ViewState, unknown][];
  const kept = parts.map(([key, part]) => [key, written(part) === written(before[key]) ? before[key] : part] as const);
  return Object.fromEntries(kept) as unknown as ViewState;
}

/** JSON that tells infinities and NaN apart. */
const written = (part: unknown): string =>
  JSON.stringify(part, (_, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? `${value}` : value,
  );

/** Six digits, which is less than a pixel of a screen. */
const short = (value: number): string => String(Number(value.toPrecision(6)));

const readChoice = (text: string | null): boolean | null => (text === "1" ? true : text === "0" ? false : null);

function readNumber(text: string | null): number | null {
  const number = text ? Number(text) : NaN;
  return Number.isFinite(number) ? number : null;
}

function readFour(text: string | null): Four | null {
  const numbers = (text ?? "").split("~").map((part) => (part === "" ? NaN : Number(part)));
  const [a, b, c, d] = numbers;
  return numbers.length === 4 && numbers.every(Number.isFinite) ? [a!, b!, c!, d!] : null;
}

function readOwn(query: URLSearchParams): Record<string, string[]> {
  const names = [...new Set(query.keys())].filter((name) => !READ.has(name));
  return Object.fromEntries(names.map((name) => [name, query.getAll(name)]));
}

function writeFilters(query: URLSearchParams, filters: Filters): void {
  for (const [name, [low, high]] of Object.entries(filters.metrics)) query.append("keep", `${low}~${high}~${name}`);
  for (const name of filters.operations) query.append("op", name);
  for (const [key, texts] of Object.entries(filters.parameters)) query.append("par", JSON.stringify([key, ...texts]));
  for (const tag of filters.tags) query.append("tag", tag);
  if (filters.ids) query.append("only", JSON.stringify(filters.ids));
  if (filters.search) query.set("q", filters.search);
  if (filters.where) query.set("where", filters.where);
}

function readFilters(query: URLSearchParams): Filters {
  const metrics: Filters["metrics"] = {};
  for (const text of query.getAll("keep")) {
    const [low, rest] = splitOnce(text, "~");
    const [high, name] = splitOnce(rest ?? "", "~");
    const range: [number, number] = [Number(low), Number(high)];
    if (name && low && high && !range.some(Number.isNaN)) metrics[name] = range;
  }
  const parameters: Filters["parameters"] = {};
  for (const text of query.getAll("par")) {
    const [key, ...texts] = strings(text) ?? [];
    if (key) parameters[key] = texts;
  }
  return {
    metrics,
    operations: query.getAll("op"),
    parameters,
    tags: query.getAll("tag"),
    ids: strings(query.get("only") ?? "null"),
    search: query.get("q") ?? "",
    where: query.get("where") ?? "",
  };
}

function strings(text: string): string[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : null;
  } catch {
    return null;
  }
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
