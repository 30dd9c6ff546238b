/** What a filter means to the server, and in words. */
import type { Cell, Condition } from "@/api/behaviors";
import { formatDifference, formatValue, type MetricLike } from "@/format";
import type { Brush, Filter, Flip, Params } from "./params";

export const FLIP_WORDS: Record<Flip, string> = {
  right_to_wrong: "right → wrong",
  wrong_to_right: "wrong → right",
  wrong_to_wrong: "wrong → other wrong",
};

/** The column that a brush on a model's histogram is about. */
export function valueColumn(metric: string, relative: boolean, model: string): string {
  return `${relative ? "difference" : metric}[${model}]`;
}

/** All conditions of the page for the instances. */
export function conditions(params: Params & { metric: string }, base: string, models: readonly string[]): Condition[] {
  const found = params.filters.filter((filter) => !("model" in filter) || models.includes(filter.model));
  const listed = found.flatMap((filter) => ofFilter(filter, base));
  for (const [model, range] of Object.entries(params.brushes)) {
    if (model !== base && !models.includes(model)) continue;
    if (model === base && params.relative) continue;
    listed.push(...ofBrush(valueColumn(params.metric, params.relative, model), range));
  }
  if (params.changed) listed.push(["changed", "==", true]);
  if (params.find) listed.push(["*", "contains", params.find]);
  return listed;
}

function ofFilter(filter: Filter, base: string): Condition[] {
  switch (filter.kind) {
    case "flip":
      return ofFlip(filter.flip, base, filter.model);
    case "change":
      return [is(`prediction[${base}]`, filter.from), is(`prediction[${filter.model}]`, filter.to)];
    case "group":
      return [is("group", filter.value)];
    case "cell":
      return [is("label", filter.label), is(`prediction[${filter.model}]`, filter.to)];
  }
}

function ofFlip(flip: Flip, base: string, model: string): Condition[] {
  const before: Condition = [`correct[${base}]`, "==", flip === "right_to_wrong" ? 1 : 0];
  const after: Condition = [`correct[${model}]`, "==", flip === "wrong_to_right" ? 1 : 0];
  return flip === "wrong_to_wrong" ? [before, after, [`changed[${model}]`, "==", true]] : [before, after];
}

const is = (column: string, value: Cell): Condition =>
  value === null ? [column, "is null", true] : [column, "==", value];

function ofBrush(column: string, [low, high]: Brush): Condition[] {
  const found: Condition[] = [];
  if (Number.isFinite(low)) found.push([column, ">=", low]);
  if (Number.isFinite(high)) found.push([column, "<=", high]);
  return found;
}

/** A class or a prediction in words. */
export function word(value: Cell): string {
  if (value === null || value === "") return value === null ? "none" : "“”";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A filter in words; models go by what `name` calls them. */
export function filterWords(filter: Filter, by: readonly string[], name = (id: string): string => id): string {
  switch (filter.kind) {
    case "flip":
      return `${name(filter.model)}: ${FLIP_WORDS[filter.flip]}`;
    case "change":
      return `${name(filter.model)}: ${word(filter.from)} → ${word(filter.to)}`;
    case "group":
      return by.length > 1 ? word(filter.value) : `${by[0] ?? "class"} ${word(filter.value)}`;
    case "cell":
      return `${name(filter.model)}: label ${word(filter.label)} read as ${word(filter.to)}`;
  }
}

export function brushWords(metric: MetricLike, model: string, [low, high]: Brush, relative = false): string {
  const text = (value: number): string => (relative ? formatDifference(metric, value) : formatValue(metric, value));
  const range = !Number.isFinite(low)
    ? `at most ${text(high)}`
    : !Number.isFinite(high)
      ? `at least ${text(low)}`
      : `${text(low)} to ${text(high)}`;
  return `${model}: ${range}`;
}

export function sameFilter(one: Filter, other: Filter): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
