/** Which rows are shown, and in which order. */
import type { Measure } from "./measures";
import type { Sort } from "./params";
import { keyOf, pathOf, type LayerTable } from "./table";

/** Rows that may be open at once without anybody having asked for it. */
const EASY = 120;

export interface Wanted {
  flat: boolean;
  depth: number;
  /** Keys of modules that are the other way round. */
  open: ReadonlySet<string>;
  sort: Sort | null;
  measure: Measure;
  /** Rows that the filter finds; null without a filter. */
  found: ReadonlySet<number> | null;
}

/** How deep the tree is open if nobody says so: whole layers, as long as they are few; at least one level. */
export function easyDepth(table: LayerTable): number {
  const modules = table.rows.filter((row) => row.parameter === null);
  for (let depth = table.deepest; depth > 1; depth--) {
    if (modules.filter((row) => row.depth <= depth).length <= EASY) return depth;
  }
  return 1;
}

/** Whether a module shows what is in it. */
export function isOpen(table: LayerTable, row: number, wanted: Pick<Wanted, "depth" | "open">): boolean {
  const { module, parameter } = table.rows[row]!;
  return parameter === null && byDepth(table, row, wanted.depth) !== wanted.open.has(keyOf(module, null));
}

/**
 * Whether a depth alone opens a module; those that hold nothing but tensors are opened by a depth beyond all modules.
 */
export function byDepth(table: LayerTable, row: number, depth: number): boolean {
  const one = table.rows[row]!;
  const holdsModules = one.children.some((child) => table.rows[child]!.parameter === null);
  return one.depth < depth && (holdsModules || depth > table.deepest);
}

/** The rows to show from top to bottom. In a filtered tree everything that leads to a found row is open. */
export function shownRows(table: LayerTable, wanted: Wanted): number[] {
  const compare = comparator(table, wanted);
  if (wanted.flat) {
    const listed = wanted.found ? foundLayers(table, wanted.found) : [...table.layers];
    return compare ? listed.sort(compare) : listed;
  }
  const leading = wanted.found && upwards(table, wanted.found);
  const shown: number[] = [];
  const waiting = [0];
  while (waiting.length > 0) {
    const row = waiting.pop()!;
    if (leading && !leading.has(row)) continue;
    shown.push(row);
    const inside = table.rows[row]!.children.filter((child) => !leading || leading.has(child));
    const leads = leading !== null && inside.length > 0;
    if (!leads && !isOpen(table, row, wanted)) continue;
    const ordered = compare ? [...inside].sort(compare) : inside;
    for (let k = ordered.length - 1; k >= 0; k--) waiting.push(ordered[k]!);
  }
  return table.rows.length > 0 ? shown : [];
}

/** Layers that are found, and tensors that are found where their layer is not. */
function foundLayers(table: LayerTable, found: ReadonlySet<number>): number[] {
  const layers = new Set(table.layers);
  return [...found]
    .filter((row) => layers.has(row) || (table.rows[row]!.parameter !== null && !found.has(table.rows[row]!.parent)))
    .sort((a, b) => a - b);
}

function upwards(table: LayerTable, rows: Iterable<number>): Set<number> {
  const all = new Set<number>();
  for (const row of rows) for (let at = row; at >= 0 && !all.has(at); at = table.rows[at]!.parent) all.add(at);
  return all;
}

/** What is missing or not a number comes last in either direction; equals stay in the order of execution. */
function comparator(table: LayerTable, { sort, measure }: Wanted): ((a: number, b: number) => number) | null {
  if (!sort || (sort.column === "order" && !sort.descending)) return null;
  const sign = sort.descending ? -1 : 1;
  if (sort.column === "order") return (a, b) => b - a;
  const model = table.models.indexOf(sort.column.slice("model:".length));
  if (sort.column !== "parameters" && model < 0) return null;
  const read = (row: number): number | null =>
    sort.column === "parameters" ? table.rows[row]!.numParameters : measure.read(table, row, model);
  const kept = new Map<number, number | null>();
  const value = (row: number): number | null => {
    let known = kept.get(row);
    if (known === undefined) kept.set(row, (known = read(row)));
    return known === null || Number.isNaN(known) ? null : known;
  };
  return (a, b) => {
    const [first, second] = [value(a), value(b)];
    if (first === null || second === null) return Number(first === null) - Number(second === null) || a - b;
    return first === second ? a - b : sign * (first < second ? -1 : 1);
  };
}

/** Rows whose whole name holds a text, in any case. */
export function findText(table: LayerTable, text: string): Set<number> {
  const wanted = text.toLowerCase();
  return new Set(table.rows.flatMap((row, i) => (i > 0 && pathOf(row).toLowerCase().includes(wanted) ? [i] : [])));
}
