/** Which models a set of filters keeps. All conditions must hold. */
import type { Json } from "@/api/json";
import type { ModelTable } from "./table";

export interface Filters {
  /** Metric name to an inclusive interval; a model without a number fails it. */
  metrics: Record<string, [number, number]>;
  /** Operations to keep; empty for all. */
  operations: string[];
  /**
   * `operation.parameter` to the values to keep, as text from `parameterText`; other operations' models are not asked.
   */
  parameters: Record<string, string[]>;
  /** Keep models with at least one of these; empty for all. */
  tags: string[];
  /** Keep only these, e.g. those on a frontier; null for all. */
  ids: string[] | null;
  /** Words that must all occur in the id, a tag, the operation or a parameter. */
  search: string;
  /** A condition that the server understands, such as `Size < 300 kB and operation contains prune`; "" for none. */
  where: string;
}

export const NO_FILTERS: Filters = {
  metrics: {},
  operations: [],
  parameters: {},
  tags: [],
  ids: null,
  search: "",
  where: "",
};

/** The text that stands for a parameter's value in filters and labels. */
export function parameterText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** True when the filters keep everything. */
export function isUnfiltered(filters: Filters): boolean {
  return (
    !Object.keys(filters.metrics).length &&
    !filters.operations.length &&
    !Object.keys(filters.parameters).length &&
    !filters.tags.length &&
    filters.ids === null &&
    !filters.search.trim() &&
    !filters.where.trim()
  );
}

/** 1 for every model that passes, 0 for the others; `found` are those that meet the condition, null where unknown. */
export function filterMask(table: ModelTable, filters: Filters, found: ReadonlySet<string> | null = null): Uint8Array {
  const mask = new Uint8Array(table.count).fill(1);
  const keep = (passes: (i: number) => boolean): void => {
    for (let i = 0; i < table.count; i++) if (mask[i] && !passes(i)) mask[i] = 0;
  };
  for (const [name, [low, high]] of Object.entries(filters.metrics)) {
    const values = table.values.get(name);
    if (values) keep((i) => values[i]! >= low && values[i]! <= high);
  }
  const operations = new Set(filters.operations);
  if (operations.size) keep((i) => operations.has(table.operation[i] ?? ""));
  for (const [key, texts] of Object.entries(filters.parameters)) keep(parameterTest(table, key, new Set(texts)));
  const tags = new Set(filters.tags);
  if (tags.size) keep((i) => table.tags[i]!.some((tag) => tags.has(tag)));
  if (filters.ids) {
    const ids = new Set(filters.ids);
    keep((i) => ids.has(table.ids[i]!));
  }
  if (found && filters.where.trim()) keep((i) => found.has(table.ids[i]!));
  const words = filters.search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) keep((i) => words.every((word) => searchText(table, i).includes(word)));
  return mask;
}

function parameterTest(table: ModelTable, key: string, texts: Set<string>): (i: number) => boolean {
  return (i) => {
    const operation = table.operation[i];
    if (operation == null || !key.startsWith(`${operation}.`)) return true;
    const value = table.parameters[i]![key.slice(operation.length + 1)];
    return value === undefined || texts.has(parameterText(value));
  };
}

function searchText(table: ModelTable, i: number): string {
  const parameters = Object.entries(table.parameters[i]!).map(([name, value]) => `${name}=${parameterText(value)}`);
  return [table.ids[i], table.operation[i] ?? "", ...parameters, ...table.tags[i]!].join(" ").toLowerCase();
}
