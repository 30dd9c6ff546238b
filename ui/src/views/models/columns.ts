/** The columns that a table of models can have, and the rows that it shows. */
import { formatCount, formatValue, inColumn, operationFull, type MetricLike } from "@/format";
import { parameterText } from "@/state/filters";
import { sortedOrder, type Sortable } from "@/state/order";
import type { Metric, ModelTable } from "@/state/table";
import { valueOf } from "@/widgets/facts";

export interface Column {
  /** In the address: `id`, `base`, …, `p:` and a parameter, `m:` and a metric. */
  readonly key: string;
  readonly title: string;
  readonly hint: string;
  /** Of numbers; null for words. */
  readonly metric: MetricLike | null;
  /** In pixels; null for as wide as its words. */
  readonly width: number | null;
  /** Whether it is shown when nobody chose. */
  readonly usual: boolean;
  value(model: number): Sortable;
  text(model: number): string;
}

const MOST_PARAMETERS = 40;

/** A row of the list: a model, or the head of a group. */
export type Row = { readonly model: number } | { readonly group: string; readonly count: number };

type Words = Pick<Column, "key" | "title"> & Partial<Pick<Column, "hint" | "usual">>;

const words = (about: Words, read: (model: number) => string): Column => ({
  hint: "",
  usual: true,
  ...about,
  metric: null,
  width: null,
  value: (model) => read(model) || null,
  text: read,
});

export function columnsOf(table: ModelTable): Column[] {
  const baseOf = (i: number): string => (table.base[i]! < 0 ? "" : table.ids[table.base[i]!]!);
  const operationOf = (i: number): string => operationFull(table.operation[i] ?? null, table.parameters[i]!);
  const names = new Map<string, number>();
  for (const parameters of table.parameters) {
    for (const name of Object.keys(parameters)) names.set(name, (names.get(name) ?? 0) + 1);
  }
  const parameters = [...names].sort((a, b) => b[1] - a[1]).slice(0, MOST_PARAMETERS);
  const primary = table.metrics.some((metric) => metric.primary);
  return [
    words({ key: "base", title: "Parent", hint: "The model that the operation was applied to" }, baseOf),
    words({ key: "operation", title: "Operation" }, operationOf),
    {
      ...words({ key: "step", title: "Step", usual: false, hint: "Operations since the root" }, (i) =>
        formatCount(table.step[i]!),
      ),
      metric: { name: "Step", unit: "", format: "d", higher_is_better: null, min: 0, max: null },
      width: 56,
      value: (i) => table.step[i]!,
    },
    words({ key: "tags", title: "Tags", usual: table.tags.some((tags) => tags.length > 0) }, (i) =>
      table.tags[i]!.join(", "),
    ),
    ...parameters.map(([name]): Column => {
      const read = (i: number): Sortable => {
        const value = table.parameters[i]![name];
        return typeof value === "number" || typeof value === "boolean"
          ? value
          : value == null
            ? null
            : parameterText(value);
      };
      const text = (i: number): string => {
        const value = table.parameters[i]![name];
        return value === undefined ? "" : parameterText(value);
      };
      return {
        key: `p:${name}`,
        title: name,
        hint: `Parameter ${name}`,
        metric: null,
        width: null,
        usual: false,
        value: read,
        text,
      };
    }),
    ...table.metrics.map((metric, k) => metricColumn(table, metric, primary ? metric.primary : k < 6)),
  ];
}

function metricColumn(table: ModelTable, metric: Metric, usual: boolean): Column {
  const value = (i: number): number | null => valueOf(table, metric.name, i);
  let written: Metric | null = null;
  return {
    key: `m:${metric.name}`,
    title: metric.name,
    hint: metric.description,
    metric,
    width: Math.max(104, Math.min(190, metric.name.length * 7 + 24)),
    usual,
    value,
    text: (i) => {
      written ??= inColumn(
        metric,
        table.ids.map((_, row) => value(row)),
      );
      return formatValue(written, value(i));
    },
  };
}

const LETTER = 7.4;
const MONO_LETTER = 7.3;
const LEAST = 96;
const MOST = 420;
/** Rows that are looked at for the width of a column. */
const MEASURED = 500;

/** As wide as the longest of some texts needs, within bounds. */
const widthOf = (texts: readonly string[], letter: number): number => {
  const most = texts.reduce((found, text) => Math.max(found, text.length), 0);
  return Math.max(LEAST, Math.min(MOST, Math.ceil(most * letter + 18)));
};

/** Widths of the ids and of each column, in pixels: those of words as wide as their words. */
export function widthsOf(table: ModelTable, columns: readonly Column[]): number[] {
  const rows = [...table.ids.keys()].slice(0, MEASURED);
  const ids = widthOf(
    rows.map((row) => table.ids[row]!),
    MONO_LETTER,
  );
  const words = columns.map((column) => {
    const texts = (): string[] => [`${column.title} ↑`, ...rows.map((row) => column.text(row))];
    return column.width ?? widthOf(texts(), column.key === "base" ? MONO_LETTER : LETTER);
  });
  return [ids, ...words];
}

/** The columns to show: the pinned ones first, then the chosen ones, or the usual ones where nobody chose. */
export function shownColumns(
  all: readonly Column[],
  chosen: readonly string[] | null,
  pinned: readonly string[],
): Column[] {
  const byKey = new Map(all.map((column) => [column.key, column]));
  const shown = chosen ? chosen.flatMap((key) => byKey.get(key) ?? []) : all.filter(({ usual }) => usual);
  const first = pinned.flatMap((key) => byKey.get(key) ?? []);
  return [...first, ...shown.filter((column) => !first.includes(column))];
}

export interface Order {
  readonly sort: { readonly column: string; readonly descending: boolean } | null;
  readonly grouped: boolean;
}

/** The rows of the models that `passes`: sorted, and together by operation where they are grouped. */
export function rowsOf(
  table: ModelTable,
  columns: readonly Column[],
  passes: Uint8Array,
  { sort, grouped }: Order,
): Row[] {
  const models = Array.from({ length: table.count }, (_, i) => i).filter((i) => passes[i] === 1);
  const column = columns.find(({ key }) => key === sort?.column);
  const read = sort?.column === "id" ? (model: number): Sortable => table.ids[model]! : column?.value;
  const ordered = read ? sortedOrder(models.map(read), sort!.descending).map((k) => models[k]!) : models;
  if (!grouped) return ordered.map((model) => ({ model }));
  const groups = new Map<string, number[]>();
  for (const model of ordered) {
    const name = table.operation[model] ?? "no operation";
    const own = groups.get(name);
    if (own) own.push(model);
    else groups.set(name, [model]);
  }
  return [...groups].flatMap(([group, own]) => [{ group, count: own.length }, ...own.map((model) => ({ model }))]);
}
