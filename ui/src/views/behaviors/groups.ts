/** The table of classes: one row per class, with a cell per model. */
import { group } from "d3-array";
import type { Cell, ChangeRow, GroupRow } from "@/api/behaviors";
import { word } from "./filters";
import { namesOf, type NameOf } from "./sentence";

/** What a model does on a class. */
export interface OfModel {
  readonly model: string;
  readonly group: Cell;
  readonly count: number;
  readonly value: number | null;
  readonly base_value: number | null;
  readonly difference: number | null;
  readonly right_to_wrong?: number | null;
}

export interface Group<Row extends OfModel = GroupRow> {
  /** Its place in the server's order. */
  place: number;
  value: Cell;
  count: number;
  base: number | null;
  cells: ReadonlyMap<string, Row>;
}

/** Classes in the order of the server, whose rows go model by model. */
export function groupsOf<Row extends OfModel>(rows: readonly Row[]): Group<Row>[] {
  const found = new Map<string, { place: number; value: Cell; cells: Map<string, Row> }>();
  for (const row of rows) {
    const key = JSON.stringify(row.group);
    if (!found.has(key)) found.set(key, { place: found.size, value: row.group, cells: new Map() });
    found.get(key)!.cells.set(row.model, row);
  }
  return [...found.values()].map((group) => {
    const first = [...group.cells.values()][0]!;
    return {
      ...group,
      count: Math.max(...[...group.cells.values()].map(({ count }) => count)),
      base: first.base_value,
    };
  });
}

/** Groups of two columns as a matrix: a row for each first condition, a column for each second one. */
export interface Matrix {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** Null where no example is in both. */
  cell(row: string, column: string): GroupRow | null;
}

/** The most that a matrix can have and still be read. */
const MOST_ROWS = 60;
const MOST_COLUMNS = 24;

/** The matrix of each model; null where groups are no combinations, or too many. */
export function matricesOf(rows: readonly GroupRow[], models: readonly string[]): Map<string, Matrix> | null {
  const known = rows.filter(({ first, second }) => first !== null && second !== null);
  const firsts = [...new Set(known.map(({ first }) => first!))];
  // in the server's order, which the first condition with most of them has whole
  const byFirst = group(known, ({ model, first }) => JSON.stringify([model, first]));
  const fullest = [...byFirst.values()].sort((a, b) => b.length - a.length);
  const seconds = [...new Set(fullest.flatMap((own) => own.map(({ second }) => second!)))];
  if (known.length === 0 || firsts.length > MOST_ROWS || seconds.length > MOST_COLUMNS) return null;
  const matrixOf = (model: string): Matrix => {
    const own = new Map(
      known.filter((row) => row.model === model).map((row) => [JSON.stringify([row.first, row.second]), row]),
    );
    return { rows: firsts, columns: seconds, cell: (...at) => own.get(JSON.stringify(at)) ?? null };
  };
  return new Map(models.map((model) => [model, matrixOf(model)]));
}

/**
 * Sorted by "group", "count", "base", or "value", "difference",
 * "right_to_wrong" of a model: `difference[m]`. Missing is last.
 */
export function sortGroups<Row extends OfModel>(groups: readonly Group<Row>[], order: string | null): Group<Row>[] {
  if (order === null) return [...groups];
  const descending = order.startsWith("-");
  const column = descending ? order.slice(1) : order;
  const key = (group: Group<Row>): number | null => {
    if (column === "group") return group.place;
    if (column === "count") return group.count;
    if (column === "base") return group.base;
    const at = column.indexOf("[");
    const row = group.cells.get(column.slice(at + 1, -1));
    const name = column.slice(0, at);
    if (name === "difference") return row?.difference ?? null;
    if (name === "value") return row?.value ?? null;
    return name === "flips" ? (row?.right_to_wrong ?? null) : null;
  };
  return [...groups].sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === null || b === null) return Number(a === null) - Number(b === null) || one.place - other.place;
    return (descending ? b - a : a - b) || one.place - other.place;
  });
}

/** What a class turned into most often: the changes from its own prediction by the base. */
export function changesFrom(changes: readonly ChangeRow[], value: Cell, model: string, most = 2): ChangeRow[] {
  return changes.filter((change) => change.model === model && change.base_prediction === value).slice(0, most);
}

/** Classes that are hurt beyond the average, in a sentence; empty if none is. */
export function hurtSentence(groups: readonly Group[], models: readonly string[], nameOf: NameOf = (id) => id): string {
  const hurtIn = (model: string): Group[] => groups.filter((group) => group.cells.get(model)?.hurt === true);
  const hit = models.map((model) => ({ model, hurt: hurtIn(model) }));
  const worst = hit.reduce((most, one) => (one.hurt.length > most.hurt.length ? one : most), hit[0]!);
  if (!worst || worst.hurt.length === 0) return "";
  const same = (one: (typeof hit)[number]): boolean =>
    one.hurt.length === worst.hurt.length && one.hurt.every((group) => worst.hurt.includes(group));
  const alike = hit.filter(same);
  const ordered = [...worst.hurt].sort(
    (a, b) => Math.abs(b.cells.get(worst.model)!.excess ?? 0) - Math.abs(a.cells.get(worst.model)!.excess ?? 0),
  );
  const names = ordered.slice(0, 3).map(({ value }) => word(value));
  const more = ordered.length > 3 ? ` and ${ordered.length - 3} more` : "";
  const separator = names.some((text) => text.includes(",")) ? "; " : ", ";
  const [one, several] = separator === "; " ? ["group", "groups"] : ["class", "classes"];
  const classes = ordered.length === 1 ? one : several;
  const who = `${namesOf(alike, nameOf)} ${alike.length === 1 ? "hits" : "hit"}`;
  return `${who} ${classes} ${names.join(separator)}${more} harder than the rest`;
}
